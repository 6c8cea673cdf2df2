"""The key hierarchy: root key (in KMS) -> register key and KEKs of a tenant -> DEKs of its partitions.

Which keys there are is said by the tenant's register, which is loaded and cached like a key (`keys.loading`): a KEK
lives no longer than the register that listed it, a DEK no longer than the KEK that opened it. No key is used before it
is durable. The same calls in the same order run on a laptop and in production.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinvault.envelope import KEY_BYTES, NONCE_BYTES, SALT_BYTES, Label, tenant_key
from twinvault.envelope.item import text_of
from twinvault.errors import IntegrityError, KeyRefused, NotFound, Step, TwinvaultError
from twinvault.keys.cache import CacheName, KeyCache, Loaded
from twinvault.keys.loading import TenantLoader
from twinvault.keys.register import State
from twinvault.keys.root import RootKeys
from twinvault.keys.rows import (
    IDX,
    REGISTER,
    REGISTER_KEY,
    NamedKey,
    dek_name,
    dek_prefix,
    dek_version,
    kek_name,
    row_place,
)
from twinvault.keys.sealed import SealedRow, Written, parse_sealed, unwrap, wrap
from twinvault.keys.tenant import Tenant, TenantRows, open_tenant, require_key, require_listed
from twinvault.keys.wrapped import WrappedRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinvault.envelope.item import Item
    from twinvault.keys.table import KeyTable
    from twinvault.observe import Observer
    from twinvault.scope import Scope


@dataclass(frozen=True, slots=True)
class NewDek:
    """A DEK that is not durable yet: its row goes into the very transaction that first uses it."""

    key: NamedKey
    version: int
    row: dict[str, dict[str, Any]]


type OpenedDeks = tuple[dict[str, NamedKey], dict[str, IntegrityError]]


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
        self._table = table
        self._loader = loader
        self._root = root
        self._cache = cache
        self._now = now
        self._randomness = randomness

    def tenant(self, tenant: str, *, observer: "Observer", fresh: bool = False) -> Tenant | None:
        """The tenant's register and key rows; None where there never were any.

        With `fresh` they are read after this call was made, and not served from memory.

        Raises:
            IntegrityError: key rows were taken away, planted, changed or put back.
            KeyRefused, DependencyError: as for any key; Contention: others keep changing them.
        """
        name = CacheName(tenant, REGISTER)

        def open_rows(rows: TenantRows) -> tuple[Tenant, NamedKey]:
            key = self._register_key(rows.register_key, observer=observer)
            return open_tenant(rows, key), key

        def load() -> Loaded[Tenant]:
            opened = self._loader.load(tenant, open_rows)
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

    def register_key(self, tenant: Tenant, *, observer: "Observer") -> NamedKey:
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
            item = self._table.get(scope.keys_pk, key_id)
            if item is None:
                # Something was sealed under this key, so its row was here: it has been taken away.
                raise IntegrityError(Step.MISSING_KEY, where=row_place(scope.tenant, key_id))
            row = parse_sealed(item, tenant=scope.tenant, name=key_id)
            return self._unwrap(row, tenant=scope.tenant, label=Label.DEK, observer=observer)

        return self._cache.get(CacheName(scope.tenant, key_id), load, observer=observer)

    def open_deks(self, scope: "Scope", *, observer: "Observer") -> OpenedDeks:
        """The DEKs of this partition whose rows are there and open, and why others do not; errors as for any key."""
        there, refused = dict[str, NamedKey](), dict[str, IntegrityError]()
        for item in self._table.query(scope.keys_pk, dek_prefix(scope)):
            name = text_of(item, "sk")
            try:
                dek_version(name, scope=scope)
                row = parse_sealed(item, tenant=scope.tenant, name=name)
                there[name] = self._unwrap(row, tenant=scope.tenant, label=Label.DEK, observer=observer).value
            except IntegrityError as refusal:
                refused[name] = refusal.at(row_place(scope.tenant, name))
        return there, refused

    def new_dek(self, scope: "Scope", version: int, *, observer: "Observer") -> NewDek:
        """A fresh DEK, wrapped under the newest active KEK of a tenant that has keys, not stored yet.

        Raises:
            NotFound: the tenant is new (`keys.changing` makes its first keys).
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        found = self.tenant(scope.tenant, observer=observer)
        if found is None:
            raise NotFound("this tenant has no keys")
        kek = self.kek(scope.tenant, kek_name(found.register.sealing_epoch().epoch), observer=observer)
        key = NamedKey(dek_name(scope, version), self._randomness(KEY_BYTES))
        now = self._now()
        row = wrap(
            key,
            tenant=scope.tenant,
            kek=kek,
            label=Label.DEK,
            written=Written(1, now, now),
            salt=self._randomness(SALT_BYTES),
            nonce=self._randomness(NONCE_BYTES),
        )
        observer.crypto("wrap_dek", kek.name)
        return NewDek(key, version, row)

    def dek_rows(self, tenant: str) -> "Sequence[Item]":
        """The rows of all the tenant's DEKs, as they stand there, in the order of their names."""
        return self._table.query(tenant_key(tenant), "dek#")

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
        if found is None or found.kek(name) is None:
            found = self.tenant(tenant, observer=observer, fresh=True)
        return found


class _NoKeysError(TwinvaultError):
    """The tenant is new; never leaves this module."""
