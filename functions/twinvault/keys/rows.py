"""The rows of the keys table (docs/format.md, "Key rows"): what they are called. Pure.

    pk = tenant#{tenant}
    sk = dek#{kind}#{partition}#{version:06d}     a DEK, sealed under a KEK
             dek#{kind}#{partition}#erased            the partition's tombstone, sealed under the register key
         idx                                      the tenant's index key, sealed under a KEK
         kek#{epoch:06d}                          a KEK, wrapped by KMS under a root key
         register                                 which keys there are, sealed under the register key
         register-key                             the register key, wrapped by KMS under a root key
         work#{id}                                long work, sealed under the register key (`maintenance.rows`)
         hold#tenant                              legal holds, sealed under the register key (`keys.holding`)
         erasure#{id}                             an erasure that was asked for, likewise (`erasure.request`)

`idx` to `register-key` stand beside each other: one Query loads a tenant, however many DEKs and works it has.
"""

import re
from dataclasses import dataclass, field

from twinvault.envelope import require_id, tenant_key
from twinvault.envelope.suite import DerivationKey
from twinvault.errors import IntegrityError, InvalidInput, Place, Step
from twinvault.scope import Scope

TABLE = "keys"
IDX, REGISTER, REGISTER_KEY = "idx", "register", "register-key"
WORK = "work#"
"""What the sort keys of long work begin with: behind `register-key`, so that a tenant's load does not meet them."""
HOLDS = "hold#tenant"
"""The row of a tenant's legal holds, of all its partitions: before `idx`, for the same reason."""
ERASURE = "erasure#"
"""What the sort keys of erasures that were asked for begin with, likewise."""
MAX_NUMBER = 999_999
"""Epochs and versions are six digits in a sort key."""

_ERASED = "erased"
_SIX_DIGITS = re.compile(r"[0-9]{6}")
_KEK = "kek#"


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A plaintext key with the name of its row. Lives in memory only."""

    name: str
    key: bytes = field(repr=False)
    kdf: DerivationKey = field(init=False, repr=False, compare=False)
    """The same key, ready to seal and to open with."""

    def __post_init__(self) -> None:
        """Prepares the key once for all that it seals and opens."""
        object.__setattr__(self, "kdf", DerivationKey(self.key))


def kek_name(epoch: int) -> str:
    """The sort key of a KEK's row."""
    return _KEK + _number(epoch, "epoch")


def epoch_of(name: str) -> int | None:
    """The epoch in a KEK's name; None where it is no such name."""
    digits = name.removeprefix(_KEK)
    return int(digits) if name.startswith(_KEK) and _SIX_DIGITS.fullmatch(digits) else None


def entity_of(name: str) -> str:
    """What the row of this name is: what stands before its `#`, such as `kek`; of a tombstone `erased`."""
    return _ERASED if is_tombstone_name(name) else name.partition("#")[0]


def is_under_register_key(name: str) -> bool:
    """Whether the row of this name is sealed under the register key, and not under a KEK."""
    return name in {REGISTER, HOLDS} or name.startswith((WORK, ERASURE)) or is_tombstone_name(name)


def row_place(tenant: str, name: str = "") -> Place:
    """Where a key's row stands; without a name, the tenant's key rows."""
    return Place(TABLE, tenant_key(tenant), name)


def dek_prefix(scope: Scope) -> str:
    """What the sort keys of a partition's DEK rows begin with.

    The kind is in it: partitions of two kinds may share an id, and must not share a key (docs/adr/0001).
    """
    return f"dek#{require_id(scope.kind, field='kind')}#{require_id(scope.partition, field='partition')}#"


def tombstone_name(scope: Scope) -> str:
    """The sort key of a partition's tombstone: it stands behind the partition's DEKs, and so is found with them."""
    return dek_prefix(scope) + _ERASED


def scope_of(name: str, tenant: str) -> Scope:
    """The partition that a DEK's or a tombstone's name is of."""
    _, kind, partition, _ = name.split("#")
    return Scope(tenant, kind, partition)


def is_tombstone_name(name: str) -> bool:
    """Whether a row of this name is some partition's tombstone."""
    return name.startswith("dek#") and name.endswith(f"#{_ERASED}")


def after_partition(name: str) -> str:
    """A sort key behind those of all DEKs of the partition that this DEK is of, and before the next partition's.

    `$` comes right after `#`, and every character that an id may hold comes after both.
    """
    return name.rpartition("#")[0] + "$"


def dek_name(scope: Scope, version: int) -> str:
    """The sort key of a DEK's row."""
    return dek_prefix(scope) + _number(version, "version")


def dek_version(name: str, *, scope: Scope) -> int:
    """The version in a DEK's name.

    Raises:
        IntegrityError: the name is not one of this partition's: a record that says so was not written here.
    """
    if not is_dek_name(name, scope=scope):
        raise IntegrityError(Step.KEY_ID, where=row_place(scope.tenant, name))
    return int(name.removeprefix(dek_prefix(scope)))


def is_dek_name(name: str, *, scope: Scope) -> bool:
    """Whether this is the name of a DEK of this partition, whether or not there is such a DEK."""
    prefix = dek_prefix(scope)
    return name.startswith(prefix) and _SIX_DIGITS.fullmatch(name.removeprefix(prefix)) is not None


def _number(value: int, field_name: str) -> str:
    if not 1 <= value <= MAX_NUMBER:
        raise InvalidInput(f"{field_name}: must be from 1 to {MAX_NUMBER}", field=field_name)
    return f"{value:06d}"
