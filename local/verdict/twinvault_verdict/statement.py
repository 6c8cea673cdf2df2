"""What a verdict says to others: an in-toto Statement v1 whose predicate is SLSA's Verification Summary. PURE.

Sources: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, its ``spec/predicates/test-result.md``,
and https://slsa.dev/spec/v1.1/verification_summary. Fields of our own have URIs as names, as its parsing rules ask.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinvault_verdict.errors import EnvelopeError, EvidenceError
from twinvault_verdict.evidence import Evidence
from twinvault_verdict.facts import Gathered
from twinvault_verdict.judging import GO, Judgement

STATEMENT = "https://in-toto.io/Statement/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SLSA_VERSION = "1.1"
PASSED, FAILED = "PASSED", "FAILED"
LEVEL = "TWINVAULT_GO"  # a level of our own: SLSA's are about builds, of which this says nothing
CHECKS = "urn:twinvault:verdict:checks:v1"
COMMIT = "urn:twinvault:verdict:commit:v1"
POLICY = "urn:twinvault:verdict:policy:v1"
VERIFIER = "urn:twinvault:verdict:unnamed"
"""Who judged, where nobody says who: whoever trusts a signed verdict names the verifier beside the key."""
ARTIFACT = "functions.zip"
TESTED = "suite.test-result.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a statement says, read."""

    artifact_sha256: str
    stage: str
    verifier: str
    at: str
    word: str
    commit: str
    checks: Sequence[Mapping[str, Any]]


def resource_of(stage: str) -> str:
    """What is verified for what: a verdict for one stage is none for another."""
    return f"urn:twinvault:stage:{stage}:functions"


def summary(facts: Gathered, judgement: Judgement, *, verifier: str) -> dict[str, Any]:
    """The statement about the artifact of these facts."""
    passed = judgement.word == GO
    predicate = {
        "verifier": {"id": verifier},
        "timeVerified": facts.now.isoformat(),
        "resourceUri": resource_of(facts.stage),
        "policy": {"uri": POLICY, "digest": {"sha256": _policy(facts)}},
        "inputAttestations": _inputs(facts),
        "verificationResult": PASSED if passed else FAILED,
        "verifiedLevels": [LEVEL if passed else FAILED],
        "slsaVersion": SLSA_VERSION,
        COMMIT: facts.about.commit,
        CHECKS: checks(judgement),
    }
    return _statement(SUMMARY, facts.about.artifact_sha256, predicate)


def checks(judgement: Judgement) -> list[dict[str, Any]]:
    """Each check as JSON, as ``--json`` and the statement show it."""
    return [
        {
            "number": one.number,
            "name": one.name,
            "passed": one.checked.passed,
            "evidence": one.checked.said,
            "reasons": [{"why": reason.why, "todo": reason.todo} for reason in one.checked.reasons],
        }
        for one in judgement.checks
    ]


def as_test_result(suite: Evidence) -> dict[str, Any]:
    """The suite's evidence as in-toto's test result; what was skipped stands under the warned ones."""
    details = suite.details
    skipped = [one.get("test", "") for one in details.get("skipped", []) if isinstance(one, dict)]
    predicate = {
        "result": PASSED if suite.passed else FAILED,
        "configuration": [{"name": "commit", "digest": {"gitCommit": suite.about.commit}}],
        "passedTests": details.get("passed", []),
        "warnedTests": skipped,
        "failedTests": details.get("failed", []),
    }
    return _statement(TEST_RESULT, suite.about.artifact_sha256, predicate)


def to_bytes(statement: Mapping[str, Any]) -> bytes:
    """The bytes of a statement: what is signed, and what a digest of it is of."""
    return json.dumps(statement, sort_keys=True, indent=1).encode() + b"\n"


def read_summary(payload: bytes) -> Summary:
    """What the signed bytes say.

    Raises:
        EnvelopeError: they are no statement with a verification summary about one artifact and one stage.
    """
    try:
        content = json.loads(payload)
        predicate = content["predicate"]
        if (content["_type"], content["predicateType"]) != (STATEMENT, SUMMARY):
            raise EnvelopeError("What was signed is not a verification summary.")
        (subject,) = content["subject"]
        resource = predicate["resourceUri"]
        stage = resource.removeprefix("urn:twinvault:stage:").removesuffix(":functions")
        if resource != resource_of(stage):
            raise EnvelopeError(f"What was signed is about {resource!r}, which is no stage of ours.")
        return Summary(
            artifact_sha256=subject["digest"]["sha256"],
            stage=stage,
            verifier=predicate["verifier"]["id"],
            at=predicate["timeVerified"],
            word=GO if predicate["verificationResult"] == PASSED else "NO-GO",
            commit=predicate.get(COMMIT, ""),
            checks=predicate.get(CHECKS, []),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvelopeError(f"What was signed is not a verdict: {error!r}.") from None


def _statement(kind: str, artifact_sha256: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    subject = [{"name": ARTIFACT, "digest": {"sha256": artifact_sha256}}]
    return {"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": dict(predicate)}


def _inputs(facts: Gathered) -> list[dict[str, Any]]:
    """Every evidence file by its digest, those that were refused left out; the suite's also as a test result."""
    found = [one for one in facts.evidence.values() if not isinstance(one, EvidenceError)]
    listed = {f"{one.name}.json": one.sha256 for one in found}
    for one in found:
        if one.name == "suite":
            listed[TESTED] = hashlib.sha256(to_bytes(as_test_result(one))).hexdigest()
    return [{"uri": f"build/evidence/{name}", "digest": {"sha256": listed[name]}} for name in sorted(listed)]


def _policy(facts: Gathered) -> str:
    """Which rules it was judged by: the committed lists of exceptions. The checks themselves are the commit's."""
    rules = (facts.skips, facts.allowed, facts.page)
    return hashlib.sha256("\0".join(rules).encode()).hexdigest()
