"""The one canonical form of a DynamoDB number."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.envelope import canonical_number, number_text, number_value
from twinvault.errors import InvalidInput

RANGE = "must lie between 1E-130 and 9.9E\\+125 in magnitude"
DIGITS = "must have at most 38 significant digits"
FORM = "must be a decimal number"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("0e99", "0"),
        ("1", "1e0"),
        ("1.0", "1e0"),
        ("1e0", "1e0"),
        ("1E+0", "1e0"),
        ("001", "1e0"),
        ("100", "1e2"),
        ("1E+2", "1e2"),
        ("-12.50", "-125e-1"),
        ("0.05", "5e-2"),
        ("120.0340", "120034e-3"),
        ("1" * 38, "1" * 38 + "e0"),
        ("1" + "0" * 125, "1e125"),
        ("9" * 38 + "e88", "9" * 38 + "e88"),
        ("0." + "0" * 129 + "1", "1e-130"),
        ("1E-130", "1e-130"),
        ("0." + "0" * 129 + "1" * 38, "1" * 38 + "e-167"),
        ("-" + "9" * 38 + "0" * 88, "-" + "9" * 38 + "e88"),
        ("0" * 200, "0"),
    ],
)
def test_every_way_to_write_a_number_has_one_form(text, canonical):
    assert canonical_number(text) == canonical


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param("", FORM, id="empty"),
        pytest.param(" 1", FORM, id="leading space"),
        pytest.param("1\n", FORM, id="line end"),
        pytest.param("+1", FORM, id="plus"),
        pytest.param("--1", FORM, id="two signs"),
        pytest.param(".5", FORM, id="no digit before the point"),
        pytest.param("5.", FORM, id="no digit after the point"),
        pytest.param("1_000", FORM, id="underscore"),
        pytest.param("1,5", FORM, id="comma"),
        pytest.param("0x1", FORM, id="hexadecimal"),
        pytest.param("NaN", FORM, id="not a number"),
        pytest.param("Infinity", FORM, id="infinity"),
        pytest.param("1e", FORM, id="no exponent"),
        pytest.param("1e00000", FORM, id="exponent of five digits"),
        pytest.param("\u0663", FORM, id="a digit that is not ASCII"),
        pytest.param("1\0", FORM, id="zero byte"),
        pytest.param("0" * 201, FORM, id="over 200 characters"),
        pytest.param("1" * 39, DIGITS, id="39 digits"),
        pytest.param("1." + "0" * 37 + "1", DIGITS, id="39 digits around a point"),
        pytest.param("1e126", RANGE, id="too large"),
        pytest.param("10e125", RANGE, id="too large, written otherwise"),
        pytest.param("-1e126", RANGE, id="too small"),
        pytest.param("1e-131", RANGE, id="too near zero"),
        pytest.param("1e9999", RANGE, id="far too large"),
    ],
)
def test_what_is_not_a_dynamodb_number_is_refused(text, rule):
    with pytest.raises(InvalidInput, match=f"^score: {rule}$") as caught:
        canonical_number(text, field="score")
    assert caught.value.field == "score"


def test_a_field_that_is_not_named_is_a_number():
    with pytest.raises(InvalidInput, match=r"^number: must be"):
        canonical_number("x")


DECIMALS = st.decimals(min_value=-(10**20), max_value=10**20, allow_nan=False, places=8)


@given(DECIMALS, st.integers(0, 5))
def test_the_form_is_the_value_and_nothing_but_the_value(value, zeros):
    canonical = canonical_number(f"{value:f}")
    assert Decimal(canonical) == value
    assert canonical == canonical_number(f"{value:E}")
    assert canonical == canonical_number(canonical)
    assert canonical == canonical_number(f"{value:f}{'0' * zeros}")


@given(DECIMALS, DECIMALS)
def test_two_numbers_have_one_form_only_if_they_are_equal(left, right):
    assert (canonical_number(f"{left:f}") == canonical_number(f"{right:f}")) == (left == right)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (7, "7e0"),
        (-120, "-12e1"),
        (0.1, "1e-1"),
        (1e22, "1e22"),
        (1e-7, "1e-7"),
        (Decimal("1.50"), "15e-1"),
        (10**125, "1e125"),
    ],
)
def test_a_python_number_as_dynamodb_text(value, text):
    assert number_text(value, field="score") == text


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        10**126,
        -(10**126),
        1e300,
        10**5000,
        2**127,
        True,
    ],
    ids=lambda value: str(type(value)) if isinstance(value, int) else str(value),
)
def test_a_python_number_that_dynamodb_cannot_hold_is_refused(value):
    with pytest.raises(InvalidInput, match=r"^score: must ") as caught:
        number_text(value, field="score")
    assert caught.value.field == "score"


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-0.0", 0), ("1.0", 1), ("1e2", 100), ("-12.50", Decimal("-12.5")), ("0.1", Decimal("0.1"))],
)
def test_a_whole_number_comes_back_as_int_and_any_other_as_decimal(text, value):
    assert number_value(text) == value
    assert type(number_value(text)) is type(value)


@given(st.one_of(st.integers(-(10**38) + 1, 10**38 - 1), DECIMALS))
def test_a_number_comes_back_as_it_went(value):
    assert number_value(number_text(value, field="score")) == value


def test_the_callers_decimal_context_rounds_nothing():
    with localcontext(prec=3):
        assert number_value("1." + "1" * 37) == Decimal("1." + "1" * 37)
