"""A work: what is to be done to a tenant's partitions, how far it is, and who is at it (docs/format.md, "Work"). Pure.

Its cursor is the partition that was done last, its counts tell of all up to there, and both are written at once: what
is done a second time, because whoever did it was killed before that, is counted once.
"""

import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from twinvault.envelope import ID
from twinvault.envelope.grammars import EXACT_TIME, UUID
from twinvault.errors import CallerError, DependencyError, IntegrityError, Step, TwinvaultError, Undeclared
from twinvault.keys.deks import DEK_NAME
from twinvault.keys.document import compact, read_document, text, text_up_to, whole
from twinvault.maintenance.counts import NOTHING_YET, Counts

MAX_PRINCIPAL = 256
"""Characters, as of any text in an audit entry."""
MAX_FINDINGS = 100
MAX_TEXT = 256
"""Characters of what a finding says: a hundred of them must fit into the work's row, whatever a row is called."""

_CURSOR = re.compile(rf"{ID.pattern}|{DEK_NAME.pattern}")
_ONE_OR_ALL = re.compile(rf"(?:{ID.pattern})?")
_HOLDER = re.compile(r"[0-9a-f]{32}")
_PROBLEM = re.compile(r"[a-z][a-z-]{0,63}")


class WorkState(StrEnum):
    """How a work stands."""

    RUNNING = "running"
    """There are partitions to do."""
    DONE = "done"
    """Every partition was done."""
    FAILED = "failed"
    """It is at its end, and some partitions were refused: the audit log says which and why."""


@dataclass(frozen=True, slots=True)
class RefusedPartition:
    """A partition that was refused, for whoever asked for the work.

    Attributes:
        partition: its id.
        problem: what sort of error it was, as docs/errors.md names it.
        check: of tampering which check failed, else what was said.
        row: the sort key of the row that it was of; empty where it was none, or nobody knows which.
    """

    partition: str
    problem: str
    check: str
    row: str

    @classmethod
    def of(cls, partition: str, error: TwinvaultError, *, row: str | None = None) -> "RefusedPartition":
        """Of what a partition was refused for. `row`: its row's sort key, if not the one that the error names."""
        check = ""
        match error:
            case IntegrityError():
                check = error.check
            case Undeclared():
                check = ", ".join(error.names)
            case CallerError() | DependencyError():
                check = error.message
        if row is None:
            row = error.where.sk if isinstance(error, IntegrityError | Undeclared) and error.where else ""
        return cls(partition, error.problem, _printable(check), _printable(row))


@dataclass(frozen=True, slots=True)
class Lease:
    """Who is at the work, and until when nobody else may be.

    Attributes:
        holder: drawn by whoever took it, 32 hex digits.
        until: RFC 3339 in UTC, to the microsecond.
    """

    holder: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A work as its row says.

    Attributes:
        id: of the work; a UUID of version 7, so that works are in the order of their begin.
        job: what is done to each partition.
        kind: of the partitions; `keys` of a work that is done to keys.
        partition: the one partition that it is done to; empty: all of the kind.
        principal: who asked for it, as the audit log knows them.
        begun, updated: RFC 3339 in UTC, to the microsecond.
        cursor: the partition, or the DEK's row, that was done last; empty before the first.
        stopped_since: since when nothing but the partition after the cursor has been tried, in vain; None: it goes on.
        last_event: the id of the audit entry that tells of the latest change.
        findings: the first partitions that were refused, `MAX_FINDINGS` at most; `counts.failed` are all of them.
    """

    id: str
    job: str
    kind: str
    principal: str
    begun: str
    updated: str
    last_event: str
    cursor: str = ""
    counts: Counts = NOTHING_YET
    state: WorkState = WorkState.RUNNING
    stopped_since: str | None = None
    lease: Lease | None = None
    findings: tuple[RefusedPartition, ...] = ()
    partition: str = ""

    @property
    def is_running(self) -> bool:
        """Whether there is anything left to do."""
        return self.state is WorkState.RUNNING

    @property
    def driven_until(self) -> str | None:
        """Until when whoever is at it may be; None: nobody is."""
        return self.lease.until if self.lease else None

    def is_free(self, now: str) -> bool:
        """Whether anybody may take it: it runs, and nobody holds it at this time."""
        return self.is_running and (self.lease is None or self.lease.until <= now)

    def is_held_by(self, holder: str) -> bool:
        """Whether this very holder was the last to take it."""
        return self.lease is not None and self.lease.holder == holder

    def at_its_end(self) -> "Work":
        """The same, with no partition left."""
        state = WorkState.FAILED if self.counts.failed else WorkState.DONE
        return replace(self, state=state, stopped_since=None, lease=None)

    def encode(self) -> bytes:
        """The payload: compact JSON, members in this order. Id and times stand in the clear beside it."""
        document = {
            "job": self.job,
            # A release from before there was one reads every work that is done to all.
            "arguments": {"kind": self.kind, **({"partition": self.partition} if self.partition else {})},
            "principal": self.principal,
            "state": self.state.value,
            "cursor": self.cursor,
            "counts": asdict(self.counts),
            "stopped_since": self.stopped_since,
            "lease": asdict(self.lease) if self.lease else None,
            "last_event": self.last_event,
            # A release from before there were any reads every work that has none.
            **({"findings": [asdict(one) for one in self.findings]} if self.findings else {}),
        }
        return compact(document)


def decode(payload: bytes, *, work_id: str, begun: str, updated: str) -> Work:
    """Returns the work that `encode` made these bytes of.

    Raises:
        IntegrityError: no work encodes to these bytes.
    """

    def made(document: Any) -> Work:  # noqa: ANN401  # whatever JSON there is
        return Work(
            id=text(work_id, ID),
            job=text(document["job"], ID),
            kind=text(document["arguments"]["kind"], ID),
            partition=text(document["arguments"].get("partition", ""), _ONE_OR_ALL),
            principal=text_up_to(document["principal"], MAX_PRINCIPAL),
            begun=text(begun, EXACT_TIME),
            updated=text(updated, EXACT_TIME),
            last_event=text(document["last_event"], UUID),
            cursor=text(document["cursor"], _CURSOR) if document["cursor"] != "" else "",
            counts=Counts(**{name: whole(value, least=0) for name, value in document["counts"].items()}),
            state=WorkState(document["state"]),
            stopped_since=text(document["stopped_since"], EXACT_TIME)
            if document["stopped_since"] is not None
            else None,
            lease=_lease(document["lease"]),
            findings=_findings(document.get("findings", [])),
        )

    return read_document(payload, made, step=Step.WORK, name="a work")


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text[:MAX_TEXT])


def _lease(document: Any) -> Lease | None:  # noqa: ANN401  # whatever JSON there is
    if document is None:
        return None
    return Lease(text(document["holder"], _HOLDER), text(document["until"], EXACT_TIME))


def _findings(document: Any) -> tuple[RefusedPartition, ...]:  # noqa: ANN401  # whatever JSON there is
    if not isinstance(document, list) or len(document) > MAX_FINDINGS:
        raise ValueError("findings")
    return tuple(
        RefusedPartition(
            text(one["partition"], ID),
            text(one["problem"], _PROBLEM),
            text_up_to(one["check"], MAX_TEXT),
            text_up_to(one["row"], MAX_TEXT),
        )
        for one in document
    )
