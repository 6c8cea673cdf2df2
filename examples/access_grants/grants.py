"""Access grants: one partition for each incident, its request, and every decision about it.

What must be found without opening (the system, the state) is clear; who asked, why, and who decided what is sealed. An
incident's id may say what happened ("2026-11-23 payroll leak"), so the partition hides it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twinvault import (
    TEXT,
    Acting,
    Changes,
    Conflict,
    Draft,
    EntitySpec,
    IntegrityError,
    InvalidInput,
    KindSpec,
    NotFound,
    PartitionStore,
    Snapshot,
    head_spec,
)

REQUESTED, GRANTED, REFUSED, REVOKED = "requested", "granted", "refused", "revoked"
STATES = (REQUESTED, GRANTED, REFUSED, REVOKED)
UNREADABLE = "unreadable"
"""What a list says of a grant that does not open; no grant is in this state."""
_NEXT = {REQUESTED: {GRANTED, REFUSED}, GRANTED: {REVOKED}}
_MOST_LISTED = 50

REQUEST = EntitySpec("request", re.compile("request"), {"system": TEXT}, frozenset({"incident", "person", "reason"}))
DECISION = EntitySpec("decision", re.compile("decision#[0-9]{2}"), {"outcome": TEXT}, frozenset({"decided_by", "note"}))
# The three list_ attributes are those of the index ByList: grants can be listed by state, newest first.
GRANT = KindSpec(
    "access-grant",
    (REQUEST, DECISION),
    head_spec({"state": TEXT, "list_kind": TEXT, "list_status": TEXT, "list_at": TEXT}),
)

type Grant = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grants:
    """The access grants of one tenant, for one request of one caller. `now` is RFC 3339 UTC time as text."""

    acting: Acting
    now: Callable[[], str]

    def request(self, incident: str, *, system: str, person: str, reason: str) -> Grant:
        """Asks for access.

        Raises:
            Conflict: access was asked for in this incident before.
        """

        def plan(before: Snapshot | None) -> Changes:
            if before is not None:
                raise Conflict("incident: access was asked for before", field="incident")
            sealed = {"incident": incident, "person": person, "reason": reason}
            return Changes(self._head(REQUESTED), [Draft("request", "request", {"system": system, **sealed})])

        return _grant(self._partition(incident, create=True).write(plan))

    def decide(self, incident: str, *, outcome: str, decided_by: str, note: str) -> Grant:
        """Grants, refuses or revokes.

        Raises:
            NotFound: nobody asked.
            Conflict: the state does not allow it, for example because somebody else was faster.
        """
        if outcome not in STATES:
            raise InvalidInput(f"outcome: must be one of {', '.join(STATES)}", field="outcome")

        def plan(before: Snapshot | None) -> Changes:
            # Asked anew whenever another writer was faster: the decision is about the state that it replaces.
            grant = _grant(before)
            if outcome not in _NEXT.get(grant["state"], set()):
                raise Conflict(f"outcome: what is {grant['state']} cannot be {outcome}", field="outcome")
            fields = {"outcome": outcome, "decided_by": decided_by, "note": note}
            number = len(grant["decisions"]) + 1
            return Changes(self._head(outcome), [Draft("decision", f"decision#{number:02d}", fields)])

        return _grant(self._partition(incident, create=False).write(plan))

    def read(self, incident: str) -> Grant:
        """The whole grant, complete and authentic.

        Raises:
            NotFound: nobody asked.
        """
        return _grant(self._partition(incident, create=False).read())

    def listed(self, state: str) -> Sequence[Grant]:
        """The newest grants in this state, without their decisions, and what nobody can read: it may be one of them.

        Who may enter is decided by this, so each grant is read whole: records alone are authentic and may be older ones
        that were put back, such as the head of a grant before it was revoked. That is a read of each partition.
        """
        listing = self.acting.listing(GRANT)
        found: list[Grant] = []
        if listing is not None:
            page = listing.page(status=state, limit=_MOST_LISTED, cursor=None)
            for scope in page.scopes:
                try:
                    grant = _grant(self.acting.partition(GRANT, scope.partition).peek())
                except NotFound:  # gone since the index had it
                    continue
                except IntegrityError as error:
                    found.append({"state": UNREADABLE, "problem": error.problem})
                    continue
                if grant["state"] == state:  # an index lags; the record decides
                    found.append({name: value for name, value in grant.items() if name != "decisions"})
            found += [{"state": UNREADABLE, "problem": one.problem} for one in page.refused]
        self.acting.release()
        return found

    def _partition(self, incident: str, *, create: bool) -> PartitionStore:
        partition = self.acting.hidden_partition(GRANT, incident, create=create)
        if partition is None:
            raise NotFound("nobody asked for access in this incident")
        return partition

    def _head(self, state: str) -> dict[str, Any]:
        return {"state": state, "list_kind": GRANT.kind, "list_status": state, "list_at": self.now()}


def _grant(snapshot: Snapshot | None) -> Grant:
    if snapshot is None:
        raise NotFound("nobody asked for access in this incident")
    decisions = [record.fields for sk, record in snapshot.records.items() if sk.startswith("decision#")]
    return {"state": snapshot.head.fields["state"], **snapshot.records["request"].fields, "decisions": decisions}
