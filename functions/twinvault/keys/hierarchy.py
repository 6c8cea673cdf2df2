"""The key hierarchy: root key (in KMS) -> register key and KEKs of a tenant -> DEKs of its partitions.

Which keys there are is said by the tenant's register, which is loaded and cached like a key (`keys.loading`): a KEK
lives no longer than the register that listed it, a DEK no longer than the KEK that opened it. No key is used before it
is durable. The same calls in the same order run on a laptop and in production.
"""

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING

from twinvault.envelope import Label
from twinvault.envelope.item import text_of
from twinvault.errors import DependencyError, IntegrityError, KeyRefused, NotFound, Step, TwinvaultError
from twinvault.keys.cache import CacheName, KeyCache, Loaded
from twinvault.keys.deks import NewDek, OpenedDeks, make_dek, open_each
from twinvault.keys.loading import TenantLoader
from twinvault.keys.register import State
from twinvault.keys.root import RootKeys
from twinvault.keys.rows import (
    IDX,
    REGISTER,
    REGISTER_KEY,
    NamedKey,
    dek_prefix,
    dek_version,
    kek_name,
    row_place,
)
from twinvault.keys.sealed import SealedRow, parse_sealed, unwrap
from twinvault.keys.tenant import (
    ErasedTenant,
    Tenant,
    TenantRows,
    open_erased,
    open_tenant,
    require_key,
    require_listed,
)
from twinvault.keys.wrapped import WrappedRow

if TYPE_CHECKING:
    from twinvault.envelope.item import Item
    from twinvault.keys.table import KeyTable
    from twinvault.observe import Observer
    from twinvault.scope import Scope


class KeyHierarchy:
    """Finds and opens the keys of all tenants, and makes their DEKs; thread-safe."""

    def __init__(
        self,
        *,
        table: "KeyTable",
        loader: TenantLoader,
        root: RootKeys,
        cache: KeyCache,
        now: Callable[[], str],
        randomness: Callable[[int], bytes],
    ) -> None:
        """`now`: RFC 3339 UTC time as text."""
        self.table = table
        self.loader = loader
        self._root = root
        self._cache = cache
        self._now = now
        self._randomness = randomness

    def tenant(self, tenant: str, *, observer: "Observer", fresh: bool = False) -> Tenant | None:
        """The tenant's register and key rows; None where there never were any.

        With `fresh` they are read after this call was made, and not served from memory.

        Raises:
            Gone: it was erased.
            IntegrityError: key rows were taken away, planted, changed or put back.
            KeyRefused, DependencyError: as for any key; Contention: others keep changing them.
        """
        name = CacheName(tenant, REGISTER)

        def open_rows(rows: TenantRows) -> tuple[Tenant, NamedKey]:
            key = self._register_key(rows.register_key, observer=observer)
            return open_tenant(rows, key), key

        def load() -> Loaded[Tenant]:
            opened = self.loader.load(tenant, open_rows)
            if opened is None:
                raise _NoKeysError
            for one in opened[0].register.epochs:
                if one.state is State.REVOKED:
                    # It was loaded under an older register: whoever sees this one waits for no TTL.
                    self._cache.evict(CacheName(tenant, kek_name(one.epoch)))
            return Loaded(opened[0], parent=CacheName(tenant, REGISTER_KEY), opened_by=opened[1])

        try:
            return self._cache.reload(name, load) if fresh else self._cache.get(name, load, observer=observer)
        except _NoKeysError:
            return None

    def erased(self, tenant: str, *, observer: "Observer") -> ErasedTenant | None:
        """What is left of a tenant that was erased, read now; None: it was not. Errors as for `tenant`."""

        def open_rows(rows: TenantRows) -> ErasedTenant | None:
            return open_erased(rows, self._register_key(rows.register_key, observer=observer))

        return self.loader.load(tenant, open_rows)

    def register_key(self, tenant: Tenant | ErasedTenant, *, observer: "Observer") -> NamedKey:
        """The key that seals the tenant's register; errors as for any key."""
        return self._register_key(tenant.rows.register_key, observer=observer)

    def index_key(self, tenant: str, *, observer: "Observer") -> NamedKey | None:
        """The tenant's index key, which hides the ids of its partitions; None where the tenant is new.

        Raises:
            IntegrityError: it is not the one that the register means; as `tenant` otherwise.
            KeyRefused, DependencyError: as for any key.
        """

        def load() -> Loaded[NamedKey]:
            found = self.tenant(tenant, observer=observer)
            if found is None:
                raise _NoKeysError
            return self.open_index(found, observer=observer)

        try:
            return self._cache.get(CacheName(tenant, IDX), load, observer=observer)
        except _NoKeysError:
            return None

    def open_index(self, tenant: Tenant, *, observer: "Observer") -> Loaded[NamedKey]:
        """The index key, from its very row; errors as for `index_key`."""
        rows = tenant.rows
        loaded = self._unwrap(rows.index, tenant=rows.tenant, label=Label.INDEX, observer=observer)
        require_key(loaded.value, tenant.register.index.fingerprint, tenant=rows.tenant)
        return loaded

    def dek(self, scope: "Scope", key_id: str, *, observer: "Observer") -> NamedKey:
        """The DEK of this partition that a record names.

        Raises:
            IntegrityError: the name is another partition's, the row is missing, or it does not open.
            KeyRefused: the state of its KEK, or KMS, forbids the use.
        """
        dek_version(key_id, scope=scope)

        def load() -> Loaded[NamedKey]:
            item = self.table.get(scope.keys_pk, key_id)
            if item is None:
                # Something was sealed under this key, so its row was here: it has been taken away.
                raise IntegrityError(Step.MISSING_KEY, where=row_place(scope.tenant, key_id))
            return self._open_dek(item, scope, observer=observer)

        return self._cache.get(CacheName(scope.tenant, key_id), load, observer=observer)

    def open_deks(self, scope: "Scope", *, observer: "Observer") -> OpenedDeks:
        """The DEKs of this partition whose rows are there and open, and why others do not; errors as for any key."""
        rows = self.table.query(scope.keys_pk, dek_prefix(scope))
        return open_each(rows, scope, open_one=lambda item: self._open_dek(item, scope, observer=observer).value)

    def uncached(self) -> "KeyHierarchy":
        """The same, with nothing in memory: what it opens, any other environment opens."""
        one = copy(self)
        one._cache = self._cache.emptied()  # noqa: SLF001  # its own, of a copy
        return one

    def new_dek(self, scope: "Scope", version: int, *, observer: "Observer") -> NewDek:
        """A fresh DEK, wrapped under the newest active KEK of a tenant that has keys, not stored yet.

        Raises:
            NotFound: the tenant is new (`keys.changing` makes its first keys).
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        found = self.tenant(scope.tenant, observer=observer)
        if found is None:
            raise NotFound("this tenant has no keys")
        if not any(one.state is State.ACTIVE for one in found.register.epochs):
            found = self._looked_at_again(found, observer=observer)
        kek = self.kek(scope.tenant, kek_name(found.register.sealing_epoch().epoch), observer=observer)
        made = make_dek(scope, version, kek=kek, now=self._now(), randomness=self._randomness)
        observer.crypto("wrap_dek", kek.name)
        return made

    def kek(self, tenant: str, name: str, *, observer: "Observer") -> NamedKey:
        """The tenant's KEK of this name, for opening.

        Raises:
            IntegrityError: the register lists none of this name, or means another key.
            KeyRefused: it is revoked, or KMS refuses it.
            DependencyError: as for any key.
        """

        def load() -> Loaded[NamedKey]:
            listed = self._listing(tenant, name, observer=observer)
            epoch, row = require_listed(listed, row_place(tenant, name))
            if epoch.state is State.REVOKED:
                raise KeyRefused("a key of this tenant is revoked", retry_after=60)
            key = require_key(self._root.unwrap(row, observer=observer), epoch.fingerprint, tenant=tenant)
            return Loaded(key, parent=CacheName(tenant, REGISTER), opened_by=listed)

        return self._cache.get(CacheName(tenant, name), load, observer=observer)

    def forget(self, tenant: str, name: str) -> None:
        """Drops this KEK, what it opened and what the tenant was refused from memory: its state has changed."""
        self._cache.renew(CacheName(tenant, name))

    def _register_key(self, row: WrappedRow, *, observer: "Observer") -> NamedKey:
        name = CacheName(row.tenant, REGISTER_KEY)
        return self._cache.get(name, lambda: Loaded(self._root.unwrap(row, observer=observer)), observer=observer)

    def _open_dek(self, item: "Item", scope: "Scope", *, observer: "Observer") -> Loaded[NamedKey]:
        name = text_of(item, "sk")
        if self.loader.is_erased(name, tenant=scope.tenant):
            raise IntegrityError(Step.ERASED_KEY, where=row_place(scope.tenant, name))
        row = parse_sealed(item, tenant=scope.tenant, name=name)
        return self._unwrap(row, tenant=scope.tenant, label=Label.DEK, observer=observer)

    def _unwrap(self, row: SealedRow, *, tenant: str, label: Label, observer: "Observer") -> Loaded[NamedKey]:
        kek = self.kek(tenant, row.wrapped_under, observer=observer)
        try:
            key = unwrap(row, kek=kek, label=label)
        except TwinvaultError:
            observer.crypto("unwrap_dek", kek.name, outcome="failure")
            raise
        observer.crypto("unwrap_dek", kek.name)
        observer.metric("KeyUnwrap")
        return Loaded(key, parent=CacheName(tenant, kek.name), opened_by=kek)

    def _listing(self, tenant: str, name: str, *, observer: "Observer") -> Tenant | None:
        """The tenant's keys; read anew where those in memory may be older than the KEK of this name."""
        found = self.tenant(tenant, observer=observer)
        listed = found.kek(name) if found else None
        if found is None or listed is None:
            return self.tenant(tenant, observer=observer, fresh=True)
        return self._looked_at_again(found, observer=observer) if listed[0].state is State.REVOKED else found

    def _looked_at_again(self, found: Tenant, *, observer: "Observer") -> Tenant:
        """The tenant's keys, by which something is to be refused: read anew, unless that was done a moment ago."""
        if not self._cache.may_look_again(found.rows.tenant):
            return found
        try:
            return self.tenant(found.rows.tenant, observer=observer, fresh=True) or found
        except DependencyError:
            # Nobody can say otherwise now: what is known refuses, and no key is served on for want of an answer.
            return found


class _NoKeysError(TwinvaultError):
    """The tenant is new; never leaves this module."""
