"""The trust core of a tenant's keys: rows and a mark go in, a register comes out, or a refusal. Pure.

The steps are those of docs/format.md, "Open a tenant". `look_over` takes 1 to 3, which need no key; `open_tenant` takes
4 and 5, once KMS has opened the register key; `require_key` is step 6, for each key when it is unwrapped. What holds,
whatever the rows are:

- Table, tenant and place come from whoever asks. Which keys there are comes from the register, and never from which
  rows are there: a row that it does not list, or one that it lists and that is not there, refuses them all.
- The register is the one that the newest mark names, in version and digest. Marks can be added and not taken away, so
  an older register, another one, or none is refused, before any key is used.
- There is no part of a tenant: all rows fit, or none is released.
- What a Query saw may be half of a transaction. So a refusal convicts nobody until a bracketed look has said the same
  (`keys.loading`).

Not done here is any IO: rows and marks are queried, and the register key is asked of KMS, by those who call this. No
clock is read and nothing is drawn.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twinvault.dynamodb.marks import Mark
from twinvault.envelope import Label, tenant_key
from twinvault.envelope.item import Item, text_of
from twinvault.envelope.subkeys import fingerprint
from twinvault.errors import Gone, IntegrityError, Place, Step
from twinvault.keys.last_register import LastRegister
from twinvault.keys.register import MAX_EPOCHS, Epoch, Register
from twinvault.keys.rows import IDX, REGISTER, REGISTER_KEY, TABLE, NamedKey, epoch_of, kek_name, row_place
from twinvault.keys.sealed import SealedRow, Written, open_register, parse_sealed
from twinvault.keys.wrapped import WrappedRow, parse_wrapped

_SINGLE = (IDX, REGISTER, REGISTER_KEY)
"""The rows of which each tenant has one."""
MOST_ROWS = MAX_EPOCHS + len(_SINGLE)


@dataclass(frozen=True, slots=True)
class TenantRows:
    """A tenant's rows, of which only the mark has vouched for the register.

    Attributes:
        tenant: whose.
        register: the register's row.
        digest: its seal's, which the newest mark names.
        register_key: the row of the key that opens it.
        found_index: the index key's row; None where there is none, as of a tenant that was erased.
        keks: the KEKs' rows by epoch, in order.
    """

    tenant: str
    register: SealedRow
    digest: bytes
    register_key: WrappedRow
    found_index: SealedRow | None
    keks: Mapping[int, WrappedRow]

    @property
    def index(self) -> SealedRow:
        """The index key's row.

        Raises:
            IntegrityError: there is none.
        """
        if self.found_index is None:
            raise _not_listed(row_place(self.tenant, IDX), missing=True)
        return self.found_index


@dataclass(frozen=True, slots=True)
class ErasedTenant:
    """What is left of a tenant that was erased: its register key, and its last register.

    Attributes:
        rows: those that are there; of whatever else is among them, nothing counts.
        register: what the register says.
    """

    rows: TenantRows = field(repr=False)
    register: LastRegister


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant's keys as one consistent whole: authentic, complete, the newest, and nothing else.

    Attributes:
        rows: the rows, each of which the register lists.
        register: what the register says.
    """

    rows: TenantRows = field(repr=False)
    register: Register

    @property
    def written(self) -> Written:
        """The register's version and times."""
        return self.rows.register.written

    def kek(self, name: str) -> tuple[Epoch, WrappedRow] | None:
        """What the register says of this KEK, and its row; None where the register does not list it."""
        number = epoch_of(name)
        listed = self.register.epoch(number) if number is not None else None
        return (listed, self.rows.keks[listed.epoch]) if listed else None


def look_over(items: Sequence[Item], mark: Mark | None, *, tenant: str) -> TenantRows | None:
    """Steps 1 to 3 over all rows that a Query of the tenant found, `idx` to `register-key`, and its newest mark.

    Returns None where there is neither a row nor a mark: the tenant is new.

    Raises:
        IntegrityError: rows were taken away, planted, moved or put back, or have not the form of key rows.
    """
    if not items and mark is None:
        return None
    # Step 1: which rows there are. Every name is one that a tenant has, and occurs once; the register and its key are
    # there, and the index key as well, unless the register turns out to be the last one.
    named = _by_name(items, tenant=tenant)
    # Step 2: each has the form of its kind.
    rows = {name: parse_sealed(named[name], tenant=tenant, name=name) for name in (IDX, REGISTER) if name in named}
    wrapped = {name: parse_wrapped(item, tenant=tenant, name=name) for name, item in named.items() if name not in rows}
    keks = {epoch: wrapped[kek_name(epoch)] for epoch in sorted(filter(None, map(epoch_of, wrapped)))}
    # Step 3: the register is the one that the newest mark names. The digest covers every byte of it, and needs no key.
    register = rows[REGISTER]
    digest = register.digest(Label.REGISTER)
    if mark is None or mark.version != register.written.version or not hmac.compare_digest(mark.digest, digest):
        raise IntegrityError(
            Step.MARK, where=row_place(tenant, REGISTER), detail="the register is not the one that was written last"
        )
    return TenantRows(tenant, register, digest, wrapped[REGISTER_KEY], rows.get(IDX), keks)


def open_tenant(rows: TenantRows, register_key: NamedKey) -> Tenant:
    """Steps 4 and 5, once the register key is there.

    Raises:
        Gone: the tenant was erased.
        IntegrityError: the register does not open, or the rows are not those that it lists.
    """
    # Step 4: the register opens under the register key, and is one.
    register = open_register(rows.register, key=register_key)
    if isinstance(register, LastRegister):
        raise Gone(register.erased_at)
    # Step 5: the rows are those that it lists, each the very key and under the very root key.
    listed = {one.epoch: (one.key, one.root_key_id) for one in register.epochs}
    there = {epoch: (row.key, row.root_key_id) for epoch, row in rows.keks.items()}
    for epoch in sorted(listed.keys() | there.keys()):
        if listed.get(epoch) != there.get(epoch):
            raise _not_listed(row_place(rows.tenant, kek_name(epoch)), missing=epoch not in there)
    if rows.register_key.root_key_id != register.register_root_key_id:
        raise _not_listed(row_place(rows.tenant, REGISTER_KEY))
    if epoch_of(rows.index.wrapped_under) not in listed:
        raise IntegrityError(Step.KEY_ID, where=row_place(rows.tenant, IDX))
    return Tenant(rows, register)


def open_erased(rows: TenantRows, register_key: NamedKey) -> ErasedTenant | None:
    """Step 4, of a tenant that was erased; None: it was not.

    Raises:
        IntegrityError: the register does not open.
    """
    register = open_register(rows.register, key=register_key)
    return ErasedTenant(rows, register) if isinstance(register, LastRegister) else None


def require_key(key: NamedKey, expected: bytes, *, tenant: str) -> NamedKey:
    """Step 6, of a KEK or the index key that was unwrapped: it is the key that the register means.

    Raises:
        IntegrityError: it is another.
    """
    if not hmac.compare_digest(fingerprint(key.key, tenant=tenant, sk=key.name), expected):
        raise IntegrityError(Step.FINGERPRINT, where=row_place(tenant, key.name))
    return key


def require_listed(found: Tenant | None, where: Place) -> tuple[Epoch, WrappedRow]:
    """What the register says of a KEK.

    Raises:
        IntegrityError: nothing: what names this KEK was not written here, or its row was put back.
    """
    listed = found.kek(where.sk) if found else None
    if listed is None:
        raise IntegrityError(Step.KEY_ID, where=where, detail="the register does not list this KEK")
    return listed


def _by_name(items: Sequence[Item], *, tenant: str) -> dict[str, Item]:
    pk = tenant_key(tenant)
    named: dict[str, Item] = {}
    for item in items:
        name = text_of(item, "sk")
        if text_of(item, "pk") != pk or name in named or not (name in _SINGLE or epoch_of(name)):
            raise _not_listed(Place(TABLE, pk, name))
        named[name] = item
    for name in (REGISTER, REGISTER_KEY):
        if name not in named:
            raise _not_listed(Place(TABLE, pk, name), missing=True)
    return named


def _not_listed(where: Place, *, missing: bool = False) -> IntegrityError:
    detail = "a row that must be there is not" if missing else "the register does not list this row, or not as it is"
    return IntegrityError(Step.KEY_ROWS, where=where, detail=detail)
