"""A body as a type: what does not fit is the caller's fault, said by field and rule, without the value."""

from datetime import date
from typing import Any, Literal

import msgspec
import pytest

from twinvault import InvalidInput
from twinvault_http.forms import converted


class Line(msgspec.Struct, forbid_unknown_fields=True):
    amount: int


class Order(msgspec.Struct, forbid_unknown_fields=True):
    day: date
    state: Literal["open", "closed"] = "open"
    lines: list[Line] = []


def test_what_fits_is_of_the_type() -> None:
    made = converted({"day": "2026-12-01", "lines": [{"amount": 2}]}, Order)
    assert made == Order(date(2026, 12, 1), lines=[Line(2)])


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        pytest.param({}, "day", "day: is required", id="a field missing"),
        pytest.param({"day": 5}, "day", "day: must be date", id="another type"),
        pytest.param({"day": "secret"}, "day", "day: has no value that it may have", id="no date"),
        pytest.param(
            {"day": "2026-12-01", "state": "secret"}, "state", "state: has no value that it may have", id="enum"
        ),
        pytest.param({"day": "2026-12-01", "more": 1}, "more", "more: is not known here", id="a field more"),
        pytest.param(
            {"day": "2026-12-01", "lines": [{}]}, "lines[0].amount", "lines[0].amount: is required", id="within"
        ),
        pytest.param(
            {"day": "2026-12-01", "lines": [{"amount": "secret"}]},
            "lines[0].amount",
            "lines[0].amount: must be int",
            id="deep",
        ),
    ],
)
def test_what_does_not_fit_is_named(document: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        converted(document, Order)
    assert (refused.value.field, refused.value.message) == (field, message)


def test_a_long_name_of_the_callers_is_cut() -> None:
    with pytest.raises(InvalidInput) as refused:
        converted({"day": "2026-12-01", "x" * 10_000: 1}, Order)
    assert len(refused.value.field) < 100
