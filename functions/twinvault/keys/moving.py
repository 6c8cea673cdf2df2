"""The index key on its way from under one KEK to under another."""

from typing import TYPE_CHECKING

from twinvault.envelope import Label
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.register import State
from twinvault.keys.root import RootKeys
from twinvault.keys.rows import NamedKey, row_place
from twinvault.keys.sealed import unwrap
from twinvault.keys.tenant import Tenant, require_key, require_listed

if TYPE_CHECKING:
    from twinvault.observe import Observer


def open_index_to_move(tenant: Tenant, *, hierarchy: KeyHierarchy, root: RootKeys, observer: "Observer") -> NamedKey:
    """The index key, to be wrapped under another KEK, whatever the state of the one that it is under.

    A revoked KEK opens nothing but this, and this but for once: nothing is kept in memory. Else a tenant whose epochs
    are all revoked could never be given another one (docs/adr/0020).

    Raises:
        IntegrityError: it is not the one that the register means; as for any key otherwise.
        KeyRefused, DependencyError: KMS refuses the KEK, or cannot answer.
    """
    rows = tenant.rows
    epoch, row = require_listed(tenant, row_place(rows.tenant, rows.index.wrapped_under))
    if epoch.state is not State.REVOKED:
        return hierarchy.open_index(tenant, observer=observer).value
    kek = require_key(root.unwrap(row, observer=observer), epoch.fingerprint, tenant=rows.tenant)
    index = unwrap(rows.index, kek=kek, label=Label.INDEX)
    observer.crypto("unwrap_dek", kek.name)
    return require_key(index, tenant.register.index.fingerprint, tenant=rows.tenant)
