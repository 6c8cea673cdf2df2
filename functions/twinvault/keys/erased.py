"""Partitions that were erased, found: a tombstone counts where the newest mark of its partition names it.

Asked only where something does not fit, or where nothing is: who reads what is there pays nothing for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import head_mark_key
from twinvault.errors import IntegrityError, Step, Undeclared
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import REGISTER, row_place, tombstone_name
from twinvault.keys.tombstone import FoundTombstone, open_tombstone

if TYPE_CHECKING:
    from twinvault.envelope.item import Item
    from twinvault.keys.table import RegisterMarks
    from twinvault.observe import Observer
    from twinvault.scope import Scope


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The tombstones of one store; thread-safe."""

    keys: KeyHierarchy
    marks: "RegisterMarks"

    def standing(self, scope: "Scope", *, observer: "Observer") -> FoundTombstone | None:
        """The partition's tombstone, if its erasure is what was written last there; None: it is not erased now.

        Raises:
            IntegrityError: what stands there was planted, changed or moved, or is no tombstone.
            KeyRefused, DependencyError: as for any key.
        """
        found = self.find(scope, observer=observer)
        if found is None:
            return None
        mark = self.marks.newest(head_mark_key(scope.pk))
        return found if found.is_named_by(mark) else None

    def require_none(self, scope: "Scope", *, observer: "Observer") -> None:
        """Lets a partition pass of which nothing is there, unless that is because it was erased.

        Raises:
            Gone: it was.
            IntegrityError, KeyRefused, DependencyError: as for `standing`.
        """
        found = self.standing(scope, observer=observer)
        if found is not None:
            raise found.gone

    @contextmanager
    def unless_erased(
        self, scope: "Scope", *, observer: "Observer", bracketed: tuple[type[Exception], ...] = ()
    ) -> Iterator[None]:
        """What is refused herein was perhaps erased, whatever rows still stand; but for `bracketed`, looked at again.

        Raises:
            Gone: it was. Else what was raised.
        """
        try:
            yield
        except bracketed:
            raise
        except (IntegrityError, Undeclared):
            self.require_none(scope, observer=observer)
            raise

    def find(self, scope: "Scope", *, observer: "Observer") -> FoundTombstone | None:
        """The partition's tombstone, whatever was written there since; errors as for `standing`."""
        item = self.keys.table.get(scope.keys_pk, tombstone_name(scope))
        return None if item is None else self.open(item, scope, observer=observer)

    def open(self, item: "Item", scope: "Scope", *, observer: "Observer") -> FoundTombstone:
        """The tombstone whose row this is; errors as for `standing`."""
        tenant = self.keys.tenant(scope.tenant, observer=observer)
        if tenant is None:
            raise IntegrityError(Step.KEY_ROWS, where=row_place(scope.tenant, REGISTER), detail="there are no keys")
        key = self.keys.register_key(tenant, observer=observer)
        found = open_tombstone(item, scope=scope, key=key)
        observer.crypto("decrypt", key.name)
        return found
