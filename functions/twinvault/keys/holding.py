"""A tenant's legal holds, as their row says (docs/format.md, "Holds"). Pure.

One row has all of them: so one read and one mark say what is held, and whoever takes the row away, or puts an older one
back, is found out. What is held may be neither erased nor sealed anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from twinvault.envelope import ID
from twinvault.envelope.grammars import EXACT_TIME, UUID
from twinvault.errors import IntegrityError, Step, TooLarge
from twinvault.keys.document import compact, read_document, text, text_up_to
from twinvault.scope import Scope

MAX_HOLDS = 1_000
MAX_BYTES = 300 * 1024
"""Of the row's plaintext: padded and with its attributes it must be an item of DynamoDB's, 400 KB at most."""
MAX_TEXT = 256
"""Characters, of each text that a person chose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold.

    Attributes:
        kind, partition: what is held; both None: the tenant, and so all its partitions.
        caller_id: the caller's own id of the partition, where it was put by that; else None.
        since: RFC 3339 in UTC, to the microsecond.
        principal: who put it, as the audit log knows them.
        reason: what it is for, in the words of whoever put it, such as a case's number; may be empty.
    """

    kind: str | None
    partition: str | None
    caller_id: str | None = None
    since: str
    principal: str
    reason: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """What is held, to sort and compare by: the tenant comes first."""
        return (self.kind or "", self.partition or "")


@dataclass(frozen=True, slots=True)
class HoldList:
    """What a tenant's row of holds says.

    Attributes:
        holds: in the order of what they hold, the tenant's own first; one of each.
        last_event: the id of the audit entry that tells of the latest change.
    """

    holds: tuple[Hold, ...]
    last_event: str

    def of(self, kind: str | None, partition: str | None) -> Hold | None:
        """The hold of exactly this; None where there is none."""
        return next((one for one in self.holds if (one.kind, one.partition) == (kind, partition)), None)

    def against(self, scope: Scope | None) -> Hold | None:
        """A hold that forbids to erase or reseal this partition; of no partition: to erase the tenant."""
        if scope is None:
            return next(iter(self.holds), None)
        return self.of(None, None) or self.of(scope.kind, scope.partition)

    def put(self, hold: Hold) -> "HoldList":
        """The list with one more.

        Raises:
            TooLarge: there are as many as may be: hold the tenant instead.
        """
        holds = tuple(sorted((*self.holds, hold), key=lambda one: one.place))
        made = replace(self, holds=holds)
        if len(holds) > MAX_HOLDS or len(made.encode()) > MAX_BYTES:
            raise TooLarge(
                f"holds: over the limit of {MAX_HOLDS} holds of a tenant, or of {MAX_BYTES} bytes for all of them: "
                "hold the tenant instead"
            )
        return made

    def lifted(self, hold: Hold) -> "HoldList":
        """The list without this one."""
        return replace(self, holds=tuple(one for one in self.holds if one is not hold))

    def encode(self) -> bytes:
        """The payload: compact JSON, members in this order."""
        document = {
            "holds": [
                {
                    "kind": one.kind,
                    "partition": one.partition,
                    "id": one.caller_id,
                    "since": one.since,
                    "principal": one.principal,
                    "reason": one.reason,
                }
                for one in self.holds
            ],
            "last_event": self.last_event,
        }
        return compact(document)


def decode(payload: bytes) -> HoldList:
    """Returns the list that `encode` made these bytes of.

    Raises:
        IntegrityError: no list encodes to these bytes.
    """
    found = read_document(payload, _listed, step=Step.HOLDS, name="holds", are="are")
    places = [one.place for one in found.holds]
    if places != sorted(set(places)):
        raise IntegrityError(Step.HOLDS, detail="it is not written as holds are")
    return found


def _listed(document: Any) -> HoldList:  # noqa: ANN401  # whatever JSON there is
    return HoldList(tuple(_holds(document["holds"])), text(document["last_event"], UUID))


def _holds(document: Any) -> Iterator[Hold]:  # noqa: ANN401  # whatever JSON there is
    if not isinstance(document, list) or len(document) > MAX_HOLDS:
        raise ValueError("holds")
    for one in document:
        kind, partition, caller_id = one["kind"], one["partition"], one["id"]
        if (kind is None) is not (partition is None):
            raise ValueError("place")
        yield Hold(
            kind=None if kind is None else text(kind, ID),
            partition=None if partition is None else text(partition, ID),
            caller_id=None if caller_id is None else text_up_to(caller_id, MAX_TEXT),
            since=text(one["since"], EXACT_TIME),
            principal=text_up_to(one["principal"], MAX_TEXT),
            reason=text_up_to(one["reason"], MAX_TEXT),
        )
