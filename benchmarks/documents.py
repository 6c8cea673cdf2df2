"""Dialogues of any number of small records, as large as they may be."""

import json
from typing import Any

from dialogues.canonical_json import MAX_BYTES

_ITEMS = {"perspectives": ("P", "open"), "tensions": ("T", "open"), "evidence": ("E", "cited")}
_OF_A_ROUND = 99
_OTHER_RECORDS = 2  # head and meta
_MOST_TEXT = 100
_WORDS = "said and heard, and written down by those who were there, "
MOST = 10_000
"""Records. An item is four values with its object, and a document may hold 50,000."""


def document(name: str, records: int) -> dict[str, Any]:
    """A dialogue that becomes this many records, its head included: items of about 100 bytes of text each.

    Raises:
        ValueError: it cannot be imported.
    """
    items = records - _OTHER_RECORDS
    each = -(-items // len(_ITEMS))
    made: dict[str, Any] = {"id": name, "title": "A long one", "status": "open"}
    for kind, (letter, status) in _ITEMS.items():
        count = min(each, items)
        items -= count
        made[kind] = [_item(letter, index, status=status) for index in range(count)]
    if len(encode(made)) > MAX_BYTES or records > MOST:
        raise ValueError("a document of so many records is too large")
    return made


def encode(made: dict[str, Any]) -> bytes:
    """As it is sent."""
    return json.dumps(made, separators=(",", ":")).encode()


def _item(letter: str, index: int, *, status: str) -> dict[str, Any]:
    name = f"{letter}{index // _OF_A_ROUND:02d}{index % _OF_A_ROUND + 1:02d}"
    text = f"{name}: {_WORDS * 2}"[:_MOST_TEXT]
    return {"id": name, "label": text, "status": status}
