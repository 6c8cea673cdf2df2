"""The plaintext of a record: what is sealed comes back as it was, or is refused before it is sealed."""

import enum
from collections import OrderedDict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.errors import InvalidInput
from twinvault.records.payload import MAX_NESTING, decode_payload, encode_payload, write_payload

TEXT = st.text(st.characters(codec="utf-8"))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=30,
)


@given(JSON)
def test_any_json_value_comes_back_as_it_was(value: Any) -> None:
    back = decode_payload(encode_payload({"memo": value}, entity="line"))["memo"]
    assert back == value
    assert repr(back) == repr(value)


@given(st.dictionaries(TEXT | st.integers() | st.booleans() | st.none(), st.integers(), max_size=4))
def test_a_dict_comes_back_as_it_was_or_is_refused(value: dict[Any, int]) -> None:
    try:
        payload = encode_payload({"memo": value}, entity="line")
    except InvalidInput:
        assert not all(isinstance(name, str) for name in value)
    else:
        assert decode_payload(payload) == {"memo": value}


def test_text_that_is_an_enums_or_a_dict_that_keeps_its_order_is_json() -> None:
    class Mood(enum.StrEnum):
        GOOD = "good"

    value = OrderedDict(mood=Mood.GOOD, rank=True)
    assert encode_payload({"memo": value}, entity="line") == b'{"memo":{"mood":"good","rank":true}}'


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param({1: "secret", "1": "b"}, "names that are not text", id="two names that become one"),
        pytest.param({None: "secret"}, "names that are not text", id="null as a name"),
        pytest.param([{"a": {True: "secret"}}], "names that are not text", id="a truth value as a name, further down"),
        pytest.param(("secret",), "the type tuple; JSON gives back text, numbers", id="a tuple"),
        pytest.param(
            [["secret"], ("secret",)], "the type tuple; JSON gives back text, numbers", id="a tuple in a list"
        ),
        pytest.param({"secret"}, "the type set", id="a set"),
        pytest.param(b"secret", "the type bytes", id="bytes"),
        pytest.param(Decimal("1.5"), "the type Decimal", id="a decimal"),
        pytest.param(object(), "the type object", id="an object"),
        pytest.param(float("nan"), "NaN or an infinity", id="NaN"),
        pytest.param([float("-inf")], "NaN or an infinity", id="an infinity"),
        pytest.param("secret\ud800", "lone surrogate", id="a lone surrogate"),
        pytest.param({"secret\udfff": 1}, "lone surrogate", id="a lone surrogate in a name"),
        pytest.param({"a": ["\ud83d"]}, "lone surrogate", id="half a pair, further down"),
    ],
)
def test_what_would_not_come_back_is_refused_by_record_and_field(value: object, problem: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        encode_payload({"payee": "Bo", "memo": value}, entity="line")
    assert refused.value.message.startswith("line.memo: ")
    assert problem in refused.value.message
    assert refused.value.field == "memo"
    assert "secret" not in refused.value.message


def test_endless_nesting_is_refused_not_overflowed() -> None:
    loop: list[Any] = []
    for _ in range(200_000):
        loop = [loop]
    with pytest.raises(InvalidInput, match="nested too deeply"):
        encode_payload({"memo": loop}, entity="line")


def nested(levels: int) -> Any:
    value: Any = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_lists_and_objects_may_stand_within_each_other_so_often_whatever_the_readers_python_bears() -> None:
    assert encode_payload({"memo": nested(MAX_NESTING), "payee": nested(MAX_NESTING)}, entity="line")
    for value in (nested(MAX_NESTING + 1), [1, nested(MAX_NESTING)], {"a": nested(MAX_NESTING)}):
        with pytest.raises(InvalidInput, match=r"^line\.memo: is nested too deeply: over 500") as refused:
            encode_payload({"payee": "Bo", "memo": value}, entity="line")
        assert refused.value.field == "memo"
    assert encode_payload({"memo": [[]] * 1000}, entity="line")


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop += [loop, loop]
    with pytest.raises(InvalidInput, match="nested too deeply"):
        encode_payload({"memo": loop}, entity="line")


def test_what_was_written_is_nobody_elses() -> None:
    value = [{"a": [1]}]
    _, read = write_payload({"memo": value}, entity="line")
    value[0]["a"].append(2)
    assert read == {"memo": [{"a": [1]}]}


def test_an_integer_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(InvalidInput):
        encode_payload({"memo": 10**5000}, entity="line")
