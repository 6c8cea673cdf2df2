"""What a new partition begins with: the first versions, or, where another one was erased, those that come after it.

So no version of a head and no key's name is ever of two partitions that stood at one place, one after the other.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.errors import Conflict
from twinvault.keys.erased import Tombstones
from twinvault.records.requests import requests_key
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table
    from twinvault.observe import Observer


@dataclass(frozen=True, slots=True)
class Beginning:
    """The versions of a new partition's head and of its DEK."""

    version: int
    dek_version: int


FIRST = Beginning(1, 1)


def find_beginning(scope: Scope, *, tombstones: Tombstones, table: "Table", observer: "Observer") -> Beginning:
    """What a partition begins with that is not there: the first versions where none was erased.

    Raises:
        Conflict: rows of the one that was erased still stand there.
        IntegrityError: what stands in the tombstone's place is none.
        KeyRefused, DependencyError: as for any key.
    """
    found = tombstones.standing(scope, observer=observer)
    if found is None:
        return FIRST
    if any(table.query(pk, limit=1) for pk in (scope.pk, requests_key(scope))):
        raise Conflict("what was erased at this place is not swept yet: drive the sweep to its end, then begin again")
    return Beginning(found.tombstone.version + 1, found.tombstone.dek_version + 1)
