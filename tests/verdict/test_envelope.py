"""The signed verdict: an in-toto statement in a DSSE envelope that one key opens, and nothing else does."""

import base64
import json
from pathlib import Path

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from keys_of_verdict import ED25519, private, public
from samples_of_verdict import ARTIFACT, COMMIT, NOW, all_proofs, digest, proof, well

from twinvault_verdict import envelope, statement
from twinvault_verdict.errors import EnvelopeError, EvidenceError, SigningKeyError
from twinvault_verdict.judging import judge

TREE = Path("/srv/twinvault")


def said(facts=None, verifier="https://github.com/acme/vault/.github/workflows/deploy.yml") -> dict:
    facts = facts or well()
    return statement.summary(facts, judge(facts), verifier=verifier)


def signed(tmp_path, key=ED25519, payload=None) -> dict:
    path = tmp_path / "key.pem"
    path.write_bytes(private(key))
    by = envelope.signer(str(path), work_tree=TREE)
    return envelope.seal(payload or statement.to_bytes(said()), by=by)


def test_a_statement_is_in_totos_about_the_artifact_with_slsas_summary():
    found = said()
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["subject"] == [{"name": "functions.zip", "digest": {"sha256": ARTIFACT}}]
    assert found["predicateType"] == "https://slsa.dev/verification_summary/v1"
    predicate = found["predicate"]
    assert predicate["verifier"] == {"id": "https://github.com/acme/vault/.github/workflows/deploy.yml"}
    assert predicate["timeVerified"] == NOW.isoformat()
    assert predicate["resourceUri"] == "urn:twinvault:stage:prod:functions"
    assert predicate["policy"]["uri"].startswith("urn:")
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["TWINVAULT_GO"]
    assert all(":" in name for name in predicate.keys() - {
        *("verifier", "timeVerified", "resourceUri", "policy", "inputAttestations"),
        *("verificationResult", "verifiedLevels", "slsaVersion"),
    })  # fmt: skip


def test_its_inputs_are_the_evidence_files_and_the_suite_also_as_a_test_result():
    proofs = all_proofs()
    inputs = {one["uri"]: one["digest"]["sha256"] for one in said()["predicate"]["inputAttestations"]}
    result = statement.as_test_result(proofs["suite"])
    assert inputs == {
        **{f"build/evidence/{name}.json": one.sha256 for name, one in proofs.items()},
        "build/evidence/suite.test-result.json": digest(statement.to_bytes(result)),
    }
    assert result["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert result["predicate"]["result"] == "PASSED"
    assert result["predicate"]["passedTests"] == ["tests/test_a.py::test_one"]
    assert result["predicate"]["warnedTests"] == ["tests/library/test_pythons.py::test_it[3.14]"]
    failed = statement.as_test_result(proof("suite", went=False, failed=["t::x"]))["predicate"]
    assert (failed["result"], failed["failedTests"]) == ("FAILED", ["t::x"])


def test_evidence_that_was_refused_is_no_input():
    facts = well(evidence={**all_proofs(), "iam": EvidenceError("iam.json was changed")})
    predicate = said(facts)["predicate"]
    assert not [one for one in predicate["inputAttestations"] if "iam" in one["uri"]]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])


def test_other_exceptions_are_another_policy():
    policies = {
        json.dumps(said(facts)["predicate"]["policy"])
        for facts in (well(), well(skips="# why\ntests/*"), well(allowed="# why\nApi x"), well(page=""))
    }
    assert len(policies) == 4


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ED25519, id="Ed25519"),
        pytest.param(ec.generate_private_key(ec.SECP256R1()), id="ECDSA"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RSA"),
    ],
)
def test_what_was_signed_opens_with_the_public_key(tmp_path, key):
    sealed = json.dumps(signed(tmp_path, key)).encode()
    found = statement.read_summary(envelope.open_signed(sealed, public(key)))
    assert (found.word, found.stage, found.artifact_sha256, found.commit) == ("GO", "prod", ARTIFACT, COMMIT)
    assert [one["number"] for one in found.checks] == list(range(1, 13))


def test_the_envelope_is_dsses(tmp_path):
    """Verified by hand: over the payload's type and bytes, with their lengths (DSSE protocol 1.0.0)."""
    sealed = signed(tmp_path)
    payload = base64.b64decode(sealed["payload"])
    kind = b"application/vnd.in-toto+json"
    assert sealed["payloadType"].encode() == kind
    (signature,) = sealed["signatures"]
    pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    ED25519.public_key().verify(base64.b64decode(signature["sig"]), pae)


def change(path):
    def apply(sealed):
        inner = json.loads(base64.b64decode(sealed["payload"]))
        inner["predicate"].update(path)
        sealed["payload"] = base64.b64encode(json.dumps(inner).encode()).decode()

    return apply


def flip(sealed):
    raw = bytearray(base64.b64decode(sealed["signatures"][0]["sig"]))
    raw[0] ^= 1
    sealed["signatures"][0]["sig"] = base64.b64encode(bytes(raw)).decode()


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        pytest.param(change({"verificationResult": "FAILED"}), "did not sign", id="NO-GO made of it"),
        pytest.param(
            change({"resourceUri": "urn:twinvault:stage:other:functions"}), "did not sign", id="another stage"
        ),
        pytest.param(flip, "did not sign", id="a flipped signature"),
        pytest.param(lambda sealed: sealed.update(payloadType="text/plain"), "did not sign", id="another type"),
        pytest.param(lambda sealed: sealed.update(payloadType=1), "its payload has no type", id="no type"),
        pytest.param(lambda sealed: sealed.update(signatures=[]), "is unsigned", id="signature taken away"),
        pytest.param(lambda sealed: sealed.pop("payload"), "no DSSE envelope", id="no payload"),
        pytest.param(lambda sealed: sealed.update(signatures="x"), "no DSSE envelope", id="signatures of another form"),
        pytest.param(lambda sealed: sealed.update(payload="%"), "no DSSE envelope", id="payload not base64"),
    ],
)
def test_a_tampered_envelope_is_refused(tmp_path, tamper, says):
    sealed = signed(tmp_path)
    tamper(sealed)
    with pytest.raises(EnvelopeError, match=says):
        envelope.open_signed(json.dumps(sealed).encode(), public(ED25519))


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{}", b"\xff"])
def test_what_is_no_envelope_is_refused(content):
    with pytest.raises(EnvelopeError, match="no DSSE envelope"):
        envelope.open_signed(content, public(ED25519))


def test_another_key_is_refused_though_the_envelope_claims_to_be_of_it(tmp_path):
    other = ed25519.Ed25519PrivateKey.generate()
    claimed = signed(tmp_path, other)["signatures"][0]["keyid"]
    sealed = signed(tmp_path)
    sealed["signatures"][0]["keyid"] = claimed
    with pytest.raises(EnvelopeError, match="This key did not sign"):
        envelope.open_signed(json.dumps(sealed).encode(), public(other))
    # and what it claims is a hint: the key that did sign opens it all the same
    envelope.open_signed(json.dumps(sealed).encode(), public(ED25519))


def test_what_is_unsigned_is_written_and_refused():
    sealed = envelope.seal(statement.to_bytes(said()), by=None)
    assert sealed["signatures"] == []
    with pytest.raises(EnvelopeError, match="unsigned: anybody can have written it"):
        envelope.open_signed(json.dumps(sealed).encode(), public(ED25519))


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        pytest.param(b"x", "not a verdict", id="no JSON"),
        pytest.param(b"{}", "not a verdict", id="empty"),
        pytest.param(
            json.dumps({**said(), "predicateType": "https://slsa.dev/provenance/v1"}).encode(),
            "not a verif",
            id="provenance",
        ),
        pytest.param(
            json.dumps({**said(), "predicate": {**said()["predicate"], "resourceUri": "pkg:pypi/x"}}).encode(),
            "no stage of ours",
            id="resource",
        ),
        pytest.param(json.dumps({**said(), "subject": []}).encode(), "not a verdict", id="no subject"),
    ],
)
def test_a_signed_statement_of_another_kind_is_no_verdict(tmp_path, payload, says):
    sealed = json.dumps(signed(tmp_path, payload=payload)).encode()
    with pytest.raises(EnvelopeError, match=says):
        statement.read_summary(envelope.open_signed(sealed, public(ED25519)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "There is no key at", id="no file"),
        pytest.param(b"no PEM", "not a private key that can sign", id="no PEM"),
        pytest.param(public(ED25519), "not a private key that can sign", id="the public half"),
        pytest.param(
            private(x25519.X25519PrivateKey.generate()), "not a private key that can sign", id="a key that agrees"
        ),
    ],
)
def test_a_key_that_cannot_sign_is_refused(tmp_path, content, says):
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SigningKeyError, match=says):
        envelope.signer(str(path), work_tree=TREE)


def test_a_key_in_the_work_tree_is_refused(tmp_path):
    (tmp_path / "build").mkdir()
    path = tmp_path / "build" / "key.pem"
    path.write_bytes(private(ED25519))
    with pytest.raises(SigningKeyError, match="in the work tree"):
        envelope.signer(str(path), work_tree=tmp_path)


def test_a_public_key_that_is_none_is_refused(tmp_path):
    sealed = json.dumps(signed(tmp_path)).encode()
    for key in (b"", private(ED25519), public(x25519.X25519PrivateKey.generate())):
        with pytest.raises(SigningKeyError, match="not a public key"):
            envelope.open_signed(sealed, key)


def test_a_key_of_kms_signs_and_never_leaves_it(kms_endpoint, aws, monkeypatch):
    """As a pipeline does it that assumed a role; the local KMS stands where AWS's is."""
    client = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", kms_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws["aws_access_key_id"])
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # another test's credentials stay in it
    by = envelope.signer(f"awskms:{made}", work_tree=TREE)
    sealed = json.dumps(envelope.seal(statement.to_bytes(said()), by=by)).encode()
    der = client.get_public_key(KeyId=made)["PublicKey"]
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"
    assert statement.read_summary(envelope.open_signed(sealed, pem)).word == "GO"

    client.disable_key(KeyId=made)
    with pytest.raises(SigningKeyError, match="The key does not sign"):
        envelope.seal(b"x", by=by)
    with pytest.raises(SigningKeyError, match=r"does not let this caller sign .*NotFoundException"):
        envelope.signer("awskms:alias/nothing", work_tree=TREE)
