"""Canonical JSON: what is different stays different; and how a place in a document is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogues import canonical_json
from dialogues.canonical_json import canonical, first_of, join
from twinvault_http.strict_json import MAX_BODY_BYTES, parse


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(1, 1.0, id="1 and 1.0"),
        pytest.param(0.0, -0.0, id="zero and minus zero"),
        pytest.param(1, True, id="1 and true"),
        pytest.param("\u00e9", "e\u0301", id="two forms of one letter"),
        pytest.param({}, None, id="empty and null"),
        pytest.param([1, 2], [2, 1], id="two orders"),
    ],
)
def test_canonical_json_tells_apart(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_what_is_parsed_has_one_canonical_form(document: dict[str, object]) -> None:
    once = canonical(parse(json.dumps(document).encode()))
    assert canonical(parse(once)) == once


def test_a_path_reads_like_code_and_stays_short() -> None:
    assert join(join(join("", "perspectives"), 3), "origin") == "perspectives[3].origin"
    assert len(join("scores", "x" * 10_000)) < 100


def test_findings_are_the_first_and_at_most_nineteen_others() -> None:
    field, message, others = first_of((str(number), "no") for number in range(50))
    assert (field, message, len(others)) == ("0", "no", 19)


def test_a_document_may_be_as_large_as_what_a_request_may_send() -> None:
    assert canonical_json.MAX_BYTES == MAX_BODY_BYTES
