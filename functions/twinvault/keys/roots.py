"""Which root keys wrap something of anybody's: every row of the keys table that KMS wrapped, of all tenants.

Nothing is opened. A row says of itself which root key wraps it; the register, which a tenant's keys alone open, says
the same under a seal, and a load of the tenant compares the two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.envelope import ID
from twinvault.envelope.item import Item, attribute, text_of
from twinvault.keys.rows import REGISTER_KEY, epoch_of

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table

_TENANT = re.compile(rf"tenant#(?P<tenant>{ID.pattern})")
_MOST_NAMED = 100
_NAMES = ("pk", "sk", "root_key_id", "created_at")


@dataclass(frozen=True, slots=True)
class RootKeyRows:
    """What one root key wraps.

    Attributes:
        root_key_id: the KMS key's id, as the rows say.
        keks: how many KEKs, of all tenants.
        register_keys: how many register keys.
        tenants: of how many tenants these are, and the first hundred of them, in order.
        oldest: when the oldest of these rows was made, RFC 3339 in UTC.
    """

    root_key_id: str
    keks: int
    register_keys: int
    tenants: int
    first_tenants: list[str]
    oldest: str


@dataclass(frozen=True, slots=True)
class RootKeySurvey:
    """What all root keys wrap, the one with the oldest row first.

    Attributes:
        root_keys: those that wrap something.
        tenants: how many tenants have keys.
        unreadable: how many rows are called as one that KMS wrapped and name no root key: as long as there is one,
            nobody can say that a root key is unused.
    """

    root_keys: list[RootKeyRows]
    tenants: int
    unreadable: int


def roots_in_use(table: "Table") -> RootKeySurvey:
    """Reads every row of the keys table.

    Raises:
        DependencyError: it cannot be read now.
    """
    found, unreadable, tenants = dict[str, list[Item]](), 0, set[str]()
    for tenant, item in _wrapped_rows(table):
        tenants.add(tenant)
        root = attribute(item, "root_key_id", kind="S")
        if isinstance(root, str) and root:
            found.setdefault(root, []).append(item)
        else:
            unreadable += 1
    each = [_rows_of(root, items) for root, items in found.items()]
    return RootKeySurvey(sorted(each, key=lambda one: (one.oldest, one.root_key_id)), len(tenants), unreadable)


def _wrapped_rows(table: "Table") -> Iterator[tuple[str, Item]]:
    for item in table.scan(_NAMES):
        tenant, name = _TENANT.fullmatch(text_of(item, "pk")), text_of(item, "sk")
        if tenant and (name == REGISTER_KEY or epoch_of(name) is not None):
            yield tenant["tenant"], item


def _rows_of(root: str, items: list[Item]) -> RootKeyRows:
    names = [text_of(item, "sk") for item in items]
    tenants = sorted({text_of(item, "pk").removeprefix("tenant#") for item in items})
    registers = names.count(REGISTER_KEY)
    oldest = min(text_of(item, "created_at") for item in items)
    return RootKeyRows(root, len(names) - registers, registers, len(tenants), tenants[:_MOST_NAMED], oldest)
