"""Ciphertext blobs: authenticated with a context that has exactly one encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault_kms import blob
from twinvault_kms.errors import KmsError

KEY_ID = "12345678-1234-4234-8234-123456789012"
MATERIAL = bytes(range(32))
TEXTS = st.text(max_size=8)
CONTEXTS = st.dictionaries(TEXTS, TEXTS, max_size=4)


def _sealed(context: dict[str, str], plaintext: bytes = b"text") -> bytes:
    return blob.seal(
        plaintext,
        key_id=KEY_ID,
        material_id="ab" * 32,
        material=MATERIAL,
        context=context,
        salt=bytes(16),
        nonce=bytes(12),
    )


@given(CONTEXTS, CONTEXTS)
def test_two_contexts_have_one_encoding_only_if_they_are_equal(one: dict[str, str], two: dict[str, str]):
    assert (blob.canonical_context(one) == blob.canonical_context(two)) is (one == two)


@given(CONTEXTS, st.binary(min_size=1, max_size=64))
def test_what_is_sealed_opens(context: dict[str, str], plaintext: bytes):
    parsed = blob.parse(_sealed(context, plaintext))
    assert (parsed.key_id, parsed.material_id) == (KEY_ID, "ab" * 32)
    assert blob.unseal(parsed, material=MATERIAL, context=context) == plaintext


def test_every_flipped_byte_is_refused_and_nothing_else_happens():
    whole = _sealed({"a": "b"})
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 0x80
        with pytest.raises(KmsError) as caught:
            blob.unseal(blob.parse(bytes(broken)), material=MATERIAL, context={"a": "b"})
        assert (caught.value.code, caught.value.message) == ("InvalidCiphertextException", "")


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(data: bytes):
    with pytest.raises(KmsError) as caught:
        blob.unseal(blob.parse(data), material=MATERIAL, context={})
    assert caught.value.code == "InvalidCiphertextException"
