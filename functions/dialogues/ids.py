"""Ids: the display ids of a dialogue's items, and what a URL's path segment stands for."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Self

from twinvault import InvalidInput

KINDS = {"P": "perspective", "R": "recommendation", "T": "tension", "E": "evidence", "C": "claim"}
_DISPLAY = re.compile(r"([PRTEC])([0-9]{2})([0-9]{2})")


@dataclass(frozen=True, slots=True)
class DisplayId:
    """`P0102` is the second perspective of round 1: a kind, a round (00 to 99) and a place in it (01 to 99)."""

    letter: str
    round: int
    sequence: int

    @classmethod
    def parse(cls, text: str, *, field: str = "id") -> Self:
        """Reads a display id.

        Raises:
            InvalidInput: not a letter of P, R, T, E, C with two digits of round and two of sequence, from 01 on.
        """
        match = _DISPLAY.fullmatch(text)
        if match is None:
            raise InvalidInput(f"{field}: must be P, R, T, E or C, two digits of round, two of sequence", field=field)
        letter, number, sequence = match.groups()
        if sequence == "00":
            raise InvalidInput(f"{field}: its sequence must be 01 to 99", field=field)
        return cls(letter, int(number), int(sequence))

    @property
    def kind(self) -> str:
        """The entity's name."""
        return KINDS[self.letter]

    @property
    def sk(self) -> str:
        """The sort key of the item's record."""
        return f"{self.kind}#{self.round:02d}#{self.sequence:02d}"

    def __str__(self) -> str:
        return f"{self.letter}{self.round:02d}{self.sequence:02d}"


def display_id(sk: str) -> str:
    """The display id of an item's record, from its sort key."""
    kind, number, sequence = sk.split("#")
    letter = next(letter for letter, name in KINDS.items() if name == kind)
    return f"{letter}{number}{sequence}"


def id_from_path(segment: str) -> str:
    """Returns the id that a URL's path segment stands for: the segment itself, or `~` and base64url of the id's UTF-8.

    HTTP APIs decode a path before they route it, so an id with `/` or `?` cannot travel as it is (docs/api.md).

    Raises:
        InvalidInput: it begins with `~` and is not base64url of UTF-8.
    """
    if not segment.startswith("~"):
        return segment
    encoded = segment[1:].rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidInput("id: after '~' must come base64url of its UTF-8", field="id") from None
