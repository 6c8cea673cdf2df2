"""A tenant's register: which keys there are, and what each may be used for (docs/format.md, "Register"). Pure.

It is sealed under the tenant's register key, and its version and digest stand in an insert-only mark. So whoever writes
the keys table can neither take a key away, plant one, put one back nor change what one may be used for. Each change of
a row that the register speaks of is one transaction with the register's own.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from twinvault.envelope.grammars import DIGEST_HEX, TIME, UUID
from twinvault.errors import Conflict, IntegrityError, KeyRefused, Step
from twinvault.keys.document import compact, read_document, text, whole
from twinvault.keys.rows import MAX_NUMBER

MAX_EPOCHS = 32
"""How many epochs may be alive at once: so many rows the load of a tenant reads, however often keys were rotated."""

_KEY_ID = re.compile(r"[0-9a-f]{32}")
# A KMS key id or ARN. https://docs.aws.amazon.com/kms/latest/developerguide/concepts-intro.html#key-id
_ROOT_KEY_ID = re.compile(r"[A-Za-z0-9:/_-]{1,256}")


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
        if self.newest + 1 > MAX_NUMBER:
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
        return compact(document)


def born(*, incarnation: str, first: Epoch, register_root_key_id: str, index: Index, event_id: str) -> Register:
    """A new tenant's register."""
    return Register(incarnation, first.epoch, (first,), register_root_key_id, index, event_id)


def decode(payload: bytes) -> Register:
    """Returns the register that `encode` made these bytes of.

    Raises:
        IntegrityError: no register encodes to these bytes.
    """
    return read_document(payload, _register, step=Step.REGISTER, name="a register")


def _register(document: Any) -> Register:  # noqa: ANN401  # whatever JSON there is
    epochs, index = document["epochs"], document["index"]
    if not isinstance(epochs, list):
        raise TypeError("epochs")
    register = Register(
        incarnation=text(document["incarnation"], _KEY_ID),
        lowest_epoch=_number(document["lowest_epoch"]),
        epochs=tuple(_epoch(one) for one in epochs),
        register_root_key_id=text(document["register_root_key_id"], _ROOT_KEY_ID),
        index=Index(bytes.fromhex(text(index["fingerprint"], DIGEST_HEX)), _number(index["generation"])),
        last_event=text(document["last_event"], UUID),
    )
    _require_sound(register)
    return register


def _epoch(document: Any) -> Epoch:  # noqa: ANN401  # whatever JSON there is
    return Epoch(
        epoch=_number(document["epoch"]),
        key=text(document["key"], _KEY_ID),
        fingerprint=bytes.fromhex(text(document["fingerprint"], DIGEST_HEX)),
        root_key_id=text(document["root_key_id"], _ROOT_KEY_ID),
        state=State(document["state"]),
        since=text(document["since"], TIME),
    )


def _require_sound(register: Register) -> None:
    """The epochs are those from the lowest on, each once, and no more than may be alive."""
    numbers = [one.epoch for one in register.epochs]
    if not 1 <= len(numbers) <= MAX_EPOCHS:
        raise _refused("so many epochs cannot be alive")
    if numbers != list(range(register.lowest_epoch, register.lowest_epoch + len(numbers))):
        raise _refused("its epochs are not those from the lowest on")


def _number(value: object) -> int:
    return whole(value, least=1, most=MAX_NUMBER)


def _refused(detail: str) -> IntegrityError:
    return IntegrityError(Step.REGISTER, detail=detail)
