"""The form of a receipt: which members it has, and what may stand in each (docs/receipt.md, "Receipt"). Pure."""

import re
from typing import Any

from twinvault.audit.checks import list_of, map_of, object_of, one_of, or_just, text, text_up_to, whole
from twinvault.envelope.grammars import DIGEST_HEX, EXACT_TIME, TIME, UUID
from twinvault.envelope.names import ID

RECEIPT_VERSION = 1
MAX_TEXT = 256
"""Characters of any text in a receipt, as in an audit entry."""
_MAX_ELEMENTS = 10_000

_SIGNATURE = re.compile(r"[0-9a-f]{128}")

_text = text_up_to(MAX_TEXT)
_time, _exact, _id = text(TIME), text(EXACT_TIME), text(ID)
_CONTENT = object_of(
    {
        "v": whole(RECEIPT_VERSION, RECEIPT_VERSION),
        "store": _id,
        "tenant": _id,
        "kind": or_just(_id, None),
        "mark": text(DIGEST_HEX),
        "erasure": _id,
        "requested": object_of({"by": _text, "at": _time}),
        "erased": object_of(
            {
                "by": _text,
                "at": _time,
                "event": text(UUID),
                "head_version": or_just(whole(0), None),
                "newest_epoch": whole(0),
                "tombstone": text(DIGEST_HEX),
            }
        ),
        "keys": list_of(object_of({"name": _text, "version": whole(0), "epoch": whole(0)}), most=_MAX_ELEMENTS),
        "records": or_just(map_of(_text, whole(0)), None),
        "requests": object_of({name: list_of(_text, most=_MAX_ELEMENTS) for name in ("dynamodb", "kms")}),
        "negative_test": _text,
        "status": one_of("refused by this store", "erased"),
        "finalized_at": or_just(_exact, None),
        "bounds": list_of(object_of({"what": _text, "until": _exact}), most=_MAX_ELEMENTS),
        "irrecoverable_after": or_just(_exact, None),
        "not_covered": list_of(_text, most=_MAX_ELEMENTS),
        "issued_at": _exact,
        "audit_key": _text,
    }
)

is_file = object_of({"receipt": lambda value: isinstance(value, dict), "signature": text(_SIGNATURE)})
"""Whether a JSON value is a receipt's file, whatever the receipt says."""


def is_content(value: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Whether this is a receipt's content, and does not contradict itself about from when on it is irrecoverable."""
    if not _CONTENT(value):
        return False
    after = max((bound["until"] for bound in value["bounds"]), default=None)
    lives = value["finalized_at"] is None
    agrees: bool = value["irrecoverable_after"] == after and lives == (after is None) == (value["status"] != "erased")
    return agrees
