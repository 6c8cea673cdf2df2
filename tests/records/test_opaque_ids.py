"""Opaque ids: what stands in a key for an id that only the caller knows."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.envelope import ID
from twinvault.errors import InvalidInput
from twinvault.records.opaque import opaque_id

KEY = bytes(range(32))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def hidden(caller_id: str) -> str:
    return opaque_id(caller_id, kind="dialogue", index_key=KEY)


def test_an_opaque_id_is_what_the_design_says() -> None:
    """Pinned, for partitions are found by it for ever: the HMACs of docs/format.md, "Sub-keys", written out."""
    message = b"\0\0\0\1twinvault/v1/sub/partition-id\0" + b"\0\0\0\x08dialogue" + b"\0\0\1\0"
    sub_key = hmac.digest(KEY, message, "sha512")[:32]
    mac = hmac.digest(sub_key, b"tea or coffee? / 2026", "sha256")
    assert (
        hidden("tea or coffee? / 2026") == base64.b32encode(mac).decode()[:26].lower() == "e3vo3mr62ahoehe7rvfrwopka7"
    )


def test_two_kinds_hide_one_id_differently() -> None:
    assert hidden("same") != opaque_id("same", kind="dialogues", index_key=KEY)


@given(TEXT, TEXT)
def test_opaque_ids_differ_where_ids_differ_and_can_stand_in_a_key(one: str, other: str) -> None:
    assert ID.fullmatch(hidden(one))
    assert (hidden(one) == hidden(other)) == (one == other)


def test_two_tenants_hide_one_id_differently() -> None:
    assert hidden("same") != opaque_id("same", kind="dialogue", index_key=bytes(32))


@pytest.mark.parametrize("text", ["", "x" * 257, "\ud800"], ids=["empty", "too long", "a lone surrogate"])
def test_an_id_that_nobody_can_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        hidden(text)
    assert refused.value.field == "id"
