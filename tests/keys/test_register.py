"""The register: one text for one register, refused in any other; what a rotation makes of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinvault.errors import Conflict, IntegrityError, KeyRefused, Step
from twinvault.keys.register import MAX_EPOCHS, Epoch, Index, Register, State, born, decode

WHEN, LATER = "2026-11-23T09:00:00Z", "2026-11-24T09:00:00.000001Z"
EVENT, NEXT_EVENT = "0193587d-2a00-7000-8000-000000000001", "0193587d-2a00-7000-8000-000000000002"


def epoch(number: int, state: State = State.ACTIVE) -> Epoch:
    return Epoch(number, f"{number:032x}", bytes([number % 256]) * 32, "root-1", state, WHEN)


REGISTER = born(
    incarnation="ab" * 16, first=epoch(1), register_root_key_id="root-1", index=Index(bytes(32), 1), event_id=EVENT
)


def with_epochs(*epochs: Epoch) -> Register:
    return replace(REGISTER, lowest_epoch=epochs[0].epoch, epochs=epochs)


def document() -> Any:
    return json.loads(with_epochs(epoch(3, State.RETIRED), epoch(4)).encode())


def compact(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def test_the_text_of_a_new_register() -> None:
    assert REGISTER.encode() == (
        b'{"incarnation":"abababababababababababababababab","lowest_epoch":1,"epochs":[{"epoch":1,'
        b'"key":"00000000000000000000000000000001",'
        b'"fingerprint":"0101010101010101010101010101010101010101010101010101010101010101",'
        b'"root_key_id":"root-1","state":"active","since":"2026-11-23T09:00:00Z"}],"register_root_key_id":"root-1",'
        b'"index":{"fingerprint":"0000000000000000000000000000000000000000000000000000000000000000","generation":1},'
        b'"last_event":"0193587d-2a00-7000-8000-000000000001"}'
    )


@settings(deadline=None)
@given(
    first=st.integers(1, 999_000),
    states=st.lists(st.sampled_from(list(State)), min_size=1, max_size=MAX_EPOCHS),
    fingerprint=st.binary(min_size=32, max_size=32),
    generation=st.integers(1, 999_999),
)
def test_a_register_survives_its_text(first: int, states: list[State], fingerprint: bytes, generation: int) -> None:
    epochs = (epoch(number, state) for number, state in enumerate(states, first))
    register = replace(with_epochs(*epochs), index=Index(fingerprint, generation))
    assert decode(register.encode()) == register


def changed(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


MALFORMED = [
    pytest.param(changed("incarnation", value="AB" * 16), id="an incarnation in upper case"),
    pytest.param(changed("incarnation", value="ab" * 15), id="an incarnation that is short"),
    pytest.param(changed("incarnation", value="ab" * 16 + "\n"), id="an incarnation with a line break"),
    pytest.param(changed("incarnation", value=None), id="an incarnation that is null"),
    pytest.param(changed("lowest_epoch", value=2), id="a lowest epoch that is not listed"),
    pytest.param(changed("lowest_epoch", value=4), id="an epoch below the lowest"),
    pytest.param(changed("lowest_epoch", value=True), id="a truth value for a number"),
    pytest.param(changed("lowest_epoch", value=3.0), id="a number with a point"),
    pytest.param(changed("lowest_epoch", value="3"), id="a number as text"),
    pytest.param(changed("epochs", value=[]), id="no epochs"),
    pytest.param(changed("epochs", value={}), id="epochs that are no list"),
    pytest.param(changed("epochs", value=[None]), id="an epoch that is null"),
    pytest.param(changed("epochs", 1, "epoch", value=3), id="an epoch twice"),
    pytest.param(changed("epochs", 1, "epoch", value=5), id="an epoch left out"),
    pytest.param(changed("epochs", 0, "epoch", value=5), id="epochs out of order"),
    pytest.param(changed("epochs", 0, "state", value="destroyed"), id="a state that a listed epoch has not"),
    pytest.param(changed("epochs", 0, "state", value="ACTIVE"), id="a state in upper case"),
    pytest.param(changed("epochs", 0, "state", value=["active"]), id="a state that is no text"),
    pytest.param(changed("epochs", 0, "key", value="0" * 31), id="a key id that is short"),
    pytest.param(changed("epochs", 0, "fingerprint", value="00" * 31), id="a fingerprint that is short"),
    pytest.param(changed("epochs", 0, "fingerprint", value="zz" * 32), id="a fingerprint that is no hex"),
    pytest.param(changed("epochs", 0, "root_key_id", value=""), id="an empty root key id"),
    pytest.param(changed("epochs", 0, "root_key_id", value="root key"), id="a root key id with a space"),
    pytest.param(changed("epochs", 0, "root_key_id", value="r" * 257), id="a root key id that is too long"),
    pytest.param(changed("epochs", 0, "since", value="2026-11-23"), id="a day for a time"),
    pytest.param(changed("epochs", 0, "since", value="2026-11-23T09:00:00+01:00"), id="a time of elsewhere"),
    pytest.param(changed("epochs", 0, "more", value=1), id="one member more in an epoch"),
    pytest.param(changed("register_root_key_id", value="\u0663"), id="a root key id that is not ASCII"),
    pytest.param(changed("index", value=None), id="no index key"),
    pytest.param(changed("index", "generation", value=0), id="a generation of none"),
    pytest.param(changed("index", "generation", value=10**6), id="a generation of seven digits"),
    pytest.param(changed("last_event", value="0193587D-2A00-7000-8000-000000000001"), id="an event in upper case"),
    pytest.param(changed("last_event", value=""), id="no event"),
    pytest.param(changed("more", value=1), id="one member more"),
]


@pytest.mark.parametrize("change", MALFORMED)
def test_what_no_register_encodes_to_is_refused(change: Callable[[Any], None]) -> None:
    broken = document()
    change(broken)
    with pytest.raises(IntegrityError) as refused:
        decode(compact(broken))
    assert refused.value.step is Step.REGISTER


@pytest.mark.parametrize("name", list(document()))
def test_a_register_without_one_of_its_members_is_refused(name: str) -> None:
    broken = document()
    del broken[name]
    with pytest.raises(IntegrityError):
        decode(compact(broken))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(b"9" * 5000, id="a number of 5,000 digits"),
        pytest.param(REGISTER.encode() + b" ", id="a space after it"),
        pytest.param(b"\xef\xbb\xbf" + REGISTER.encode(), id="a byte order mark"),
        pytest.param(json.dumps(document()).encode(), id="white space within"),
        pytest.param(compact(dict(reversed(document().items()))), id="members in another order"),
        pytest.param(REGISTER.encode().replace(b'"index"', b'"index":{},"index"'), id="a member twice"),
        pytest.param(REGISTER.encode().replace(b'"active"', b'"\\u0061ctive"'), id="an escape that need not be"),
    ],
)
def test_another_text_of_a_register_is_refused(text: bytes) -> None:
    with pytest.raises(IntegrityError) as refused:
        decode(text)
    assert refused.value.step is Step.REGISTER


def test_more_epochs_than_may_be_alive_are_refused() -> None:
    most = with_epochs(*map(epoch, range(1, MAX_EPOCHS + 1)))
    assert decode(most.encode()) == most
    with pytest.raises(IntegrityError):
        decode(with_epochs(*map(epoch, range(1, MAX_EPOCHS + 2))).encode())


def test_a_rotation_adds_an_active_epoch_and_leaves_the_others_as_they_are() -> None:
    made = replace(epoch(2), since=LATER)
    after = REGISTER.with_epoch(made, event_id=NEXT_EVENT)
    assert after == replace(REGISTER, epochs=(epoch(1), made), last_event=NEXT_EVENT)
    assert decode(after.encode()) == after
    assert (after.newest, after.epoch(1), after.epoch(2), after.epoch(3), after.epoch(0)) == (
        2,
        epoch(1),
        made,
        None,
        None,
    )


@pytest.mark.parametrize(
    "full",
    [
        pytest.param(with_epochs(*map(epoch, range(5, 5 + MAX_EPOCHS))), id="as many as may be alive"),
        pytest.param(with_epochs(epoch(999_999)), id="the last number"),
    ],
)
def test_a_rotation_beyond_is_the_callers_conflict(full: Register) -> None:
    with pytest.raises(Conflict):
        full.with_epoch(epoch(full.newest + 1), event_id=NEXT_EVENT)


def test_the_refusal_of_a_rotation_says_to_rewrap_first() -> None:
    with pytest.raises(Conflict, match=r"32 live key epochs: rewrap"):
        with_epochs(*map(epoch, range(1, MAX_EPOCHS + 1))).require_room()


def test_new_keys_are_wrapped_under_the_newest_active_epoch() -> None:
    assert with_epochs(epoch(1), epoch(2), epoch(3, State.RETIRED)).sealing_epoch().epoch == 2
    with pytest.raises(KeyRefused):
        with_epochs(epoch(1, State.REVOKED), epoch(2, State.RETIRED)).sealing_epoch()


def test_no_key_is_in_a_register_and_its_fingerprints_show_in_no_message() -> None:
    with pytest.raises(IntegrityError) as refused:
        decode(compact(document() | {"more": 1}))
    assert "ab" * 16 not in str(refused.value) + refused.value.check
