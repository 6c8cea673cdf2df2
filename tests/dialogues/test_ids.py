"""Opaque ids, and what a URL's path segment stands for."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogues.ids import id_from_path
from twinvault.envelope import ID
from twinvault.errors import InvalidInput
from twinvault.records.opaque import opaque_id

KEY = bytes(range(32))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def test_an_opaque_id_is_what_the_design_says() -> None:
    """base32(HMAC-SHA-256(index key, id))[:26], lower case; pinned, for partitions are found by it for ever."""
    assert opaque_id("tea or coffee? / 2026", KEY) == "nww44iu7bzvb6egbpo5yx4algd"


@given(TEXT, TEXT)
def test_opaque_ids_differ_where_ids_differ_and_can_stand_in_a_key(one: str, other: str) -> None:
    assert ID.fullmatch(opaque_id(one, KEY))
    assert (opaque_id(one, KEY) == opaque_id(other, KEY)) == (one == other)


def test_two_tenants_hide_one_id_differently() -> None:
    assert opaque_id("same", KEY) != opaque_id("same", bytes(32))


@pytest.mark.parametrize("text", ["", "x" * 257, "\ud800"], ids=["empty", "too long", "a lone surrogate"])
def test_an_id_that_nobody_can_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        opaque_id(text, KEY)
    assert refused.value.field == "id"


@given(TEXT)
def test_any_id_travels_in_the_tilde_form(text: str) -> None:
    encoded = base64.urlsafe_b64encode(text.encode()).decode()
    assert id_from_path(f"~{encoded}") == text
    assert id_from_path(f"~{encoded.rstrip('=')}") == text


@given(TEXT.filter(lambda text: not text.startswith("~")))
def test_any_id_but_one_with_a_tilde_before_stands_for_itself(text: str) -> None:
    assert id_from_path(text) == text


@pytest.mark.parametrize("segment", ["~%", "~a", "~_w", "~\u00e9", "~ab cd"])
def test_a_tilde_without_base64url_of_utf8_is_refused(segment: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        id_from_path(segment)
    assert refused.value.field == "id"
