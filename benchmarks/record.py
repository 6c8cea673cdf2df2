"""The record that every contender turns into a DynamoDB item and back: eight attributes, two of them in the clear."""

from typing import Any

TENANT, KIND, PARTITION = "acme", "bench", "k3v7xqz2m4n5p6r7s8t9abcdef"
SK = "item#01#02"
CLEAR = ("status", "round")
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
