"""One GCM ciphertext that opens under two keys, and the commitment that stops it.

GCM does not commit to its key (Grubbs, Lu, Ristenpart, "Message Franking via Committing Authenticated Encryption",
CRYPTO 2017; Dodis et al., CRYPTO 2018). Whoever knows two keys can make a record that two readers see differently.
"""

from hashlib import sha256

import pytest

from tests.envelope import samples
from tests.envelope.gcm import accepted_under_both
from tests.envelope.samples import KEY_ID, KIND, NONCE, PARTITION, SALT, context
from twinvault.envelope import Label, Stored, encode_aad, open_sealed, seal
from twinvault.envelope.primitive import derive
from twinvault.envelope.suite import DerivationKey, InvalidTag, gcm_decrypt
from twinvault.errors import IntegrityError

FIRST, SECOND = samples.KEYS[KEY_ID], samples.KEYS[f"dek#{KIND}#{PARTITION}#000002"]


@pytest.fixture
def forged():
    """A stored record whose ciphertext GCM accepts under the record keys of both DEKs, committed to the first."""
    aad = encode_aad(context())
    (first, commitment), (second, _) = (
        derive(DerivationKey(key), SALT, label=Label.RECORD, aad_hash=sha256(aad).digest()) for key in (FIRST, SECOND)
    )
    ciphertext = accepted_under_both((first, second), nonce=NONCE, aad=aad, blocks=16)
    opened = [gcm_decrypt(key, NONCE, ciphertext=ciphertext, aad=aad) for key in (first, second)]
    assert opened[0] != opened[1], "the collision is real: one ciphertext, one tag, two keys, two plaintexts"
    return Stored(ciphertext, NONCE, SALT, commitment)


def test_a_ciphertext_that_gcm_opens_under_two_keys_opens_under_neither(forged):
    with pytest.raises(IntegrityError) as second:
        open_sealed(forged, key=SECOND, label=Label.RECORD, context=context())
    assert second.value.step == "5 commitment"
    # Under the key that it commits to, GCM accepts it, and the padding refuses what the forger could not choose.
    with pytest.raises(IntegrityError) as first:
        open_sealed(forged, key=FIRST, label=Label.RECORD, context=context())
    assert first.value.step == "7 padding"


def test_no_commitment_fits_two_keys(forged):
    aad = encode_aad(context())
    commitments = {
        derive(DerivationKey(key), SALT, label=Label.RECORD, aad_hash=sha256(aad).digest())[1]
        for key in (FIRST, SECOND)
    }
    steps = set()
    for commitment in commitments:
        for key in (FIRST, SECOND):
            with pytest.raises(IntegrityError) as caught:
                open_sealed(forged._replace(commitment=commitment), key=key, label=Label.RECORD, context=context())
            steps.add(caught.value.step)
    assert len(commitments) == 2
    assert steps == {"5 commitment", "7 padding"}


def test_the_commitment_is_checked_before_gcm(monkeypatch):
    """A wrong key is never tried on a ciphertext: that is what partitioning-oracle attacks need."""
    tried: list[bytes] = []

    def record(key, *_, **__):
        tried.append(key)
        raise InvalidTag

    monkeypatch.setattr("twinvault.envelope.primitive.gcm_decrypt", record)
    record_under_first = seal(b"{}", key=FIRST, label=Label.RECORD, context=context(), salt=SALT, nonce=NONCE)
    with pytest.raises(IntegrityError, match="integrity check failed"):
        open_sealed(record_under_first, key=SECOND, label=Label.RECORD, context=context())
    assert tried == []
