"""The record that all benchmarks are about: eight attributes, two of them in the clear; and the kind that it is of."""

import re
from typing import Any

from twinvault.records.spec import NUMBER, TEXT, EntitySpec, KindSpec, head_spec

TENANT, KIND, PARTITION = "acme", "bench", "k3v7xqz2m4n5p6r7s8t9abcdef"
SK = "item#01#02"
SK_FORM = "item#{:05d}"
CLEAR = ("status", "round")
ITEM = EntitySpec(
    "item",
    re.compile(r"item#[0-9#]+"),
    {"status": TEXT, "round": NUMBER},
    frozenset({"label", "contributors", "references", "position", "origin", "content"}),
)
LEDGER = KindSpec(KIND, (ITEM,), head_spec())
_WORDS = "the rotation of keys in the vault is slower than the teams that depend on it can bear and "


def record(size: int) -> dict[str, Any]:
    """A record whose compact JSON has about `size` bytes."""
    fields: dict[str, Any] = {
        "status": "open",
        "round": 1,
        "label": "Too slow",
        "contributors": ["ops-lead", "platform"],
        "references": ["E0101", "C0101", "T0102"],
        "position": 7,
        "origin": {"round": 1, "pool": True},
        "content": "",
    }
    return {**fields, "content": (_WORDS * (size // len(_WORDS) + 1))[: max(0, size - 190)]}
