"""Rows under a tenant's register key whose newest state a mark names: as they stand, or not to be trusted.

Row and mark are read one after the other, so a change in between makes them differ. What differs is looked at again
between two TransactGetItems of the row, as at a tenant's load (`keys.loading`): only then is it tampering. A change is
one transaction: the row on its commitment, its mark, and the audit entry.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import Mark, mark_statement
from twinvault.dynamodb.transaction import Outcome, insert, overwrite
from twinvault.envelope import NONCE_BYTES, SALT_BYTES, Label, tenant_key
from twinvault.errors import Contention, DependencyError, IntegrityError, NotFound, Step, Undeclared
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import NamedKey, row_place
from twinvault.keys.sealed import Payload, Written, open_payload, parse_sealed, seal_payload
from twinvault.keys.table import Committer, RegisterChange

if TYPE_CHECKING:
    from twinvault.envelope.item import Item
    from twinvault.keys.table import KeyTable, RegisterMarks
    from twinvault.observe import Observer

_LOOKS = 50
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class MarkedPlace:
    """Where such a row stands.

    Attributes:
        tenant: whose.
        name: the row's sort key.
        mark_pk: where its marks stand.
        label: what it holds.
        even_erased: whether it is there for who asks even once the tenant was erased.
    """

    tenant: str
    name: str
    mark_pk: str
    label: Label
    even_erased: bool = False


@dataclass(frozen=True, slots=True)
class FoundRow[T]:
    """What a row says, and the row that it was found in: the one that the newest mark names."""

    says: T
    item: "Item"
    written: Written
    digest: bytes


@dataclass(frozen=True, slots=True)
class LostRow:
    """What stands where the row should, and the newest mark, where the two do not fit or the row does not open."""

    item: "Item | None"
    mark: Mark | None
    why: IntegrityError | Undeclared


type RowOpening[T] = Callable[[bytes, Written], T]
"""Makes of a row's plaintext, and of when it was written, what the row says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedRows:
    """Reads and writes such rows of one store's tenants; thread-safe.

    Attributes:
        names: the physical names of the keys table and of the marks table.
        randomness: `os.urandom` outside of tests.
    """

    table: "KeyTable"
    marks: "RegisterMarks"
    names: tuple[str, str]
    hierarchy: KeyHierarchy
    randomness: Callable[[int], bytes]
    sleep: Callable[[float], None]

    def read[T](
        self, place: MarkedPlace, opening: RowOpening[T], *, observer: "Observer"
    ) -> FoundRow[T] | LostRow | None:
        """The row; None where none was ever made.

        Raises:
            NotFound: there is a row, and the tenant has no keys.
            KeyRefused, DependencyError: as for any key. Contention: others keep changing the row.
        """
        pk = tenant_key(place.tenant)
        found = self._read_once(place, self.table.get(pk, place.name), opening=opening, observer=observer)
        if not isinstance(found, LostRow):
            return found
        for _ in range(_LOOKS):
            try:
                before = self.table.get_isolated(pk, place.name)
                found = self._read_once(place, before, opening=opening, observer=observer)
                if before == self.table.get_isolated(pk, place.name):
                    return found
            except Contention:
                pass
            self.sleep(_PAUSE)
        raise Contention("this row keeps changing", retry_after=1)

    def require[T](self, place: MarkedPlace, opening: RowOpening[T], *, observer: "Observer") -> FoundRow[T] | None:
        """As `read`.

        Raises:
            IntegrityError, Undeclared: it is lost.
        """
        found = self.read(place, opening, observer=observer)
        if isinstance(found, LostRow):
            raise found.why
        return found

    def commit[T](
        self,
        place: MarkedPlace,
        plaintext: bytes,
        *,
        before: FoundRow[T] | LostRow | None,
        event_id: str,
        now: str,
        committer: Committer,
    ) -> Outcome:
        """Puts a row that holds this in the place of what was found, with its mark and the entry of this event.

        Raises:
            NotFound: the tenant has no keys.
            DependencyError: it cannot be written now; as for any key.
        """
        key = self.register_key(place, observer=committer.observer)
        written, replaced = _next(before, now)
        payload = Payload(place.name, plaintext, place.label)
        salt, nonce = self.randomness(SALT_BYTES), self.randomness(NONCE_BYTES)
        item, digest = seal_payload(payload, tenant=place.tenant, key=key, written=written, salt=salt, nonce=nonce)
        committer.observer.crypto("encrypt", key.name)
        keys, marks = self.names
        there = before.item if before else None
        row = insert(keys, item) if there is None else overwrite(keys, item, before=there)
        marked = mark_statement(place.mark_pk, Mark(written.version, digest, event_id), table=marks)
        change = RegisterChange(place.mark_pk, written.version, digest, replaced)
        result = committer.commit([row, marked], event_id=event_id, change=change)
        if result.outcome is Outcome.REFUSED:
            raise DependencyError("this cannot be written now", cause=result.cause)
        return result.outcome

    def register_key(self, place: MarkedPlace, *, observer: "Observer") -> NamedKey:
        """The key that seals the row.

        Raises:
            NotFound: the tenant has no keys.
            Gone: it was erased, and this row is not there for who asks then.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        erased = self.hierarchy.erased(place.tenant, observer=observer) if place.even_erased else None
        found = erased or self.hierarchy.tenant(place.tenant, observer=observer)
        if found is None:
            raise NotFound("this tenant has no keys")
        return self.hierarchy.register_key(found, observer=observer)

    def _read_once[T](
        self, place: MarkedPlace, item: "Item | None", *, opening: RowOpening[T], observer: "Observer"
    ) -> FoundRow[T] | LostRow | None:
        mark: Mark | None = None
        try:
            mark = self.marks.newest(place.mark_pk)
            if item is None and mark is None:
                return None
            return self._fitting(place, item, mark=mark, opening=opening, observer=observer)
        except Undeclared as refusal:
            return LostRow(item, mark, refusal)
        except IntegrityError as refusal:
            return LostRow(item, mark, refusal if refusal.where else refusal.at(row_place(place.tenant, place.name)))

    def _fitting[T](
        self,
        place: MarkedPlace,
        item: "Item | None",
        *,
        mark: Mark | None,
        opening: RowOpening[T],
        observer: "Observer",
    ) -> FoundRow[T]:
        """The row, which is the one that the mark names."""
        if item is None:
            raise IntegrityError(Step.MARK, detail="the row was taken away")
        row = parse_sealed(item, tenant=place.tenant, name=place.name)
        digest = row.digest(place.label)
        if mark is None or mark.version != row.written.version or not hmac.compare_digest(mark.digest, digest):
            raise IntegrityError(Step.MARK, detail="the row is not the one that was written last")
        key = self.register_key(place, observer=observer)
        says = opening(open_payload(row, key=key, label=place.label), row.written)
        observer.crypto("decrypt", key.name)
        return FoundRow(says, item, row.written, digest)


def _next[T](before: FoundRow[T] | LostRow | None, now: str) -> tuple[Written, tuple[int, bytes] | None]:
    """When the next row is written, and the version and digest that it replaces."""
    match before:
        case FoundRow():
            return before.written.again(now), (before.written.version, before.digest)
        case LostRow(mark=Mark() as mark):
            return Written(mark.version + 1, now, now), (mark.version, mark.digest)
    return Written(1, now, now), None
