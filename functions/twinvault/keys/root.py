"""The keys that KMS wraps: made under the first root key, opened under any that the settings list."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twinvault.envelope import KEY_BYTES
from twinvault.errors import IntegrityError, Step, TwinvaultError
from twinvault.keys.kms import RootKms
from twinvault.keys.rows import NamedKey, row_place
from twinvault.keys.wrapped import WrappedRow, key_context

if TYPE_CHECKING:
    from twinvault.observe import Observer

_KEY_ID_BYTES = 16


class RootKeys:
    """The root keys of one store; thread-safe."""

    def __init__(
        self,
        kms: RootKms,
        *,
        store: str,
        root_key_ids: Sequence[str],
        randomness: Callable[[int], bytes],
    ) -> None:
        """`root_key_ids`: KMS key ids, never aliases: the first wraps new keys, all may open."""
        self._kms = kms
        self._store = store
        self._root_key_ids = tuple(root_key_ids)
        self._randomness = randomness

    @property
    def first(self) -> str:
        """The root key that wraps new keys."""
        return self._root_key_ids[0]

    def make(self, name: str, *, tenant: str, now: str, observer: "Observer") -> tuple[NamedKey, WrappedRow]:
        """A fresh key with the row that it will have. Not durable: only what is read back may be used for data.

        Raises:
            KeyRefused, DependencyError: KMS refuses, or cannot answer.
        """
        key_id, root = self._randomness(_KEY_ID_BYTES).hex(), self.first
        context = key_context(name, store=self._store, tenant=tenant, key=key_id)
        made = self._kms.generate_data_key(root, context=context, observer=observer)
        return NamedKey(name, made.plaintext), WrappedRow(tenant, name, key_id, root, made.wrapped, now)

    def unwrap(self, row: WrappedRow, *, observer: "Observer") -> NamedKey:
        """Step "root key" of docs/format.md, "Open a tenant": KMS opens the row under the root key that it names.

        Raises:
            IntegrityError: the settings do not list that root key, or KMS says that the row is not of its context.
            KeyRefused, DependencyError: KMS refuses, or cannot answer.
        """
        if row.root_key_id not in self._root_key_ids:
            raise IntegrityError(Step.ROOT_KEY, where=row_place(row.tenant, row.name))
        context = key_context(row.name, store=self._store, tenant=row.tenant, key=row.key)
        try:
            key = self._kms.decrypt(row.wrapped, row.root_key_id, context=context, observer=observer)
        except TwinvaultError:
            observer.crypto("derive_kek", row.name, outcome="failure")
            raise
        observer.crypto("derive_kek", row.name)
        if len(key) != KEY_BYTES:
            raise IntegrityError(Step.ROOT_KEY, where=row_place(row.tenant, row.name), detail="key length")
        return NamedKey(row.name, key)

    def deletion_dates(self, *, observer: "Observer") -> list[str]:
        """When KMS will delete root keys of the list, RFC 3339 in UTC, of those for which that is scheduled.

        Raises:
            KeyRefused, DependencyError: KMS refuses, or cannot answer.
        """
        dates = (self._kms.deletion_date(root, observer=observer) for root in self._root_key_ids)
        return [date for date in dates if date is not None]

    def rewrap(self, row: WrappedRow, *, now: str, observer: "Observer") -> WrappedRow:
        """The row of the same key under the first root key; the key itself does not leave KMS.

        Raises:
            IntegrityError, KeyRefused, DependencyError: as for `unwrap`.
        """
        if row.root_key_id not in self._root_key_ids:
            raise IntegrityError(Step.ROOT_KEY, where=row_place(row.tenant, row.name))
        context = key_context(row.name, store=self._store, tenant=row.tenant, key=row.key)
        wrapped = self._kms.re_encrypt(
            row.wrapped, row.root_key_id, under=self.first, context=context, observer=observer
        )
        observer.key_event("rewrap", row.name)
        return row.again(root_key_id=self.first, wrapped=wrapped, now=now)
