"""What a URL's path segment stands for."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.errors import InvalidInput
from twinvault_http import id_from_path

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


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
