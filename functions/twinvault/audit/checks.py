"""Whether a JSON value has a form: small questions of one value, and what puts them together. Pure.

A check answers, and does not raise: whoever asks says what it means that something has not the form.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from twinvault.envelope.grammars import MOST

type Check = Callable[[Any], bool]


def text(pattern: re.Pattern[str]) -> Check:
    """A text that matches as a whole."""
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def text_up_to(most: int) -> Check:
    """A text of at most so many characters."""
    return lambda value: isinstance(value, str) and len(value) <= most


def one_of(*words: str) -> Check:
    """One of these texts."""
    return lambda value: isinstance(value, str) and value in words


def whole(lowest: int, most: int = MOST) -> Check:
    """A whole number between the two."""
    # A truth value is an int to Python and none to JSON.
    return lambda value: type(value) is int and lowest <= value <= most


def list_of(check: Check, *, least: int = 0, most: int | None = None) -> Check:
    """A list whose elements all pass."""

    def is_list(value: Any) -> bool:  # noqa: ANN401  # any JSON value
        if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
            return False
        return all(map(check, value))

    return is_list


def map_of(name: Check, check: Check) -> Check:
    """An object of any members: their names and values all pass."""
    return lambda value: isinstance(value, dict) and all(map(name, value)) and all(map(check, value.values()))


def object_of(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with all of the first members, perhaps some of the second, and no other."""
    every = {**required, **(optional or {})}

    def is_object(value: Any) -> bool:  # noqa: ANN401  # any JSON value
        if not isinstance(value, dict) or not required.keys() <= value.keys() <= every.keys():
            return False
        return all(every[name](content) for name, content in value.items())

    return is_object


def or_just(check: Check, other: object) -> Check:
    """What passes, or this one other value."""
    return lambda value: value == other or check(value)
