"""Seal and open: round trips, separation of uses, and what neither ever does."""

import json
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.envelope import samples
from tests.envelope.samples import DEK, NONCE, PLAINTEXT, SALT, context
from twinvault.envelope import (
    DIGEST_BYTES,
    MAX_PLAINTEXT_BYTES,
    Label,
    Stored,
    encode_aad,
    open_sealed,
    seal_with_fresh_randomness,
)
from twinvault.envelope.primitive import derive, seal_digest
from twinvault.envelope.suite import DerivationKey
from twinvault.errors import IntegrityError, InvalidInput, Place, TooLarge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


@given(JSON)
def test_any_json_comes_back(document):
    plaintext = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
    sealed = seal_with_fresh_randomness(plaintext, key=DEK, label=Label.RECORD, context=context())
    assert open_sealed(sealed, key=DEK, label=Label.RECORD, context=context()).plaintext == plaintext


@given(st.text(st.characters(codec="utf-8")), st.binary(min_size=32, max_size=32), st.sampled_from(Label))
def test_any_text_in_the_clear_and_any_key_and_label(text, key, label):
    place = context(clear={"status": text})
    sealed = seal_with_fresh_randomness(b"{}", key=key, label=label, context=place)
    assert open_sealed(sealed, key=key, label=label, context=place).plaintext == b"{}"


@pytest.mark.parametrize("length", [0, 1, 252, 253, 4096, 200_000, MAX_PLAINTEXT_BYTES])
def test_any_length_up_to_the_limit(length):
    plaintext = b"\xa5" * length
    sealed = samples.sealed(plaintext=plaintext)
    assert open_sealed(sealed, key=DEK, label=Label.RECORD, context=context()).plaintext == plaintext


def test_deep_json_is_only_bytes_here():
    plaintext = b"[" * 100_000 + b"]" * 100_000
    assert (
        open_sealed(samples.sealed(plaintext=plaintext), key=DEK, label=Label.RECORD, context=context()).plaintext
        == plaintext
    )


def test_over_the_limit_nothing_is_sealed():
    with pytest.raises(TooLarge, match="over the limit of 401404 bytes"):
        samples.sealed(plaintext=bytes(MAX_PLAINTEXT_BYTES + 1))


def test_the_same_inputs_seal_to_the_same_bytes():
    assert samples.sealed() == samples.sealed()


def test_fresh_randomness_is_fresh_and_goes_where_it_belongs():
    sealed = [seal_with_fresh_randomness(b"", key=DEK, label=Label.RECORD, context=context()) for _ in range(50)]
    assert len({one.salt for one in sealed}) == len({one.nonce for one in sealed}) == 50
    assert len({one.commitment for one in sealed}) == 50
    assert {(len(one.salt), len(one.nonce), len(one.commitment)) for one in sealed} == {(32, 12, 32)}
    assert not any(one.nonce in one.salt for one in sealed)


def test_each_input_of_the_derivation_changes_both_outputs():
    aad = encode_aad(context())
    secrets = [
        derive(DerivationKey(DEK), SALT, label=Label.RECORD, aad_hash=sha256(aad).digest()),
        derive(DerivationKey(bytes(32)), SALT, label=Label.RECORD, aad_hash=sha256(aad).digest()),
        derive(DerivationKey(DEK), bytes(32), label=Label.RECORD, aad_hash=sha256(aad).digest()),
        derive(DerivationKey(DEK), SALT, label=Label.RECORD, aad_hash=sha256(aad + b"\0").digest()),
        *(
            derive(DerivationKey(DEK), SALT, label=label, aad_hash=sha256(aad).digest())
            for label in Label
            if label is not Label.RECORD
        ),
    ]
    assert len({half for secret in secrets for half in secret}) == 2 * len(secrets)
    assert {len(half) for secret in secrets for half in secret} == {32}


def test_the_commitment_says_nothing_of_the_plaintext_or_the_nonce():
    one, other = samples.sealed(), samples.sealed(plaintext=b"", nonce=bytes(12))
    assert one.commitment == other.commitment


@pytest.mark.parametrize(
    "changes",
    [
        {"plaintext": PLAINTEXT + b" "},
        {"plaintext": PLAINTEXT.replace(b"Two", b"Ten")},
        {"nonce": bytes(12)},
        {"salt": bytes(32)},
        {"key": bytes(32)},
        {"label": Label.HEAD},
        {"context": context(clear={"status": "closed"})},
        {"context": context(sk="perspective#01#03")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_digest_binds_content_place_key_and_use(changes):
    assert samples.sealed().digest != samples.sealed(**changes).digest


def test_other_content_under_one_salt_has_the_commitment_and_not_the_digest():
    """What whoever holds a DEK could do unseen while heads were about commitments: "YES" becomes "NO"."""
    honest, forged = samples.sealed(plaintext=b'{"vote":"YES"}'), samples.sealed(plaintext=b'{"vote":"NO"}')
    assert honest.commitment == forged.commitment
    assert honest.digest != forged.digest


@pytest.mark.parametrize("name", ["ciphertext", "nonce", "salt", "commitment"])
def test_the_digest_is_over_each_stored_part(name):
    sealed = samples.sealed()
    parts = {part: getattr(sealed, part) for part in ("ciphertext", "nonce", "salt", "commitment")}
    other = {**parts, name: bytes([parts[name][0] ^ 1]) + parts[name][1:]}
    bound = {"label": Label.RECORD, "aad_hash": sha256(encode_aad(context())).digest()}
    assert seal_digest(**parts, **bound) == sealed.digest
    assert seal_digest(**other, **bound) != sealed.digest


def test_opening_gives_the_digest_that_sealing_gave():
    sealed = samples.sealed()
    opened = open_sealed(sealed, key=DEK, label=Label.RECORD, context=context())
    assert opened.digest == sealed.digest
    assert len(opened.digest) == DIGEST_BYTES
    assert "Vault" not in repr(opened)


def test_every_byte_of_a_sealed_record():
    """The values of the worked example, pinned here as well: vectors are made by the code that they test."""
    sealed = samples.sealed()
    assert len(sealed.ciphertext) == 272
    assert sealed.salt == SALT
    assert sealed.nonce == NONCE
    record_key, commitment = derive(
        DerivationKey(DEK), SALT, label=Label.RECORD, aad_hash=sha256(encode_aad(context())).digest()
    )
    assert sealed.commitment == commitment
    assert record_key not in (commitment, DEK)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_the_calling_codes_mistake(length):
    with pytest.raises(InvalidInput, match="must be 32"):
        samples.sealed(key=bytes(length))
    with pytest.raises(InvalidInput, match=r"^key: must be 32 bytes$"):
        open_sealed(samples.sealed(), key=bytes(length), label=Label.RECORD, context=context())


@pytest.mark.parametrize(
    "wrong", [{"salt": bytes(31)}, {"salt": bytes(33)}, {"nonce": bytes(11)}, {"nonce": bytes(13)}]
)
def test_a_salt_or_nonce_of_another_length_is_refused(wrong):
    with pytest.raises(InvalidInput, match=r"^key, salt and nonce: must be 32, 32 and 12 bytes$"):
        samples.sealed(**wrong)


@pytest.mark.parametrize(
    "lengths",
    [(271, 12, 32, 32), (272, 11, 32, 32), (272, 13, 32, 32), (272, 12, 31, 32), (272, 12, 33, 32), (272, 12, 32, 31)],
    ids=str,
)
def test_open_checks_lengths_itself(lengths):
    with pytest.raises(IntegrityError) as caught:
        open_sealed(Stored(*map(bytes, lengths)), key=DEK, label=Label.RECORD, context=context())
    assert (caught.value.step, caught.value.where) == ("3 lengths", Place("records", samples.PK, samples.SK))


def test_a_context_that_cannot_be_encoded_is_a_mistake_when_sealing_and_tampering_when_opening():
    place = context(clear={"status": "\ud800"})
    with pytest.raises(InvalidInput):
        samples.sealed(context=place)
    with pytest.raises(IntegrityError) as caught:
        open_sealed(samples.sealed(), key=DEK, label=Label.RECORD, context=place)
    assert (caught.value.step, caught.value.where) == ("4 clear attributes", Place("records", samples.PK, samples.SK))


@settings(max_examples=200)
@given(st.binary(max_size=600), st.binary(max_size=14), st.binary(max_size=34), st.binary(max_size=34))
def test_arbitrary_bytes_never_open(ciphertext, nonce, salt, commitment):
    with pytest.raises(IntegrityError):
        open_sealed(Stored(ciphertext, nonce, salt, commitment), key=DEK, label=Label.RECORD, context=context())


def test_a_plaintext_with_false_padding_made_by_a_key_holder_is_refused(monkeypatch):
    monkeypatch.setattr("twinvault.envelope.primitive.pad", lambda plaintext: plaintext.ljust(256, b"\xff"))
    sealed = samples.sealed()
    monkeypatch.undo()
    with pytest.raises(IntegrityError) as caught:
        open_sealed(sealed, key=DEK, label=Label.RECORD, context=context())
    assert (caught.value.step, caught.value.where) == ("7 padding", Place("records", samples.PK, samples.SK))


def test_what_is_sealed_cannot_be_changed_by_accident():
    with pytest.raises(AttributeError):
        samples.sealed().nonce = b""
    assert PLAINTEXT.decode() not in repr(samples.sealed())
