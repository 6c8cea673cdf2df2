"""The form of an entry: which members it has, and what may stand in each (docs/audit.md, "Entry"). Pure."""

import json
import re
from typing import Any

from twinvault.audit.checks import list_of, object_of, one_of, or_just, text, text_up_to, whole
from twinvault.audit.elements import canonical_json
from twinvault.audit.entry import ENTRY_VERSION, MAX_CLOSED, MAX_DELETED, MAX_TEXT
from twinvault.envelope.grammars import DIGEST_HEX, EXACT_TIME
from twinvault.envelope.names import ID

CHAIN = re.compile(r"[0-9a-f]{32}")
_EVENT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_WORD = re.compile(r"[a-z][a-z_]{0,31}")
_PROBLEM = re.compile(r"[a-z][a-z-]{0,63}")


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


_is_text = text_up_to(MAX_TEXT)
_digest = text(DIGEST_HEX)
_outcome = one_of("success", "failure")
_head = object_of({"version": whole(1), "digest": _digest})
_wrote = object_of(
    {"version": whole(1), "digest": _digest, "replaced": or_just(_head, None)},
    {"deleted": list_of(_digest, least=1, most=MAX_DELETED)},
)
_closed = object_of({"chain": text(CHAIN), "seq": whole(1), "candidate": _digest})
_MEMBERS = object_of(
    {
        "v": whole(ENTRY_VERSION, ENTRY_VERSION),
        "store": or_just(text(ID), ""),
        "chain": text(CHAIN),
        "seq": whole(1),
        "prev": _digest,
        "event": text(_EVENT),
        "attempt": whole(1),
        "began": text(EXACT_TIME),
        "time": text(EXACT_TIME),
        "function": _is_text,
        "artifact": or_just(_digest, ""),
        "request": _is_text,
        "trace": _is_text,
        "span": _is_text,
        "principal": _is_text,
        "tenant": _is_text,
        "action": _is_text,
        "outcome": one_of("success", "failure", "denied"),
        "crypto": list_of(object_of({"op": text(_WORD), "key": _is_text, "outcome": _outcome, "n": whole(1)})),
        "keys": list_of(object_of({"op": text(_WORD), "key": _is_text})),
        "kms": list_of(_is_text),
        "partitions": list_of(object_of({"mark": _digest}, {"saw": or_just(_head, None), "wrote": _wrote})),
    },
    {
        "problem": text(_PROBLEM),
        "step": lambda value: _is_text(value) and value != "",
        "row": _digest,
        "part": whole(1),
        "of": whole(2),
        "public_key": _digest,
        "continues": list_of(_closed, least=1, most=MAX_CLOSED),
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
