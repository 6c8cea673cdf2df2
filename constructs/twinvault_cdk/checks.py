"""What a value of a stage must be: each check returns the value as it is used, or raises its rule.

The rule is a ValueError whose text completes "it must be ..."; ``stage.py`` says of which value.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

type Check = Callable[[Any], Any]


def optional(check: Check) -> Check:
    """Returns the check of a value that may also be null, which says that there is none."""
    return lambda value: None if value is None else check(value)


def text(value: object) -> str:
    """Returns a text as it is."""
    if not isinstance(value, str) or not value.strip() or value != value.strip():
        raise ValueError("a text without spaces around it")
    return value


def matching(pattern: str, rule: str) -> Check:
    """Returns the check of texts that match a pattern whole."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(rule)
        return value

    return check


def url(value: object) -> str:
    """Returns an address: https, or http on this machine."""
    rule = "an https address, or http on this machine's loopback"
    try:
        parts = urlsplit(text(value))
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(rule) from None
    if not host or parts.username or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)):
        raise ValueError(rule)
    return parts.geturl()


def origins(value: object) -> tuple[str, ...]:
    """Returns origins, each an address without path and query."""
    rule = "a list of origins such as https://dashboard.example.com, without path and without *"
    if not isinstance(value, list | tuple):
        raise ValueError(rule)  # noqa: TRY004  # each check raises the same error: its rule
    try:
        origins = tuple(url(origin) for origin in value)
    except ValueError:
        raise ValueError(rule) from None
    if any(urlsplit(origin).path or urlsplit(origin).query for origin in origins):
        raise ValueError(rule)
    return origins


def emails(value: object) -> tuple[str, ...]:
    """Returns e-mail addresses."""
    rule = "a list of e-mail addresses, which may be empty"
    if not isinstance(value, list | tuple):
        raise ValueError(rule)  # noqa: TRY004  # each check raises the same error: its rule
    return tuple(matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", rule)(address) for address in value)


def whole(low: int, high: int) -> Check:
    """Returns the check of whole numbers from `low` to `high`."""

    def check(value: object) -> int:
        # JSON numbers may arrive as floats; booleans are ints in Python and never meant here.
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise ValueError(f"a whole number from {low} to {high}")
        if not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return check


def truth(value: object) -> bool:
    """Returns true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004  # each check raises the same error: its rule
    return value


def one_of(*choices: str | int) -> Check:
    """Returns the check of a choice among some."""

    def check(value: object) -> str | int:
        for choice in choices:
            if value == choice and not isinstance(value, bool):
                return choice
        raise ValueError(f"one of {', '.join(map(str, choices))}")

    return check
