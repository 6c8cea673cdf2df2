"""A checkout in which everything is well, as facts: each test breaks one thing of it."""

import dataclasses
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from twinvault_verdict import evidence
from twinvault_verdict.evidence import Evidence, Subject
from twinvault_verdict.facts import Contents, Gathered, LastRelease, Synthesis
from twinvault_verdict.judging import judge

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ARTIFACT, COMMIT, TAGGED = "a" * 64, "c" * 40, "b" * 40
ABOUT = Subject(
    artifact_sha256=ARTIFACT,
    commit=COMMIT,
    tree_clean=True,
    engines={"DynamoDB Local": "3.3.1", "Python": "3.13.0", "system": "Linux x86_64, glibc 2.36"},
    place="laptop:/srv/twinvault",
)
PAGE = "| Here | On AWS |\n|---|---|\n| No throttling | it does | `tests/differences/test_dynamodb.py::test_it` |\n"
DETAILS: dict[str, dict[str, Any]] = {
    "suite": {
        "whole": True,
        "passed": ["tests/test_a.py::test_one"],
        "failed": [],
        "skipped": [{"test": "tests/library/test_pythons.py::test_it[3.14]", "reason": "no Python 3.14"}],
        "through_gate": True,
        "launcher": "process",
    },
    "kms-conformance": {"passed": 361, "failed": [], "skipped": []},
    "differences": {"tests": {"tests/differences/test_dynamodb.py::test_it": "passed"}},
    "iam": {"unused": [], "unannounced_denials": []},
    "either-way": {
        "previous": {"name": "v0.1.0", "commit": TAGGED, "artifact_sha256": "e" * 64},
        "passed": ["the new one reads the old one's"],
        "failed": [],
        "formats": {"previous": 1, "written": 1},
        "newer_is_refused_as": "1 format",
    },
    "parity-twin": {"passed": 25},
}
LOCK = f"""\
boto3==1.44.0 \\
    --hash=sha256:{"1" * 64}
    # via -r runtime.in
cryptography==50.0.2 \\
    --hash=sha256:{"2" * 64}
"""
FILES = {"boto3/__init__.py": "3" * 64, "boto3-1.44.0.dist-info/METADATA": "4" * 64, "cryptography/x.so": "5" * 64}
OURS = {"service/__init__.py": "6" * 64}
VALUES = {
    "region": "eu-central-1",
    "architecture": "x86_64",
    "store": "twinvault-{}",
    "issuer": "https://login.acme.io/",
    "alarm_emails": ["ops@acme.io"],
}


def proof(name: str, **changes: Any) -> Evidence:
    """Evidence of this name, as its writer writes it; `about`, `at`, how it `went` or single details changed."""
    about = dataclasses.replace(ABOUT, **changes.pop("about", {}))
    at, passed = changes.pop("at", NOW - timedelta(hours=1)), changes.pop("went", True)
    details = {**DETAILS.get(name, {}), **changes}
    return evidence.read(name, evidence.to_bytes(name, about=about, at=at, passed=passed, details=details))


def all_proofs() -> dict[str, Any]:
    return {name: proof(name) for name in DETAILS}


def template(stage: str) -> dict[str, Any]:
    policy = {"Statement": [{"Effect": "Allow", "Action": "dynamodb:Query", "Resource": f"twinvault-{stage}-records"}]}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": f"twinvault-{stage}-read"}},
            "RolePolicy": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": policy}},
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7 if stage == "dev" else 365}},
        }
    }


def bill(**changes: Any) -> bytes:
    component = {"name": "twinvault", "hashes": [{"alg": "SHA-256", "content": changes.get("about", ARTIFACT)}]}
    listed = changes.get("listed", {"boto3": "1.44.0", "cryptography": "50.0.2"})
    components = [{"name": name, "version": version} for name, version in listed.items()]
    form = {"bomFormat": "CycloneDX", "metadata": {"component": component}, "components": components}
    return json.dumps(form).encode()


def well(**changes: Any) -> Gathered:
    """Facts of which everything is well, but for the changes."""
    facts = Gathered(
        stage="prod",
        now=NOW,
        about=ABOUT,
        changes=(),
        contents=Contents(found={**FILES, **OURS}, committed=OURS, locked=FILES),
        evidence=all_proofs(),
        skips="# where the machine has no such Python\ntests/library/test_pythons.py::test_it*\n",
        page=PAGE,
        tested=Synthesis(stage="dev", templates={"Api": template("dev")}),
        asked=Synthesis(stage="prod", templates={"Api": template("prod")}),
        allowed="# how long logs are kept\nApi Resources.*.Properties.RetentionInDays\n",
        stages={name: {**VALUES, "store": f"twinvault-{name}"} for name in ("dev", "prod")},
        format=1,
        vectors={"records.json": b'{"format": 1, "vectors": [{"id": 1}, {"id": 2}]}'},
        release=LastRelease(
            tag="v0.1.0", commit=TAGGED, format=1, vectors={"records.json": b'{"format": 1, "vectors": [{"id": 1}]}'}
        ),
        history_complete=True,
        previous_sha256="",
        lock=LOCK,
        bill=bill(),
    )
    return dataclasses.replace(facts, **changes)


def with_proof(name: str, **changes: Any) -> Gathered:
    """All well, but for this evidence."""
    return well(evidence={**all_proofs(), name: proof(name, **changes)})


def refused(facts: Gathered) -> dict[int, list[str]]:
    """The reasons against, by the number of the check."""
    judgement = judge(facts)
    assert judgement.word == ("NO-GO" if any(one.checked.reasons for one in judgement.checks) else "GO")
    found = {one.number: [reason.why for reason in one.checked.reasons] for one in judgement.checks}
    for one in judgement.checks:
        for reason in one.checked.reasons:
            assert reason.why
            assert reason.todo, reason
    return {number: whys for number, whys in found.items() if whys}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
