"""The row of a tenant's legal holds as it stands: the newest, or not to be trusted.

Row and mark are read one after the other, so a change in between makes them differ. What differs is looked at again
between two TransactGetItems of the row, as at a tenant's load (`keys.loading`): only then is it tampering.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import Mark, hold_mark_key
from twinvault.envelope import Label, tenant_key
from twinvault.errors import Contention, IntegrityError, NotFound, Step, Undeclared
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.holding import HoldList, decode
from twinvault.keys.rows import HOLDS, NamedKey, row_place
from twinvault.keys.sealed import Written, open_payload, parse_sealed

if TYPE_CHECKING:
    from twinvault.envelope.item import Item
    from twinvault.keys.table import KeyTable, RegisterMarks
    from twinvault.observe import Observer

_LOOKS = 50
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class FoundHolds:
    """A tenant's holds, and the row that they were found in: the one that the newest mark names."""

    listed: HoldList
    item: "Item"
    written: Written
    digest: bytes


@dataclass(frozen=True, slots=True)
class LostHolds:
    """What stands where the row should, and the newest mark, where the two do not fit or the row does not open."""

    item: "Item | None"
    mark: Mark | None
    why: IntegrityError | Undeclared


@dataclass(frozen=True, slots=True)
class HoldRows:
    """Reads the rows of holds of one store's tenants; thread-safe."""

    table: "KeyTable"
    marks: "RegisterMarks"
    hierarchy: KeyHierarchy
    sleep: Callable[[float], None]

    def read(self, tenant: str, *, observer: "Observer") -> FoundHolds | LostHolds | None:
        """The tenant's row of holds; None where none was ever made.

        Raises:
            NotFound: there is a row, and the tenant has no keys.
            KeyRefused, DependencyError: as for any key. Contention: others keep changing the row.
        """
        pk, mark_pk = tenant_key(tenant), hold_mark_key(tenant)
        item, mark = self.table.get(pk, HOLDS), self._newest(mark_pk)
        found = self._opened(item, mark, tenant=tenant, observer=observer)
        if not isinstance(found, LostHolds):
            return found
        for _ in range(_LOOKS):
            try:
                before = self.table.get_isolated(pk, HOLDS)
                mark = self._newest(mark_pk)
                if before == self.table.get_isolated(pk, HOLDS):
                    return self._opened(before, mark, tenant=tenant, observer=observer)
            except Contention:
                pass
            self.sleep(_PAUSE)
        raise Contention("the holds of this tenant keep changing", retry_after=1)

    def register_key(self, tenant: str, *, observer: "Observer") -> NamedKey:
        """The key that seals the row.

        Raises:
            NotFound: the tenant has no keys.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        found = self.hierarchy.tenant(tenant, observer=observer)
        if found is None:
            raise NotFound("this tenant has no keys")
        return self.hierarchy.register_key(found, observer=observer)

    def _newest(self, mark_pk: str) -> Mark | IntegrityError | None:
        try:
            return self.marks.newest(mark_pk)
        except IntegrityError as refusal:
            return refusal

    def _opened(
        self, item: "Item | None", mark: Mark | IntegrityError | None, *, tenant: str, observer: "Observer"
    ) -> FoundHolds | LostHolds | None:
        if item is None and mark is None:
            return None
        newest = mark if isinstance(mark, Mark) else None
        try:
            if isinstance(mark, IntegrityError):
                raise mark
            return self._fitting(item, newest, tenant=tenant, observer=observer)
        except Undeclared as refusal:
            return LostHolds(item, newest, refusal)
        except IntegrityError as refusal:
            return LostHolds(item, newest, refusal if refusal.where else refusal.at(row_place(tenant, HOLDS)))

    def _fitting(self, item: "Item | None", mark: Mark | None, *, tenant: str, observer: "Observer") -> FoundHolds:
        """The row, which is the one that the mark names."""
        if item is None:
            raise IntegrityError(Step.MARK, detail="the row was taken away")
        row = parse_sealed(item, tenant=tenant, name=HOLDS)
        digest = row.digest(Label.HOLD)
        if mark is None or mark.version != row.written.version or not hmac.compare_digest(mark.digest, digest):
            raise IntegrityError(Step.MARK, detail="the row is not the one that was written last")
        key = self.register_key(tenant, observer=observer)
        listed = decode(open_payload(row, key=key, label=Label.HOLD))
        observer.crypto("decrypt", key.name)
        return FoundHolds(listed, item, row.written, digest)
