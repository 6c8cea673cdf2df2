"""The form of a sort key: what may be declared, what it makes of fields, and that it reads back to them."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.errors import InvalidInput
from twinvault.records.typed.sortkey import parse

TYPES = {"n": "number", "m": "number", "t": "text", "u": "text"}
GOOD = {
    "visit#{n:04d}": ["n"],
    "a#{n}#{t}": ["n", "t"],
    "a#{t}#{u}#b": ["t", "u"],
    "p#{n:02d}{m:02d}": ["n", "m"],
    "p#{n:02d}{t}": ["n", "t"],
    "p#{n}-{m}": ["n", "m"],
    "{t}#{n:d}x": ["t", "n"],
}


@pytest.mark.parametrize(
    ("form", "values", "sk"),
    [
        ("visit#{n:04d}", {"n": 7}, "visit#0007"),
        ("visit#{n:04}", {"n": 9999}, "visit#9999"),
        ("a#{n}#{t}", {"n": -3, "t": "x y\n"}, "a#-3#x y\n"),
        ("terms", {}, "terms"),
    ],
)
def test_a_sort_key_is_made_of_the_fields(form: str, values: dict[str, Any], sk: str) -> None:
    key = parse(form, TYPES)
    assert key.make(values, entity="x") == sk
    assert key.pattern.fullmatch(sk)
    assert key.fields == tuple(values)


@given(st.data(), st.sampled_from(sorted(GOOD)))
def test_a_sort_key_that_is_made_reads_back_to_the_same_fields(data: st.DataObject, form: str) -> None:
    """Whatever the values are: the key is refused, or says them again, each in its own place."""
    values = {
        name: data.draw(st.integers(-20_000, 20_000) if TYPES[name] == "number" else st.text(max_size=4))
        for name in GOOD[form]
    }
    key = parse(form, TYPES)
    try:
        sk = key.make(values, entity="x")
    except InvalidInput:
        return
    found = key.pattern.fullmatch(sk)
    assert found
    assert {name: int(text) if TYPES[name] == "number" else text for name, text in found.groupdict().items()} == values


@pytest.mark.parametrize(
    ("form", "values", "field"),
    [
        pytest.param("v#{n:04d}", {"n": 10_000}, "n", id="more digits than the form has"),
        pytest.param("v#{n:04d}", {"n": -1}, "n", id="a sign within a fixed width"),
        pytest.param("v#{n}", {"n": 10**5000}, "n", id="more digits than Python writes"),
        pytest.param("v#{t}", {"t": "a#b"}, "t", id="the end within the text"),
        pytest.param("v#{t}", {"t": ""}, "t", id="no text"),
        pytest.param("v#{t}#{u}", {"t": "a", "u": ""}, "u", id="the second of two"),
    ],
)
def test_a_value_that_would_not_read_back_is_refused_by_name(form: str, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(f"visit.{field}: ")) as refused:
        parse(form, TYPES).make(values, entity="visit")
    assert refused.value.field == field


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("", id="empty"),
        pytest.param("v#{", id="no format string"),
        pytest.param("v#{}", id="a field without a name"),
        pytest.param("v#{0}", id="a field by position"),
        pytest.param("v#{other}", id="no clear field"),
        pytest.param("v#{n.real}", id="an attribute"),
        pytest.param("v#{t[0]}", id="an element"),
        pytest.param("v#{n!r}", id="a conversion"),
        pytest.param("v#{n:x}", id="hexadecimal"),
        pytest.param("v#{n:>4}", id="filled with spaces"),
        pytest.param("v#{n:4}", id="spaces for zeros"),
        pytest.param("v#{n:+d}", id="a sign"),
        pytest.param("v#{n:,}", id="thousands apart"),
        pytest.param("v#{n:0{m}d}", id="a width that varies"),
        pytest.param("v#{t:10}", id="padded text"),
        pytest.param("v#{n}#{n}", id="a field twice"),
        pytest.param("v#{{n}}", id="braces"),
        pytest.param("v#{t}{u}", id="two texts side by side"),
        pytest.param("v#{t}-{u}", id="a text that ends where it may go on"),
        pytest.param("v#{n}{m}", id="two numbers of any width side by side"),
        pytest.param("v#{n}{t}", id="a text beside a number"),
        pytest.param("v#{n}0", id="a digit after a number"),
    ],
)
def test_a_form_that_could_not_be_read_back_is_refused_when_it_is_declared(form: str) -> None:
    with pytest.raises(InvalidInput, match=r"^sk: "):
        parse(form, TYPES)
