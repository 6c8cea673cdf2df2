"""The form of an entry: which members it has, and what may stand in each (docs/audit.md, "Entry"). Pure."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from twinvault.audit.elements import canonical_json
from twinvault.audit.entry import ENTRY_VERSION, MAX_CLOSED, MAX_DELETED, MAX_TEXT
from twinvault.envelope.names import ID

type Check = Callable[[Any], bool]

CHAIN = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EVENT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_WORD = re.compile(r"[a-z][a-z_]{0,31}")
_PROBLEM = re.compile(r"[a-z][a-z-]{0,63}")
_MOST = (1 << 53) - 1
"""The largest whole number that every reader of JSON gives back."""


def parse_entry(encoded: bytes) -> dict[str, Any]:
    """Returns the content of an entry's bytes.

    Raises:
        ValueError: they are not the canonical bytes of an entry.
    """
    try:
        content = json.loads(encoded.decode("ascii"))
        is_canonical = canonical_json(content) == encoded
    except RecursionError:
        raise ValueError("nested without end") from None
    if not is_canonical or not _is_entry(content):
        raise ValueError("not an entry")
    return content  # type: ignore[no-any-return]  # json's; `_is_entry` has seen that it is an object


def _text(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def _whole(lowest: int, most: int = _MOST) -> Check:
    # A truth value is an int to Python and none to JSON.
    return lambda value: type(value) is int and lowest <= value <= most


def _list(check: Check, *, least: int = 0, most: int | None = None) -> Check:
    def is_list(value: Any) -> bool:  # noqa: ANN401  # any JSON value
        if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
            return False
        return all(map(check, value))

    return is_list


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    every = {**required, **(optional or {})}

    def is_object(value: Any) -> bool:  # noqa: ANN401  # any JSON value
        if not isinstance(value, dict) or not required.keys() <= value.keys() <= every.keys():
            return False
        return all(every[name](content) for name, content in value.items())

    return is_object


def _or(check: Check, nothing: object) -> Check:
    return lambda value: value == nothing or check(value)


def _is_text(value: Any) -> bool:  # noqa: ANN401  # any JSON value
    return isinstance(value, str) and len(value) <= MAX_TEXT


_digest = _text(_DIGEST)
_outcome = _one_of("success", "failure")
_head = _object({"version": _whole(1), "digest": _digest})
_wrote = _object(
    {"version": _whole(1), "digest": _digest, "replaced": _or(_head, None)},
    {"deleted": _list(_digest, least=1, most=MAX_DELETED)},
)
_closed = _object({"chain": _text(CHAIN), "seq": _whole(1), "candidate": _digest})
_MEMBERS = _object(
    {
        "v": _whole(ENTRY_VERSION, ENTRY_VERSION),
        "store": _or(_text(ID), ""),
        "chain": _text(CHAIN),
        "seq": _whole(1),
        "prev": _digest,
        "event": _text(_EVENT),
        "attempt": _whole(1),
        "began": _text(_TIME),
        "time": _text(_TIME),
        "function": _is_text,
        "artifact": _or(_digest, ""),
        "request": _is_text,
        "trace": _is_text,
        "span": _is_text,
        "principal": _is_text,
        "tenant": _is_text,
        "action": _is_text,
        "outcome": _one_of("success", "failure", "denied"),
        "crypto": _list(_object({"op": _text(_WORD), "key": _is_text, "outcome": _outcome, "n": _whole(1)})),
        "keys": _list(_object({"op": _text(_WORD), "key": _is_text})),
        "kms": _list(_is_text),
        "partitions": _list(_object({"mark": _digest}, {"saw": _or(_head, None), "wrote": _wrote})),
    },
    {
        "problem": _text(_PROBLEM),
        "step": lambda value: _is_text(value) and value != "",
        "row": _digest,
        "part": _whole(1),
        "of": _whole(2),
        "public_key": _digest,
        "continues": _list(_closed, least=1, most=MAX_CLOSED),
    },
)


def _is_entry(content: Any) -> bool:  # noqa: ANN401  # any JSON value
    if not _MEMBERS(content):
        return False
    has = content.keys()
    return (
        ("problem" in has) == (content["outcome"] != "success")
        and ("row" in has) <= ("step" in has) <= ("problem" in has)
        and ("part" in has) == ("of" in has)
        and content.get("part", 1) <= content.get("of", 1)
    )
