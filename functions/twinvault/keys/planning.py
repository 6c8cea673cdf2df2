"""What a change of a tenant's keys writes: rows and register, sealed. Pure but for the randomness it is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinvault.dynamodb.marks import Mark, mark_statement, register_mark_key
from twinvault.dynamodb.transaction import Statement, delete, delete_wrapped, insert, replace, update_wrapped
from twinvault.envelope import KEY_BYTES, NONCE_BYTES, SALT_BYTES, Label, tenant_key
from twinvault.envelope.subkeys import fingerprint
from twinvault.keys.last_register import LastRegister
from twinvault.keys.register import Epoch, Index, Register, State, born
from twinvault.keys.rows import IDX, NamedKey, epoch_of
from twinvault.keys.sealed import SealedRow, Written, seal_register, wrap
from twinvault.keys.table import RegisterChange
from twinvault.keys.tenant import Tenant
from twinvault.keys.wrapped import WrappedRow

_INCARNATION_BYTES = 16


@dataclass(frozen=True, slots=True)
class Made:
    """A key that KMS made, with its row."""

    key: NamedKey
    row: WrappedRow

    @property
    def fingerprint(self) -> bytes:
        """What the register says of it."""
        return fingerprint(self.key.key, tenant=self.row.tenant, sk=self.row.name)


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A change, sealed once: the same bytes at every attempt to deliver it.

    Attributes:
        statements: rows, the register, and last its mark.
        change: what becomes of the register.
        newest: the newest epoch that there then is.
    """

    statements: tuple[Statement, ...]
    change: RegisterChange
    newest: int


class Planner:
    """Seals changes of one store's keys."""

    def __init__(self, *, keys: str, marks: str, randomness: Callable[[int], bytes]) -> None:
        """`keys` and `marks`: the tables' physical names."""
        self._keys = keys
        self._marks = marks
        self._randomness = randomness

    def birth(self, register_key: Made, first: Made, *, now: str, event_id: str) -> PlannedChange:
        """A new tenant: five INSERTs, of which every one fails where somebody was first."""
        tenant = first.row.tenant
        index = NamedKey(IDX, self._randomness(KEY_BYTES))
        register = born(
            incarnation=self._randomness(_INCARNATION_BYTES).hex(),
            first=_epoch(first, now=now),
            register_root_key_id=register_key.row.root_key_id,
            index=Index(fingerprint(index.key, tenant=tenant, sk=IDX), 1),
            event_id=event_id,
        )
        written = Written(1, now, now)
        rows = (
            register_key.row.to_item(),
            first.row.to_item(),
            self._wrapped(index, first.key, tenant=tenant, written=written),
        )
        statements = [insert(self._keys, row) for row in rows]
        item, digest = self._sealed(register, register_key.key, tenant=tenant, written=written)
        return self._plan([*statements, insert(self._keys, item)], register, tenant=tenant, digest=digest, version=1)

    def epoch(
        self, tenant: Tenant, made: Made, *, index: NamedKey, register_key: NamedKey, now: str, event_id: str
    ) -> PlannedChange:
        """One more epoch: its row, the index key wrapped anew, the register with it.

        Raises:
            Conflict: as many epochs are alive as may be.
        """
        register = tenant.register.with_epoch(_epoch(made, now=now), event_id=event_id)
        rows = [insert(self._keys, made.row.to_item()), self.index_under(made.key, tenant, index=index, now=now)]
        return self.changed(tenant, register, rows=rows, register_key=register_key, now=now)

    def changed(
        self,
        tenant: Tenant,
        register: Register | LastRegister,
        *,
        rows: Sequence[Statement],
        register_key: NamedKey,
        now: str,
    ) -> PlannedChange:
        """This register in the place of the one that was found, with the rows that it then speaks of."""
        found, name = tenant.rows, tenant.rows.tenant
        written = found.register.written.again(now)
        item, digest = self._sealed(register, register_key, tenant=name, written=written)
        statements = [*rows, self._replaced(found.register, item)]
        before = (found.register.written.version, found.digest)
        return self._plan(statements, register, tenant=name, digest=digest, version=written.version, replaced=before)

    def erased(self, tenant: Tenant, last: LastRegister, *, register_key: NamedKey, now: str) -> PlannedChange:
        """The end of a tenant's KEKs and of its index key, and its last register in the place of the one found."""
        rows, index = tenant.rows, tenant.rows.index
        gone = [self.destroyed(row) for row in rows.keks.values()]
        gone.append(delete(self._keys, pk=tenant_key(rows.tenant), sk=IDX, commitment=index.commitment))
        return self.changed(tenant, last, rows=gone, register_key=register_key, now=now)

    def index_under(self, kek: NamedKey, tenant: Tenant, *, index: NamedKey, now: str) -> Statement:
        """The index key's row, wrapped anew under this KEK."""
        row = tenant.rows.index
        item = self._wrapped(index, kek, tenant=tenant.rows.tenant, written=row.written.again(now))
        return self._replaced(row, item)

    def rewrapped(self, before: WrappedRow, after: WrappedRow) -> Statement:
        """The row of a key that KMS wrapped anew, in the place of the one that was found."""
        return update_wrapped(self._keys, after.to_item(), wrapped=before.wrapped)

    def destroyed(self, row: WrappedRow) -> Statement:
        """The end of a KEK's row."""
        return delete_wrapped(self._keys, pk=tenant_key(row.tenant), sk=row.name, wrapped=row.wrapped)

    def _plan(
        self,
        statements: list[Statement],
        register: Register | LastRegister,
        *,
        tenant: str,
        digest: bytes,
        version: int,
        replaced: tuple[int, bytes] | None = None,
    ) -> PlannedChange:
        mark_pk = register_mark_key(tenant)
        mark = mark_statement(mark_pk, Mark(version, digest, register.last_event), table=self._marks)
        return PlannedChange((*statements, mark), RegisterChange(mark_pk, version, digest, replaced), register.newest)

    def _wrapped(self, index: NamedKey, kek: NamedKey, *, tenant: str, written: Written) -> dict[str, dict[str, Any]]:
        salt, nonce = self._randomness(SALT_BYTES), self._randomness(NONCE_BYTES)
        return wrap(index, tenant=tenant, kek=kek, label=Label.INDEX, written=written, salt=salt, nonce=nonce)

    def _sealed(
        self, register: Register | LastRegister, key: NamedKey, *, tenant: str, written: Written
    ) -> tuple[dict[str, dict[str, Any]], bytes]:
        salt, nonce = self._randomness(SALT_BYTES), self._randomness(NONCE_BYTES)
        return seal_register(register, tenant=tenant, key=key, written=written, salt=salt, nonce=nonce)

    def _replaced(self, row: SealedRow, item: Mapping[str, Mapping[str, Any]]) -> Statement:
        return replace(self._keys, item, remove=(), commitment=row.commitment)


def _epoch(made: Made, *, now: str) -> Epoch:
    return Epoch(epoch_of(made.row.name) or 0, made.row.key, made.fingerprint, made.row.root_key_id, State.ACTIVE, now)
