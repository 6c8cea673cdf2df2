"""An entry's bytes, digest and signature: whatever is in it, it reads back, and it verifies."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.audit import CHAIN, KEY, MARK, READ, READ_ELEMENTS, SEEN
from twinvault.audit.elements import asked_element, canonical_json, kms_element, saw_element
from twinvault.audit.entry import GENESIS, MAX_ENTRY_BYTES, Closed, Link, Origin, entry_digest, make_entry
from twinvault.audit.form import parse_entry
from twinvault.audit.parts import split
from twinvault.audit.signing import ChainKey, is_signed
from twinvault.audit.verify import verify_chain
from twinvault.errors import TooLarge

FIRST = Link(CHAIN, 1, GENESIS)
MANY_CLOSED = tuple(Closed(f"{number:032x}", 10**12 - 1, "f" * 64) for number in range(100))


def test_an_entry_is_signed_by_its_chains_key_and_by_no_other():
    entry = make_entry(READ, READ_ELEMENTS, link=FIRST, key=KEY)
    assert is_signed(entry.digest, signature=entry.signature, public_key=KEY.public)
    assert not is_signed(entry.digest, signature=entry.signature, public_key=ChainKey(b"o" * 32).public)
    assert not is_signed(GENESIS, signature=entry.signature, public_key=KEY.public)
    assert not is_signed(entry.digest, signature=b"", public_key=KEY.public)
    assert not is_signed(entry.digest, signature=entry.signature, public_key=b"not a key")


def test_an_entrys_row_stands_at_its_place():
    entry = make_entry(READ, READ_ELEMENTS, link=Link(CHAIN, 12, b"p" * 32), key=KEY)
    item = entry.to_item()
    assert (item["pk"], item["sk"]) == ({"S": f"chain#{CHAIN}"}, {"S": "000000000012"})
    assert parse_entry(entry.encoded)["prev"] == (b"p" * 32).hex()


def test_an_entry_over_64_kib_is_refused():
    most = [kms_element("x" * 256)] * 250
    make_entry(READ, most, link=FIRST, key=KEY)
    with pytest.raises(TooLarge):
        make_entry(READ, most * 2, link=FIRST, key=KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"principal": "other"},
        {"tenant": "bolt"},
        {"action": "x"},
        {"outcome": "denied"},
        {"time": "2026"},
        {"began": "2026"},
        {"attempt": 2},
        {"origin": replace(READ.origin, trace_id=READ.origin.trace_id[:-1], span_id="7" + READ.origin.span_id)},
        {"origin": replace(READ.origin, store="other")},
        {"problem": "x"},
        {"step": "x"},
        {"row": "x"},
    ],
    ids=" ".join,
)
def test_whatever_is_changed_changes_the_digest(change):
    first = make_entry(READ, READ_ELEMENTS, link=FIRST, key=KEY)
    assert make_entry(replace(READ, **change), READ_ELEMENTS, link=FIRST, key=KEY).digest != first.digest
    assert make_entry(READ, READ_ELEMENTS[1:], link=FIRST, key=KEY).digest != first.digest


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=256)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_makes_an_entry_that_verifies_and_reads_back(principal, action, request_id):
    event = replace(READ, principal=principal, action=action, origin=Origin(store="s", request_id=request_id))
    entry = make_entry(event, [asked_element(MARK)], link=FIRST, key=KEY)
    said = verify_chain([entry.to_item()]).last
    assert (said["principal"], said["action"], said["request"]) == (principal, action, request_id)
    assert entry_digest(canonical_json(said)) == entry.digest


@given(st.integers(0, 1500), st.integers(0, 300), st.integers(0, 3), ANY_TEXT)
def test_parts_are_in_order_complete_and_within_64_kib_even_as_a_chains_first_entry(looks, calls, wrote, text):
    event = replace(READ, principal=text, action=text, tenant=text, problem="integrity", outcome="failure", step=text)
    elements = [saw_element(MARK, SEEN)] * looks + [kms_element("\U0001f511" * 36)] * calls
    last = [asked_element(MARK)] * wrote
    parts = split(event, elements, last=last)
    assert [one for part in parts for one in part] == [*elements[looks:], *elements[:looks], *last]
    assert parts[-1][len(parts[-1]) - wrote :] == last
    for part in parts:
        link = Link(CHAIN, 1, GENESIS, MANY_CLOSED)
        made = make_entry(event, part, link=link, key=KEY, part=(999_999, 999_999))
        assert len(made.encoded) <= MAX_ENTRY_BYTES


def test_what_fits_into_one_entry_is_one_part():
    assert split(READ, []) == [[]]
    assert split(READ, READ_ELEMENTS) == [READ_ELEMENTS]
    assert len(split(READ, [saw_element(MARK, SEEN)] * 5000)) < 25
