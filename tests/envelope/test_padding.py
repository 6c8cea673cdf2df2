"""Framing and padding: what a size gives away, and that there is one valid form."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.envelope import MAX_PLAINTEXT_BYTES, pad, padded_size, unpad
from twinvault.errors import IntegrityError, TooLarge


def padme(length):
    """Padmé as the paper writes it (https://arxiv.org/abs/1806.03160, algorithm 1)."""
    exponent = math.floor(math.log2(length))
    last_bits = exponent - (math.floor(math.log2(exponent)) + 1)
    mask = 2**last_bits - 1
    return (length + mask) & ~mask


def test_sizes_are_those_of_the_paper():
    for length in (*range(2000), *range(2000, MAX_PLAINTEXT_BYTES, 997), MAX_PLAINTEXT_BYTES):
        assert padded_size(length) == max(256, padme(4 + length)), length


@pytest.mark.parametrize(
    ("length", "size"),
    [(0, 256), (252, 256), (253, 272), (268, 272), (269, 288), (1020, 1024), (1021, 1088), (401_404, 401_408)],
)
def test_sizes_around_the_steps(length, size):
    assert padded_size(length) == size


def test_no_more_than_an_eighth_is_added_to_what_is_longer_than_the_minimum():
    assert max(padded_size(n) / (n + 4) for n in range(253, 100_000, 7)) < 1.125


def test_the_largest_plaintext_fits_an_item_and_the_next_size_would_not():
    item_limit = 400 * 1024
    assert padded_size(MAX_PLAINTEXT_BYTES) + 16 < item_limit
    assert padded_size(MAX_PLAINTEXT_BYTES + 1) + 16 > item_limit


def test_a_plaintext_over_the_limit_is_refused():
    assert len(pad(bytes(MAX_PLAINTEXT_BYTES))) == MAX_PLAINTEXT_BYTES + 4
    with pytest.raises(TooLarge, match=r"^record: over the limit of 401404 bytes for one record$"):
        pad(bytes(MAX_PLAINTEXT_BYTES + 1))


def test_the_frame_is_a_length_the_bytes_and_zeros():
    assert pad(b"ab") == b"\0\0\0\x02ab" + bytes(250)


@given(st.binary(max_size=3000))
def test_what_is_padded_comes_back(plaintext):
    assert unpad(pad(plaintext)) == plaintext


@pytest.mark.parametrize(
    "padded",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(3), id="shorter than a length"),
        pytest.param(bytes(4), id="a length alone"),
        pytest.param(bytes(255), id="one byte under the minimum"),
        pytest.param(bytes(257), id="one byte over the minimum"),
        pytest.param(bytes(272), id="one step larger than minimal"),
        pytest.param(b"\0\0\0\x01" + bytes(251) + b"\x01", id="last padding byte not zero"),
        pytest.param(b"\0\0\0\x01a\x01" + bytes(250), id="first padding byte not zero"),
        pytest.param(b"\0\0\0\xfd" + bytes(252), id="length one too long"),
        pytest.param(b"\xff\xff\xff\xff" + bytes(252), id="length of 4 GiB"),
        pytest.param(pad(bytes(300)) + bytes(16), id="a step appended"),
        pytest.param(pad(bytes(300))[:-1], id="cut"),
    ],
)
def test_any_other_form_is_refused(padded):
    with pytest.raises(IntegrityError) as caught:
        unpad(padded)
    assert caught.value.step == "7 padding"


@given(st.binary(max_size=600))
def test_whatever_unpads_is_what_pad_makes(padded):
    try:
        plaintext = unpad(padded)
    except IntegrityError:
        return
    assert pad(plaintext) == padded
