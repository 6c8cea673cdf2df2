"""What blinds a tenant's records now: the index key, and the generation that the register says."""

from typing import TYPE_CHECKING

from twinvault.records.blind import Blinder
from twinvault.records.spec import KindSpec

if TYPE_CHECKING:
    from twinvault.keys.hierarchy import KeyHierarchy
    from twinvault.observe import Observer


def find_blinder(keys: "KeyHierarchy", kind: KindSpec, *, tenant: str, observer: "Observer") -> Blinder | None:
    """The tenant's blinder of records of this kind; None where the tenant is new.

    Raises:
        IntegrityError, KeyRefused, DependencyError: as for any key.
    """
    key = keys.index_key(tenant, observer=observer)
    found = keys.tenant(tenant, observer=observer)
    return Blinder(key.key, found.register.index.generation, kind.kind) if key and found else None
