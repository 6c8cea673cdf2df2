"""A tenant's register: which keys there are, and what each may be used for (docs/format.md, "Register"). Pure.

It is sealed under the tenant's register key, and its version and digest stand in an insert-only mark. So whoever writes
the keys table can neither take a key away, plant one, put one back nor change what one may be used for. Each change of
a row that the register speaks of is one transaction with the register's own.
"""

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from twinvault.errors import Conflict, IntegrityError, KeyRefused, Step
from twinvault.keys.rows import MAX_NUMBER

MAX_EPOCHS = 32
"""How many epochs may be alive at once: so many rows the load of a tenant reads, however often keys were rotated."""

_KEY_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# A KMS key id or ARN. https://docs.aws.amazon.com/kms/latest/developerguide/concepts-intro.html#key-id
_ROOT_KEY_ID = re.compile(r"[A-Za-z0-9:/_-]{1,256}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBERS = range(1, MAX_NUMBER + 1)


class State(StrEnum):
    """What a KEK may be used for."""

    ACTIVE = "active"
    """To seal and to open."""
    RETIRED = "retired"
    """To open alone."""
    REVOKED = "revoked"
    """Neither."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """A live KEK, as the register says of it.

    Attributes:
        epoch: its number, from 1.
        key: the `twinvault:key` of its encryption context, 32 hex digits.
        fingerprint: which key it is: 32 bytes, compared when the row is unwrapped.
        root_key_id: the KMS key that wraps it.
        state: what it may be used for.
        since: when it came into that state, RFC 3339 in UTC.
    """

    epoch: int
    key: str
    fingerprint: bytes
    root_key_id: str
    state: State
    since: str


@dataclass(frozen=True, slots=True)
class Index:
    """The index key, as the register says of it.

    Attributes:
        fingerprint: which key it is: 32 bytes, compared when the row is unwrapped.
        generation: of the blind indexes made under it, from 1.
    """

    fingerprint: bytes
    generation: int


@dataclass(frozen=True, slots=True)
class Register:
    """The register's contents. Its version stands in the clear beside them.

    Attributes:
        incarnation: drawn when the tenant's keys were first made, 32 hex digits.
        lowest_epoch: what is below it was destroyed.
        epochs: the live epochs, every one from `lowest_epoch` to the newest.
        register_root_key_id: the KMS key that wraps the register key.
        index: the index key.
        last_event: the id of the audit entry that tells of the latest change.
    """

    incarnation: str
    lowest_epoch: int
    epochs: tuple[Epoch, ...]
    register_root_key_id: str
    index: Index
    last_event: str

    @property
    def newest(self) -> int:
        """The number of the newest epoch."""
        return self.epochs[-1].epoch

    def epoch(self, number: int) -> Epoch | None:
        """The live epoch of this number."""
        place = number - self.lowest_epoch
        return self.epochs[place] if 0 <= place < len(self.epochs) else None

    def sealing_epoch(self) -> Epoch:
        """The epoch under which new keys are wrapped: the newest active one.

        Raises:
            KeyRefused: there is none.
        """
        for one in reversed(self.epochs):
            if one.state is State.ACTIVE:
                return one
        raise KeyRefused("no key of this tenant may seal", retry_after=60)

    def require_room(self) -> None:
        """Lets a rotation pass that may make one more epoch.

        Raises:
            Conflict: as many epochs are alive as may be.
        """
        if len(self.epochs) >= MAX_EPOCHS:
            raise Conflict(f"this tenant has {MAX_EPOCHS} live key epochs: rewrap its keys before the next rotation")
        if self.newest + 1 not in _NUMBERS:
            raise Conflict("this tenant has had as many key epochs as the format allows")

    def with_epoch(self, made: Epoch, *, event_id: str) -> "Register":
        """The register after a rotation: one more epoch, the next. The older ones stay as they are.

        Environments that do not know of it yet go on wrapping under the one before until their TTL.

        Raises:
            Conflict: as many epochs are alive as may be.
        """
        self.require_room()
        return replace(self, epochs=(*self.epochs, made), last_event=event_id)

    def encode(self) -> bytes:
        """The payload: compact JSON, members in this order."""
        document = {
            "incarnation": self.incarnation,
            "lowest_epoch": self.lowest_epoch,
            "epochs": [
                {
                    "epoch": one.epoch,
                    "key": one.key,
                    "fingerprint": one.fingerprint.hex(),
                    "root_key_id": one.root_key_id,
                    "state": one.state.value,
                    "since": one.since,
                }
                for one in self.epochs
            ],
            "register_root_key_id": self.register_root_key_id,
            "index": {"fingerprint": self.index.fingerprint.hex(), "generation": self.index.generation},
            "last_event": self.last_event,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def born(*, incarnation: str, first: Epoch, register_root_key_id: str, index: Index, event_id: str) -> Register:
    """A new tenant's register."""
    return Register(incarnation, first.epoch, (first,), register_root_key_id, index, event_id)


def decode(payload: bytes) -> Register:
    """Returns the register that `encode` made these bytes of.

    Raises:
        IntegrityError: no register encodes to these bytes.
    """
    try:
        register = _register(json.loads(payload))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _refused("it has not the form of a register") from None
    _require_sound(register)
    # One register has one text: a name that occurs twice, white space, another order, one more member: refused here.
    if register.encode() != payload:
        raise _refused("it is not written as a register is")
    return register


def _register(document: Any) -> Register:  # noqa: ANN401  # whatever JSON there is
    epochs, index = document["epochs"], document["index"]
    if not isinstance(epochs, list):
        raise TypeError("epochs")
    return Register(
        incarnation=_text(document["incarnation"], _KEY_ID),
        lowest_epoch=_number(document["lowest_epoch"]),
        epochs=tuple(_epoch(one) for one in epochs),
        register_root_key_id=_text(document["register_root_key_id"], _ROOT_KEY_ID),
        index=Index(bytes.fromhex(_text(index["fingerprint"], _DIGEST)), _number(index["generation"])),
        last_event=_text(document["last_event"], _UUID),
    )


def _epoch(document: Any) -> Epoch:  # noqa: ANN401  # whatever JSON there is
    return Epoch(
        epoch=_number(document["epoch"]),
        key=_text(document["key"], _KEY_ID),
        fingerprint=bytes.fromhex(_text(document["fingerprint"], _DIGEST)),
        root_key_id=_text(document["root_key_id"], _ROOT_KEY_ID),
        state=State(document["state"]),
        since=_text(document["since"], _TIME),
    )


def _require_sound(register: Register) -> None:
    """The epochs are those from the lowest on, each once, and no more than may be alive."""
    numbers = [one.epoch for one in register.epochs]
    if not 1 <= len(numbers) <= MAX_EPOCHS:
        raise _refused("so many epochs cannot be alive")
    if numbers != list(range(register.lowest_epoch, register.lowest_epoch + len(numbers))):
        raise _refused("its epochs are not those from the lowest on")


def _text(value: object, grammar: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not grammar.fullmatch(value):
        raise ValueError("text")
    return value


def _number(value: object) -> int:
    if type(value) is not int or value not in _NUMBERS:
        raise ValueError("number")
    return value


def _refused(detail: str) -> IntegrityError:
    return IntegrityError(Step.REGISTER, detail=detail)
