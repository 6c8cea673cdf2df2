"""How many of the rows that an index leads to are fetched at once."""

from collections.abc import Sequence

import pytest

from twinvault.envelope.item import Item
from twinvault.records.hits import MAX_PAGE_BYTES, Hit, within_a_page
from twinvault.scope import Scope

LARGEST = 400 * 1024


@pytest.mark.parametrize(("first", "size"), [(1000, 10), (60, 10), (5, LARGEST)])
def test_what_is_fetched_at_once_never_fills_the_memory(first: int, size: int) -> None:
    """Small records come first, as many as they like, and say nothing of the size of the next ones."""
    hits = [Hit({"pk": {"S": f"pk{n}"}, "sk": {"S": "a"}}, Scope("acme", "note", f"n{n}")) for n in range(1000)]
    sizes = [size] * first + [LARGEST] * (1000 - first)
    fetched: list[int] = []

    def fetch(some: Sequence[Hit]) -> dict[Hit, dict[str, Item]]:
        fetched.append(len(some))
        return {hit: {"a": {"blob": {"B": bytes(sizes[hits.index(hit)])}}} for hit in some}

    page = [hit for hit, _ in within_a_page(hits, fetch)]
    assert page == hits[: len(page)]
    assert max(fetched) * LARGEST <= 10 * MAX_PAGE_BYTES
    assert fetched[0] == 5
