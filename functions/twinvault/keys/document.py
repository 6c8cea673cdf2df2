"""What the seals of the keys table hold: JSON documents, of which one value has one text (docs/format.md). Pure.

A name that occurs twice, white space, another order, one more member: refused, so that no two readers make two things
of the same bytes.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Protocol

from twinvault.envelope.grammars import MOST
from twinvault.errors import IntegrityError, Step


class Encodes[P: bytes | str](Protocol):
    """What has one text."""

    def encode(self) -> P:
        """That text."""


def compact(document: object) -> bytes:
    """The text of a document: compact JSON in UTF-8, its members in the order in which they are given."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def read_document[D: Encodes[bytes] | Encodes[str]](
    payload: bytes | str, make: Callable[[Any], D], *, step: Step, name: str, are: str = "is"
) -> D:
    """Returns what `make` makes of a document, which is written in no other way than that says.

    `make` may raise whatever comes of JSON that is none of its kind. `name` is the kind's, for the refusal.

    Raises:
        IntegrityError: it is none, or is written in another way; at this step.
    """
    try:
        made = make(json.loads(payload))
        is_written_so = made.encode() == payload
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise IntegrityError(step, detail=f"it has not the form of {name}") from None
    if not is_written_so:
        raise IntegrityError(step, detail=f"it is not written as {name} {are}")
    return made


def text(value: object, grammar: re.Pattern[str]) -> str:
    """A text that matches as a whole.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or not grammar.fullmatch(value):
        raise ValueError("text")
    return value


def text_up_to(value: object, most: int) -> str:
    """A text of at most so many characters; errors as for `text`."""
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("text")
    return value


def whole(value: object, *, least: int, most: int = MOST) -> int:
    """A whole number between the two.

    Raises:
        ValueError: it is none.
    """
    # A truth value is an int to Python and none to JSON.
    if type(value) is not int or not least <= value <= most:
        raise ValueError("number")
    return value
