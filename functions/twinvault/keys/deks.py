"""The rows of a tenant's DEKs, page by page: which there are, and under which KEK each says that it is."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twinvault.envelope import ID, tenant_key
from twinvault.envelope.item import Item, text_of

if TYPE_CHECKING:
    from twinvault.keys.table import KeyTable

DEK_NAME = re.compile(rf"dek#{ID.pattern}#{ID.pattern}#[0-9]{{6}}")
_FIRST, _LAST = "dek#", "dek$"  # `$` comes right after `#`
_PAGE = 500


def dek_rows(table: "KeyTable", tenant: str, *, after: str = "") -> Iterator[Item]:
    """The rows that are called as a DEK's is and come behind this name, in the order of their names; none is opened.

    Raises:
        DependencyError: the keys table cannot be read now.
    """
    first = _behind(after) if after else _FIRST
    while True:
        items = table.query_range(tenant_key(tenant), first, last=_LAST, limit=_PAGE)
        yield from (item for item in items if DEK_NAME.fullmatch(text_of(item, "sk")))
        if len(items) < _PAGE:
            return
        first = _behind(text_of(items[-1], "sk"))


def count_deks(table: "KeyTable", tenant: str) -> Counter[str]:
    """How many DEKs say that they are under each KEK, by the KEK's name."""
    return Counter(text_of(row, "key_id") for row in dek_rows(table, tenant))


def _behind(name: str) -> str:
    return f"{name}\x00"
