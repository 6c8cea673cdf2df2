"""The rows of a tenant's DEKs: which there are, page by page, under which KEK each says that it is, and new ones."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinvault.envelope import ID, KEY_BYTES, NONCE_BYTES, SALT_BYTES, Label, tenant_key
from twinvault.envelope.item import Item, text_of
from twinvault.errors import IntegrityError, Step
from twinvault.keys.rows import NamedKey, dek_name, is_tombstone_name, row_place
from twinvault.keys.sealed import Written, parse_sealed, unwrap, wrap

if TYPE_CHECKING:
    from twinvault.keys.hierarchy import KeyHierarchy
    from twinvault.keys.table import KeyTable
    from twinvault.observe import Observer
    from twinvault.scope import Scope

DEK_NAME = re.compile(rf"dek#{ID.pattern}#{ID.pattern}#[0-9]{{6}}")
_FIRST, _LAST = "dek#", "dek$"  # `$` comes right after `#`
_PAGE = 500

type OpenedDeks = tuple[dict[str, NamedKey], dict[str, IntegrityError]]
"""By name, the DEKs that open, and why others do not."""


@dataclass(frozen=True, slots=True)
class NewDek:
    """A DEK that is not durable yet: its row goes into the very transaction that first uses it."""

    key: NamedKey
    version: int
    row: dict[str, dict[str, Any]]


def make_dek(scope: "Scope", version: int, *, kek: NamedKey, now: str, randomness: Callable[[int], bytes]) -> NewDek:
    """A fresh DEK of this version, wrapped under the KEK."""
    key = NamedKey(dek_name(scope, version), randomness(KEY_BYTES))
    row = wrap(
        key,
        tenant=scope.tenant,
        kek=kek,
        label=Label.DEK,
        written=Written(1, now, now),
        salt=randomness(SALT_BYTES),
        nonce=randomness(NONCE_BYTES),
    )
    return NewDek(key, version, row)


def dek_rows(table: "KeyTable", tenant: str, *, after: str = "") -> Iterator[Item]:
    """The rows that are called as a DEK's is and come behind this name, in the order of their names; none is opened.

    Raises:
        DependencyError: the keys table cannot be read now.
    """
    rows = rows_of_deks(table, tenant, first=_behind(after) if after else "")
    return (item for item in rows if DEK_NAME.fullmatch(text_of(item, "sk")))


def rows_of_deks(table: "KeyTable", tenant: str, *, first: str = "") -> Iterator[Item]:
    """The rows that stand where DEKs do, tombstones and all, from this name on; errors as for `dek_rows`."""
    first = first or _FIRST
    while True:
        items = table.query_range(tenant_key(tenant), first, last=_LAST, limit=_PAGE)
        yield from items
        if len(items) < _PAGE:
            return
        first = _behind(text_of(items[-1], "sk"))


@dataclass(frozen=True, slots=True)
class DekVersionUse:
    """The DEKs of one version, of all partitions.

    Attributes:
        version: the number.
        partitions: how many partitions have one of this version.
        newest: for how many of these it is the newest; the others have a newer one beside it.
        oldest: when the oldest of these rows was made, RFC 3339 in UTC.
    """

    version: int
    partitions: int
    newest: int
    oldest: str


def count_deks(table: "KeyTable", tenant: str) -> tuple[Counter[str], list[DekVersionUse]]:
    """How many DEKs say that they are under each KEK, by the KEK's name; and of which versions they are, in order."""
    under, of, newest = Counter[str](), Counter[int](), Counter[int]()
    oldest, before = dict[int, str](), ("", 0)
    for row in dek_rows(table, tenant):
        partition, _, digits = text_of(row, "sk").rpartition("#")
        version, made = int(digits), text_of(row, "created_at")
        under[text_of(row, "key_id")] += 1
        of[version] += 1
        newest[version] += 1
        if partition == before[0]:
            # The rows come in the order of their names: the one before was not the newest of its partition.
            newest[before[1]] -= 1
        oldest[version] = min(oldest.get(version, made), made)
        before = (partition, version)
    return under, [DekVersionUse(one, of[one], newest[one], oldest[one]) for one in sorted(of)]


def dek_made_at(
    hierarchy: "KeyHierarchy", table: "KeyTable", *, scope: "Scope", version: int, observer: "Observer"
) -> str:
    """When this version of a partition's DEK was made, as its row says, which is opened for that: RFC 3339 in UTC.

    Raises:
        IntegrityError: the row is missing, or does not open.
        KeyRefused, DependencyError: as for any key.
    """
    name = dek_name(scope, version)
    item = table.get(scope.keys_pk, name)
    if item is None:
        raise IntegrityError(Step.MISSING_KEY, where=row_place(scope.tenant, name))
    row = parse_sealed(item, tenant=scope.tenant, name=name)
    kek = hierarchy.kek(scope.tenant, row.wrapped_under, observer=observer)
    unwrap(row, kek=kek, label=Label.DEK)
    observer.crypto("unwrap_dek", kek.name)
    return row.written.created_at


def open_each(items: Sequence[Item], scope: "Scope", *, open_one: Callable[[Item], NamedKey]) -> OpenedDeks:
    """Those of these rows of a partition's DEKs that open, and why others do not; its tombstone is none of them.

    Raises:
        KeyRefused, DependencyError: as for any key.
    """
    there, refused = dict[str, NamedKey](), dict[str, IntegrityError]()
    for item in items:
        name = text_of(item, "sk")
        if is_tombstone_name(name):
            continue
        try:
            there[name] = open_one(item)
        except IntegrityError as refusal:
            refused[name] = refusal.at(row_place(scope.tenant, name))
    return there, refused


def _behind(name: str) -> str:
    return f"{name}\x00"
