"""Strict JSON: what readers would understand differently is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.errors import CallerError, InvalidInput, TooLarge
from twinvault_http.strict_json import MAX_BODY_BYTES, MAX_VALUES, parse

DEEP = 100_000


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "line 1, column 1", id="nothing"),
        pytest.param(b"{", "must be JSON", id="half an object"),
        pytest.param(b"{}{}", "must be JSON", id="two objects"),
        pytest.param(b"{'a': 1}", "must be JSON", id="single quotes"),
        pytest.param(b'{"a": 1,}', "must be JSON", id="a trailing comma"),
        pytest.param(b"// no\n{}", "must be JSON", id="a comment"),
        pytest.param(b'{"a": 01}', "must be JSON", id="a leading zero"),
        pytest.param(b'{"a": "\t"}', "must be JSON", id="a raw control character"),
        pytest.param(b"\xef\xbb\xbf{}", "must be JSON", id="a byte order mark"),
        pytest.param(b"[]", "must be a JSON object", id="a list"),
        pytest.param(b"null", "must be a JSON object", id="null"),
        pytest.param(b'{"a": "\xff"}', "must be UTF-8", id="not UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', "must be UTF-8", id="a surrogate in UTF-8"),
        pytest.param("{}".encode("utf-16"), "must be UTF-8", id="UTF-16"),
        pytest.param(b'{"a": NaN}', "NaN", id="NaN"),
        pytest.param(b'{"a": Infinity}', "NaN", id="Infinity"),
        pytest.param(b'{"a": -Infinity}', "NaN", id="minus Infinity"),
        pytest.param(b'{"a": [{"b": 1e999}]}', "a[0].b: must be a number", id="a number that becomes infinite"),
        pytest.param(b'{"a": [{"b": 1e-400}]}', "a[0].b: must be a number", id="a number that becomes zero"),
        pytest.param(b'{"a": -1e-99999999999999999999}', "a: must be a number", id="an exponent beyond all decimals"),
        pytest.param(b'{"a": 0.12345678901234567890}', "a: must be a number", id="more digits than a double has"),
        pytest.param(b'{"a": 9007199254740993.0}', "a: must be a number", id="a whole number that becomes another"),
        pytest.param(b'{"a": {"b": "\\ud800"}}', "a.b: holds a lone surrogate", id="a lone surrogate"),
        pytest.param(b'{"a": {"\\udc00": 1}}', "a: holds a lone surrogate", id="a lone surrogate in a name"),
        pytest.param(b'{"\\udc00": 1}', "body: holds a lone surrogate", id="a lone surrogate in a first name"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "too many digits", id="5,000 digits"),
        pytest.param(b'{"a": ' + b"[" * DEEP + b"]" * DEEP + b"}", "nested", id="nested beyond the parser"),
        pytest.param(b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "nested deeper than 64", id="nested 65 deep"),
        pytest.param(b'{"a": 1, "b": {"c": 1, "c": 1}}', "holds one name twice", id="one name twice"),
        pytest.param(b'{"a": 1, "\\u0061": 1}', "holds one name twice", id="one name in two spellings"),
    ],
)
def test_what_is_not_strict_json_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(body)
    assert says in refused.value.message
    assert refused.value.field


@pytest.mark.parametrize(
    "text", ["0.1", "1.50", "1E2", "-0.0", "0e0", "0.30000000000000004", "1e22", "5e-324", "1.7976931348623157e308"]
)
def test_a_number_that_a_double_gives_back_is_taken_however_it_is_written(text: str) -> None:
    assert parse(f'{{"a": {text}}}'.encode()) == {"a": float(text)}


def test_a_name_that_stands_twice_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(b'{"x": {"title": 1, "title": 2}}')
    assert refused.value.field == "title"


def test_many_names_with_one_twice_are_refused_in_no_time() -> None:
    """Quadratic work on 200,000 names would keep a function busy until its timeout."""
    names = ",".join(f'"{number:x}":0' for number in range(190_000))
    with pytest.raises(InvalidInput):
        parse(f'{{{names},"0":0}}'.encode())


def test_the_values_of_a_document_are_limited() -> None:
    """Findings are many times as large as what they are about: 2 MiB of empty experts took 3 GB of a function's 1."""

    def body(values: int) -> bytes:
        return b'{"experts":[' + b",".join([b"{}"] * values) + b"]}"

    parse(body(MAX_VALUES - 2))
    with pytest.raises(TooLarge) as refused:
        parse(body(MAX_VALUES - 1))
    assert refused.value.field == "body"


def test_the_limit_is_counted_in_bytes() -> None:
    def body(size: int) -> bytes:
        return b'{"a":"' + b"x" * (size - 8) + b'"}'

    assert len(body(MAX_BODY_BYTES)) == MAX_BODY_BYTES
    parse(body(MAX_BODY_BYTES))
    with pytest.raises(TooLarge):
        parse(body(MAX_BODY_BYTES + 1))


def test_no_message_quotes_what_was_sent() -> None:
    for body in (b'{"secret-word": tru}', b'secret-word {"a": 1}', b'{"a": "secret-word\x01"}'):
        with pytest.raises(InvalidInput) as refused:
            parse(body)
        assert "secret-word" not in str(refused.value)


@given(st.binary(max_size=64) | st.text(max_size=64).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes_are_parsed_or_refused_as_the_callers_fault(body: bytes) -> None:
    with contextlib.suppress(CallerError):
        assert isinstance(parse(body), dict)


def test_a_long_name_is_cut_where_a_message_shows_it() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(b'{"' + b"x" * 10_000 + b'": [1e999]}')
    assert refused.value.field.endswith("x...[0]")
    assert len(refused.value.field) < 100
