"""What a field may hold: its DynamoDB types where it is in the clear, and its text where it is part of a sort key.

What each form is in a document is for `layout` to say, which only an import needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twinvault import FLAG as CLEAR_FLAG
from twinvault import ID
from twinvault import NUMBER as CLEAR_NUMBER
from twinvault import TEXT as CLEAR_TEXT

_SEQUENCE = "(?:0[1-9]|[1-9][0-9])"
_ITEM = f"[0-9]{{2}}#{_SEQUENCE}"
_TWO_DIGITS = "{:02d}".format


@dataclass(frozen=True, slots=True)
class Form:
    """One form of values.

    Attributes:
        name: what it is called.
        clear: the DynamoDB types of a clear attribute of this form; none: it is never in the clear.
        pattern: what its text in a sort key looks like; none: it is never part of one.
        to_key, from_key: a value as its text in a sort key, and back.
        words: the only texts that it may be; none: no such limit.
        letter: of an item's display id, its first character.
    """

    name: str
    clear: frozenset[str] = frozenset()
    pattern: str = ""
    to_key: Callable[[Any], str] = str
    from_key: Callable[[str], Any] = str
    words: tuple[str, ...] = ()
    letter: str = ""


TEXT = Form("text")
TEXTS = Form("list of texts")
JSON = Form("any JSON value")
PARTS = Form("an object, or a list of them, with fields of its own")
SCORES = Form("numbers by name")
RAW_CONTENT = Form("a text, or texts by name")
DIALOGUE_ID = Form("a dialogue's id")
EVENT_TYPE = Form("an event's type", CLEAR_TEXT)
NAME = Form("short word", CLEAR_TEXT)
TIME = Form("time", CLEAR_TEXT)
REFERENCE = Form("reference", CLEAR_TEXT)
FLAG = Form("truth value", CLEAR_FLAG)
NUMBER = Form("number", CLEAR_NUMBER)
COUNT = Form("number of rounds", CLEAR_NUMBER)
CONFIDENCE = Form("a number, or a short text", CLEAR_TEXT | CLEAR_NUMBER)
SLUG = Form("slug", CLEAR_TEXT, ID.pattern)
VERDICT_ID = Form("a verdict's id", CLEAR_TEXT, r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
ROUND = Form("round", CLEAR_NUMBER, "[0-9]{2}", _TWO_DIGITS, int)
SEQUENCE = Form("place within a round", CLEAR_NUMBER, _SEQUENCE, _TWO_DIGITS, int)
WORD = Form("small letters", CLEAR_TEXT, "[a-z]+")
DIGITS = Form("a time's digits", CLEAR_TEXT, "[0-9TZ]+")


def one_of(*words: str) -> Form:
    """One of these words."""
    return Form(f"one of {', '.join(words)}", CLEAR_TEXT, "[a-z]+", words=words)


def display_id(letter: str) -> Form:
    """An item's id: `P0102` is the second perspective of round 1. In a sort key round and place are parted: `01#02`."""

    def to_key(value: str) -> str:
        return f"{value[1:3]}#{value[3:]}"

    def from_key(text: str) -> str:
        return letter + text.replace("#", "")

    return Form(f"display id with {letter}", pattern=_ITEM, to_key=to_key, from_key=from_key, letter=letter)


def any_display_id(letters: str) -> Form:
    """The id of an item of any of these letters, whole."""
    return Form("display id", pattern=f"[{letters}][0-9]{{4}}")
