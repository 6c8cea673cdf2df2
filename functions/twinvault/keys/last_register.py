"""The last register of a tenant: it was erased, and has no keys any more (docs/format.md, "Last register"). Pure.

It stands where registers stand, under the same register key and with a mark like theirs: what comes after it would need
the place of the next mark, and nobody writes one.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from twinvault.envelope.grammars import TIME, UUID
from twinvault.errors import Step
from twinvault.keys.document import compact, read_document, text, whole
from twinvault.keys.register import MAX_EPOCHS
from twinvault.keys.rows import IDX, MAX_NUMBER, epoch_of

_INCARNATION = re.compile(r"[0-9a-f]{32}")
_ROOT_KEY_ID = re.compile(r"[A-Za-z0-9:/_-]{1,256}")


@dataclass(frozen=True, slots=True)
class LastRegister:
    """What is said of a tenant that was erased.

    Attributes:
        incarnation: as the registers before said.
        lowest_epoch: every epoch that there was is below it.
        register_root_key_id: the KMS key that wraps the register key, which alone is left.
        erased_at: RFC 3339 in UTC.
        keys: what was destroyed with it: by sort key, the index key first, each with the epoch that it was of or under.
        last_event: the id of the audit entry of the erasure.
    """

    incarnation: str
    lowest_epoch: int
    register_root_key_id: str
    erased_at: str
    keys: tuple[tuple[str, int], ...]
    last_event: str

    @property
    def newest(self) -> int:
        """The number of the newest epoch that there was."""
        return self.lowest_epoch - 1

    def encode(self) -> bytes:
        """The payload: compact JSON, members in this order."""
        document = {
            "incarnation": self.incarnation,
            "lowest_epoch": self.lowest_epoch,
            "epochs": [],
            "register_root_key_id": self.register_root_key_id,
            "erased_at": self.erased_at,
            "keys": [{"name": name, "epoch": epoch} for name, epoch in self.keys],
            "last_event": self.last_event,
        }
        return compact(document)


def decode(payload: bytes) -> LastRegister | None:
    """Returns the last register that `encode` made these bytes of; None where they are no last one's.

    Raises:
        IntegrityError: they say that the tenant was erased, and no last register encodes to them.
    """
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "erased_at" not in document:
        return None
    return read_document(payload, _last, step=Step.REGISTER, name="a last register")


def _last(document: dict[str, Any]) -> LastRegister:
    keys = tuple((one["name"], one["epoch"]) for one in document["keys"])
    index, *keks = keys
    if index[0] != IDX or not 1 <= len(keks) <= MAX_EPOCHS or not all(_is_kek(*one) for one in keks):
        raise ValueError("keys")
    return LastRegister(
        incarnation=text(document["incarnation"], _INCARNATION),
        lowest_epoch=_number(document["lowest_epoch"]),
        register_root_key_id=text(document["register_root_key_id"], _ROOT_KEY_ID),
        erased_at=text(document["erased_at"], TIME),
        keys=tuple((name, _number(epoch)) for name, epoch in keys),
        last_event=text(document["last_event"], UUID),
    )


def _is_kek(name: object, epoch: object) -> bool:
    return isinstance(name, str) and epoch_of(name) == epoch


def _number(value: object) -> int:
    # The lowest epoch of a tenant that had all of them is one above.
    return whole(value, least=1, most=MAX_NUMBER + 1)
