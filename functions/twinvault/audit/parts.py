"""How the elements of one event are spread over entries, so that none is over 64 KiB. Pure."""

from collections.abc import Sequence

from twinvault.audit.elements import MEMBERS, Element, canonical_json
from twinvault.audit.entry import MAX_CLOSED, MAX_ENTRY_BYTES, Event, Link, encode_entry
from twinvault.audit.signing import PUBLIC_KEY_BYTES

_LARGEST = 10**12 - 1
_CLOSED_BYTES = len(canonical_json({"chain": "f" * 32, "seq": _LARGEST, "candidate": "f" * 64})) + 1
_FIRST_BYTES = MAX_CLOSED * _CLOSED_BYTES + len(',"continues":[],"public_key":""') + 2 * PUBLIC_KEY_BYTES
"""What a first entry says more than others. Room is kept for it in all: which entry of an event becomes a chain's first
is not known when the event is cut up, for a chain may be closed in between."""


def split(event: Event, elements: Sequence[Element], *, last: Sequence[Element] = ()) -> list[list[Element]]:
    """Cuts `elements` into as few consecutive parts as keep each entry within 64 KiB; at least one.

    `last` all stand in the last part, which goes with the write that they tell of; they must fit into one entry.
    """
    room = MAX_ENTRY_BYTES - _FIRST_BYTES - _common_bytes(event)
    parts: list[list[Element]] = [[]]
    used = 0
    for element in sorted(elements, key=lambda one: MEMBERS.index(one.member)):
        size = _size(element)
        if used + size > room and parts[-1]:
            parts.append([])
            used = 0
        parts[-1].append(element)
        used += size
    if used + sum(map(_size, last)) > room and parts[-1]:
        parts.append([])
    parts[-1].extend(last)
    return parts


def _size(element: Element) -> int:
    return len(canonical_json(element.content)) + 1


def _common_bytes(event: Event) -> int:
    """The most that an entry of this event takes without its elements and without what only a first entry has."""
    link = Link("f" * 32, _LARGEST, bytes(32))
    return len(encode_entry(event, [], link=link, public_key=b"", part=(_LARGEST, _LARGEST)))
