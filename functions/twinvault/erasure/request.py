"""An erasure that was asked for: what, by whom, until when it can be called off, and what became of it. Pure.

requested -> cancelled
          -> final        nobody can call it off any more; `erased` says what was done, once it is
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from twinvault.envelope import ID
from twinvault.envelope.grammars import EXACT_TIME, UUID
from twinvault.erasure.facts import Erased
from twinvault.erasure.facts import decode as decode_erased
from twinvault.errors import Conflict, Forbidden, Step
from twinvault.keys.document import compact, read_document, text, text_up_to
from twinvault.keys.times import text_of_time

MAX_TEXT = 256
"""Characters, of the principals' names and of the caller's id."""


class ErasureState(StrEnum):
    """How an erasure stands."""

    REQUESTED = "requested"
    """It can be called off, and from `not_before` on be made final."""
    CANCELLED = "cancelled"
    """It was called off."""
    FINAL = "final"
    """It cannot be called off any more. Where `erased` says nothing yet, making it final again goes on with it."""


@dataclass(frozen=True, slots=True)
class Said:
    """Who said something, as the audit log knows them, and when (RFC 3339 in UTC, to the microsecond)."""

    principal: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequest:
    """An erasure as its row says.

    Attributes:
        id: a UUID of version 7, so that they are in the order in which they were asked for.
        kind, partition: what is to be erased; both None: the whole tenant.
        caller_id: the caller's own id of the partition, where it was asked for by that; forgotten once that is erased,
            by whichever request.
        requested: who asked, and when.
        not_before: when it can be made final at the earliest: RFC 3339 in UTC, to the microsecond.
        state: how it stands.
        cancelled: who called it off, and when.
        final: who made it final, and when.
        erased: what was erased, once it is.
        finalized_at: when the epochs that wrapped its keys were destroyed, once somebody saw to that.
        last_event: the id of the audit entry that tells of the latest change.
    """

    id: str
    kind: str | None
    partition: str | None
    caller_id: str | None
    requested: Said
    not_before: str
    last_event: str
    state: ErasureState = ErasureState.REQUESTED
    cancelled: Said | None = None
    final: Said | None = None
    erased: Erased | None = None
    finalized_at: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still be made final, or is and nobody knows of its end."""
        return self.state is not ErasureState.CANCELLED and self.erased is None

    def called_off(self, by: Said) -> "ErasureRequest | None":
        """The same, called off; None: it is.

        Raises:
            Conflict: it is final.
        """
        if self.state is ErasureState.FINAL:
            raise Conflict("this erasure is final: it cannot be cancelled any more")
        if self.state is ErasureState.CANCELLED:
            return None
        return replace(self, state=ErasureState.CANCELLED, cancelled=by)

    def made_final(self, by: Said, *, four_eyes: bool) -> "ErasureRequest | None":
        """The same, which nobody can call off any more; None: it is so already.

        With `four_eyes` that is another's to say than who asked for it, also where it was said before.

        Raises:
            Conflict: it was called off, or its time has not come: the message says when.
            Forbidden: it was asked for by the same principal.
        """
        if self.state is ErasureState.CANCELLED:
            raise Conflict("this erasure was cancelled: ask for it anew")
        if four_eyes and by.principal == self.requested.principal:
            raise Forbidden("permissions: another principal than the one who asked must make it final")
        if self.state is ErasureState.FINAL:
            return None
        if by.at < self.not_before:
            raise Conflict(f"this erasure can be cancelled until {self.not_before}: not before then")
        return replace(self, state=ErasureState.FINAL, final=by)

    def done(self, erased: Erased) -> "ErasureRequest | None":
        """The same, with what was erased; the caller's own id of it is forgotten. None: it is known already."""
        return None if self.erased is not None else replace(self, erased=erased, caller_id=None)

    def forgotten(self) -> "ErasureRequest | None":
        """The same without the caller's own id; None: it has none."""
        return None if self.caller_id is None else replace(self, caller_id=None)

    def encode(self) -> bytes:
        """The payload: compact JSON, members in this order. When it was asked for stands in the clear beside it."""
        document = {
            "kind": self.kind,
            "partition": self.partition,
            "id": self.caller_id,
            "principal": self.requested.principal,
            "state": self.state.value,
            "not_before": self.not_before,
            "cancelled": _said(self.cancelled),
            "final": _said(self.final),
            "erased": self.erased.encode() if self.erased else None,
            "finalized_at": self.finalized_at,
            "last_event": self.last_event,
        }
        return compact(document)


def later(now: str, *, hours: int) -> str:
    """The time so many hours after this one; both to the microsecond."""
    return text_of_time(datetime.fromisoformat(now) + timedelta(hours=hours))


def decode(payload: bytes, *, erasure_id: str, requested_at: str) -> ErasureRequest:
    """Returns the erasure that `encode` made these bytes of.

    Raises:
        IntegrityError: no erasure encodes to these bytes.
    """

    def made(document: Any) -> ErasureRequest:  # noqa: ANN401  # whatever JSON there is
        of_partition, caller_id, erased = document["kind"] is not None, document["id"], document["erased"]
        return ErasureRequest(
            id=text(erasure_id, UUID),
            kind=text(document["kind"], ID) if of_partition else None,
            partition=text(document["partition"], ID) if of_partition else None,
            caller_id=None if caller_id is None else text_up_to(caller_id, MAX_TEXT),
            requested=Said(text_up_to(document["principal"], MAX_TEXT), text(requested_at, EXACT_TIME)),
            not_before=text(document["not_before"], EXACT_TIME),
            last_event=text(document["last_event"], UUID),
            state=ErasureState(document["state"]),
            cancelled=_who(document["cancelled"]),
            final=_who(document["final"]),
            erased=None if erased is None else decode_erased(text_up_to(erased, len(payload))),
            finalized_at=None if document["finalized_at"] is None else text(document["finalized_at"], EXACT_TIME),
        )

    return read_document(payload, made, step=Step.ERASURE, name="an erasure")


def _said(said: Said | None) -> dict[str, str] | None:
    return {"principal": said.principal, "at": said.at} if said else None


def _who(document: Any) -> Said | None:  # noqa: ANN401  # whatever JSON there is
    return (
        None
        if document is None
        else Said(text_up_to(document["principal"], MAX_TEXT), text(document["at"], EXACT_TIME))
    )
