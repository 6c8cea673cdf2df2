"""The key hierarchy: root key (in KMS) -> KEK (tenant, epoch) -> DEK (partition, version).

Creation is race-safe: whoever loses the INSERT reads the winner's row, and only the key that was read back is used. No
key is used before it is durable. The same calls in the same order run on a laptop and in production.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinvault.envelope import KEY_BYTES, NONCE_BYTES, SALT_BYTES, Label, require_id, tenant_key
from twinvault.errors import IntegrityError, Step, TwinvaultError
from twinvault.keys.cache import CacheName, KeyCache, Loaded, Use
from twinvault.keys.kms import RootKms
from twinvault.keys.rows import (
    KekRow,
    NamedKey,
    dek_name,
    dek_prefix,
    dek_version,
    idx_name,
    kek_context,
    parse_kek,
    require_state,
    row_place,
    state_of,
    unwrap,
    wrap,
    wrapping_key_name,
)

if TYPE_CHECKING:
    from twinvault.envelope.item import Item
    from twinvault.keys.table import KeyTable
    from twinvault.observe import Observer
    from twinvault.scope import Scope

_KEK_ID_BYTES = 16
_CURRENT_KEK, _INDEX_KEY = "kek", "idx"
"""What the cache calls a tenant's newest active KEK and its index key, beside the names of rows."""


@dataclass(frozen=True, slots=True)
class NewDek:
    """A DEK that is not durable yet: its row goes into the very transaction that first uses it."""

    key: NamedKey
    version: int
    row: dict[str, dict[str, Any]]


class KeyHierarchy:
    """Finds, opens and makes the keys of all tenants; thread-safe."""

    def __init__(
        self,
        *,
        table: "KeyTable",
        kms: RootKms,
        root_key_ids: Sequence[str],
        cache: KeyCache,
        now: Callable[[], str],
        randomness: Callable[[int], bytes],
    ) -> None:
        """`root_key_ids`: KMS key ids, the first wraps new KEKs, all may open. `now`: RFC 3339 UTC time as text."""
        self._table = table
        self._kms = kms
        self._root_key_ids = tuple(root_key_ids)
        self._cache = cache
        self._now = now
        self._randomness = randomness

    def index_key(self, tenant: str, kind: str, *, observer: "Observer", create: bool) -> NamedKey | None:
        """The tenant's index key, which hides the ids of this kind's partitions.

        Returns None where there is none and `create` is false.

        Raises:
            IntegrityError: it is missing although partitions of this kind exist, or it does not open.
            KeyRefused, DependencyError: as for any key.
        """
        require_id(tenant, field="tenant")

        def load() -> Loaded:
            row = self._index_row(tenant, kind) or (self._make_index_row(tenant, observer) if create else None)
            if row is None:
                raise _NoKeysError
            name = row["sk"]["S"]
            require_state(state_of(row), sealing=False, where=row_place(tenant, name))
            return self._unwrap(row, tenant=tenant, name=name, label=Label.INDEX, observer=observer)

        # Two names: a writer that joined a reader's load would be told that there is no key, and could not make one.
        cached = CacheName(tenant, _INDEX_KEY, Use.MAKE if create else Use.OPEN)
        try:
            return self._cache.get(cached, load, observer=observer)
        except _NoKeysError:
            return None

    def dek(self, scope: "Scope", key_id: str, *, observer: "Observer", use: Use = Use.OPEN) -> NamedKey:
        """The DEK of this partition that a record names, to open with or to seal with.

        Raises:
            IntegrityError: the name is another partition's, the row is missing, or it does not open.
            KeyRefused: its state or KMS forbids the use.
        """
        dek_version(key_id, scope=scope)
        # A cache entry knows no state: a key that may only open must not be served to a writer, hence the use.
        name = CacheName(scope.tenant, key_id, use)
        return self._cache.get(name, lambda: self._load_dek(name, observer), observer=observer)

    def new_dek(self, scope: "Scope", version: int, *, observer: "Observer") -> NewDek:
        """A fresh DEK, wrapped under the tenant's current KEK (made if the tenant has none), not stored yet."""
        if version == 1:
            # Durable before the first partition of any kind, one that hides no ids included: where it is missing beside
            # partitions, it was taken away.
            self.index_key(scope.tenant, scope.kind, observer=observer, create=True)
        kek = self._current_kek(scope.tenant, observer)
        key = NamedKey(dek_name(scope, version), self._randomness(KEY_BYTES))
        row = self._wrap(key, tenant=scope.tenant, kek=kek, label=Label.DEK)
        observer.crypto("wrap_dek", kek.name)
        return NewDek(key, version, row)

    def has_dek(self, scope: "Scope") -> bool:
        """Whether any DEK of this partition exists: where a head is missing, that is tampering."""
        return bool(self._table.query(scope.keys_pk, dek_prefix(scope), limit=1))

    def forget_current_kek(self, tenant: str) -> None:
        """Looks for the newest KEK anew at the next wrapping, for there is a newer one."""
        self._cache.evict(CacheName(tenant, _CURRENT_KEK))

    # -- DEK and index key -------------------------------------------------------------------------------------------

    def _load_dek(self, name: CacheName, observer: "Observer") -> Loaded:
        row = self._row(name.tenant, name.key)
        require_state(state_of(row), sealing=name.use is Use.SEAL, where=row_place(name.tenant, name.key))
        return self._unwrap(row, tenant=name.tenant, name=name.key, label=Label.DEK, observer=observer)

    def _index_row(self, tenant: str, kind: str) -> "Item | None":
        """The newest epoch's row (all epochs' rows hold the same key), or None where none was ever needed."""
        rows = self._table.query(tenant_key(tenant), "idx#")
        if not rows and self._table.query(tenant_key(tenant), f"dek#{kind}#", limit=1):
            # The index key is durable before the first partition that it names; a second look tells a concurrent
            # first writer from a row that was taken away. A new key would hide every partition there is.
            rows = self._table.query(tenant_key(tenant), "idx#")
            if not rows:
                raise IntegrityError(Step.MISSING_KEY, where=row_place(tenant), detail="index key")
        return rows[-1] if rows else None

    def _make_index_row(self, tenant: str, observer: "Observer") -> "Item":
        kek = self._current_kek(tenant, observer)
        # The first row has one name whatever the epoch: two writers that know different epochs must not make two keys.
        key = NamedKey(idx_name(1), self._randomness(KEY_BYTES))
        self.insert_index_key(key, kek, tenant=tenant, observer=observer)
        return self._row(tenant, key.name)

    def insert_index_key(self, key: NamedKey, kek: NamedKey, *, tenant: str, observer: "Observer") -> None:
        """Adds the row of an index key under a KEK, if there is none of its name."""
        self._table.insert(self._wrap(key, tenant=tenant, kek=kek, label=Label.INDEX))
        observer.crypto("wrap_dek", kek.name)

    def _unwrap(self, row: "Item", *, tenant: str, name: str, label: Label, observer: "Observer") -> Loaded:
        kek = self.kek(tenant, wrapping_key_name(row, tenant=tenant, name=name), observer=observer)
        try:
            key = unwrap(row, tenant=tenant, name=name, kek=kek, label=label)
        except TwinvaultError:
            observer.crypto("unwrap_dek", kek.name, outcome="failure")
            raise
        observer.crypto("unwrap_dek", kek.name)
        observer.metric("KeyUnwrap")
        return Loaded(key, parent=CacheName(tenant, kek.name))

    def _wrap(self, key: NamedKey, *, tenant: str, kek: NamedKey, label: Label) -> dict[str, dict[str, Any]]:
        salt, nonce = self._randomness(SALT_BYTES), self._randomness(NONCE_BYTES)
        return wrap(key, tenant=tenant, kek=kek, label=label, created_at=self._now(), salt=salt, nonce=nonce)

    def _row(self, tenant: str, name: str) -> "Item":
        row = self._table.get(tenant_key(tenant), name)
        if row is None:
            # Something was sealed under this key, so its row was here: it has been taken away.
            raise IntegrityError(Step.MISSING_KEY, where=row_place(tenant, name))
        return row

    # -- KEK ---------------------------------------------------------------------------------------------------------

    def kek(self, tenant: str, name: str, *, observer: "Observer") -> NamedKey:
        """The tenant's KEK of this name, for opening; errors as for any key."""
        cached = CacheName(tenant, name)
        return self._cache.get(cached, lambda: self._load_kek(cached, observer), observer=observer)

    def _load_kek(self, name: CacheName, observer: "Observer") -> Loaded:
        row = parse_kek(self._row(name.tenant, name.key), tenant=name.tenant, name=name.key)
        require_state(row.state, sealing=False, where=row_place(name.tenant, name.key))
        return Loaded(self._decrypt(row, observer))

    def _decrypt(self, row: KekRow, observer: "Observer") -> NamedKey:
        if row.root_key_id not in self._root_key_ids:
            raise IntegrityError(Step.ROOT_KEY, where=row_place(row.tenant, row.name))
        try:
            key = self._kms.decrypt(row.wrapped, row.root_key_id, context=row.context, observer=observer)
        except TwinvaultError:
            observer.crypto("derive_kek", row.name, outcome="failure")
            raise
        observer.crypto("derive_kek", row.name)
        if len(key) != KEY_BYTES:
            raise IntegrityError(Step.ROOT_KEY, where=row_place(row.tenant, row.name), detail="key length")
        return NamedKey(row.name, key)

    def _current_kek(self, tenant: str, observer: "Observer") -> NamedKey:
        """The KEK that new keys are wrapped under: the newest active epoch, made if the tenant has no key rows."""
        name = CacheName(tenant, _CURRENT_KEK)
        return self._cache.get(name, lambda: self._load_current_kek(tenant, observer), observer=observer)

    def _load_current_kek(self, tenant: str, observer: "Observer") -> Loaded:
        rows = self._kek_rows(tenant)
        if not rows:
            self._make_first_kek(tenant, observer)
            rows = self._kek_rows(tenant)
        current = next((row for row in reversed(rows) if row.state == "active"), rows[-1])
        require_state(current.state, sealing=True, where=row_place(tenant, current.name))
        return Loaded(self.kek(tenant, current.name, observer=observer), parent=CacheName(tenant, current.name))

    def _kek_rows(self, tenant: str) -> list[KekRow]:
        items = self._table.query(tenant_key(tenant), "kek#")
        return [parse_kek(item, tenant=tenant, name=item["sk"]["S"]) for item in items]

    def _make_first_kek(self, tenant: str, observer: "Observer") -> None:
        if self._table.query(tenant_key(tenant), "", limit=1):
            # Epoch 1 is made only where the tenant has no key rows. A KEK is durable before any other row, so a second
            # look tells a concurrent first writer from a KEK that was taken away.
            if self._table.query(tenant_key(tenant), "kek#", limit=1):
                return
            raise IntegrityError(Step.MISSING_KEY, where=row_place(tenant))
        self.insert_kek(tenant, 1, observer=observer)

    def insert_kek(self, tenant: str, epoch: int, *, observer: "Observer") -> None:
        """GenerateDataKey, INSERT. Only what is read back afterwards is used, so it does not matter who won."""
        kek_id = self._randomness(_KEK_ID_BYTES).hex()
        root = self._root_key_ids[0]
        made = self._kms.generate_data_key(root, context=kek_context(tenant, epoch, kek_id=kek_id), observer=observer)
        self._table.insert(KekRow(tenant, epoch, kek_id, root, made.wrapped, "active", self._now()).to_item())


class _NoKeysError(TwinvaultError):
    """The tenant has no index key and this caller may not make one; never leaves this module."""
