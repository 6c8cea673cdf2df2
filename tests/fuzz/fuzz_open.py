"""A coverage-guided fuzzer: whatever a table answers opens as what was sealed, or is refused by one of our errors.

    python -m tests.fuzz.fuzz_open -max_total_time=60 -len_control=0 -max_len=600        (options are libFuzzer's)

`tests/fuzz/test_fuzz.py` runs it for a bounded number of items. What ends the process is a finding: the input is
written to a file `crash-*`, and running the module with that file repeats it.
"""

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import atheris

if TYPE_CHECKING:
    from collections.abc import Callable

with atheris.instrument_imports(include=["twinvault"]):
    from tests.envelope.samples import KEYS, PLAINTEXT, SK, item, open_item
    from twinvault.envelope import canonical_number, number_value, pad, unpad
    from twinvault.envelope.item import from_item
    from twinvault.errors import IntegrityError, InvalidInput
    from twinvault.keys.register import decode
    from twinvault.keys.sealed import parse_sealed
    from twinvault.keys.wrapped import WrappedRow, parse_wrapped

RECORD = item()
KEK = WrappedRow("acme", "kek#000001", "0" * 32, "key", b"wrapped", "2026-11-23T09:00:00Z").to_item()
REGISTER = (
    b'{"incarnation":"abababababababababababababababab","lowest_epoch":1,"epochs":[{"epoch":1,'
    b'"key":"00000000000000000000000000000001","fingerprint":"' + b"01" * 32 + b'","root_key_id":"root-1",'
    b'"state":"active","since":"2026-11-23T09:00:00Z"}],"register_root_key_id":"root-1",'
    b'"index":{"fingerprint":"' + b"00" * 32 + b'","generation":1},'
    b'"last_event":"0193587d-2a00-7000-8000-000000000001"}'
)
NAMES = [*RECORD, *KEK, "priority", "bi_status", ""]
KINDS = ["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", ""]


def any_value(data: Any) -> object:
    """Something that might stand where an attribute's content should."""
    makers: list[Callable[[], object]] = [
        lambda: data.ConsumeUnicode(40),
        lambda: data.ConsumeUnicodeNoSurrogates(40),
        lambda: data.ConsumeBytes(300),
        data.ConsumeBool,
        lambda: data.ConsumeInt(9),
        lambda: None,
        lambda: [data.ConsumeUnicode(4)],
        lambda: {data.PickValueInList(KINDS): data.ConsumeUnicode(4)},
        dict,
    ]
    return makers[data.ConsumeIntInRange(0, len(makers) - 1)]()


def hostile_item(data: Any, original: dict[str, Any]) -> dict[str, Any]:
    """An item with a few attributes changed, dropped or added."""
    hostile = dict(original)
    for _ in range(data.ConsumeIntInRange(0, 4)):
        name = data.PickValueInList(NAMES) or data.ConsumeUnicode(10)
        match data.ConsumeIntInRange(0, 3):
            case 0:
                hostile.pop(name, None)
            case 1:
                hostile[name] = {data.PickValueInList(KINDS): any_value(data)}
            case 2:
                hostile[name] = any_value(data)
            case _:
                content = hostile.get(name, {})
                if isinstance(content, dict) and isinstance(content.get("B"), bytes):
                    hostile[name] = {"B": flipped(content["B"], data)}
    return hostile


def flipped(content: bytes, data: Any) -> bytes:
    """The bytes with one of them changed, or cut there."""
    if not content:
        return content
    at = data.ConsumeIntInRange(0, len(content) - 1)
    return content[:at] + data.ConsumeBytes(1) + content[at + 1 :]


def test_one_input(raw: bytes) -> None:
    """One run of the fuzzer: raises on whatever is neither a record nor one of our errors."""
    data = atheris.FuzzedDataProvider(raw)
    _record(hostile_item(data, RECORD))
    _kek(hostile_item(data, KEK))
    _register(data.ConsumeBytes(data.ConsumeIntInRange(0, 40)))
    _register(flipped(REGISTER, data))
    _numbers(data.ConsumeUnicode(60))
    _padding(data.ConsumeBytes(data.ConsumeIntInRange(0, 600)))


def _record(hostile: dict[str, Any]) -> None:
    with contextlib.suppress(IntegrityError):
        from_item(hostile, table="records", tenant="acme", pk=SK)
    with contextlib.suppress(IntegrityError):
        parse_sealed(hostile, tenant="acme", name=SK)
    try:
        opened = open_item(hostile)
    except IntegrityError:
        return
    _expect(opened == PLAINTEXT, "an item opened as something that was never sealed")


def _kek(hostile: dict[str, Any]) -> None:
    with contextlib.suppress(IntegrityError):
        row = parse_wrapped(hostile, tenant="acme", name="kek#000001")
        _expect((row.tenant, row.name) == ("acme", "kek#000001"), "a row speaks for another tenant or epoch")


def _register(text: bytes) -> None:
    try:
        register = decode(text)
    except IntegrityError:
        return
    _expect(register.encode() == text, "a register has two texts")


def _numbers(text: str) -> None:
    try:
        canonical = canonical_number(text)
    except InvalidInput:
        return
    _expect(canonical_number(canonical) == canonical, "a canonical form is not its own")
    _expect(number_value(canonical) == number_value(text), "a canonical form is another number")


def _padding(frame: bytes) -> None:
    try:
        plaintext = unpad(frame)
    except IntegrityError:
        return
    _expect(pad(plaintext) == frame, "a frame opens that padding does not make")


def _expect(holds: bool, finding: str) -> None:  # noqa: FBT001  # the one thing that it is about
    if not holds:
        raise AssertionError(finding)


if __name__ == "__main__":
    _expect(len(KEYS) > 1, "the sample has keys to choose from")
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
