"""What a run leaves: of a whole run that it passed or did not, of a part nothing, unless the part failed."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.parity import evidence
from tests.parity.evidence import Findings
from tests.parity.target import AWS, TWIN, Target

pytestmark = pytest.mark.xdist_group("parity")

DIGEST = "ab" * 32


def target(**changes: Any) -> Target:
    known: dict[str, Any] = {
        "kind": TWIN,
        "stage": "dev",
        "region": "eu-central-1",
        "outputs": {"ApiUrl": "http://127.0.0.1:1", "ArtifactSha256": DIGEST},
        "templates": {},
        "engines": {"dynamodb": "AWS", "kms": "AWS"},
        "served": {},
        "tokens": lambda _: "",
        "function_credentials": lambda _: None,
    }
    return Target(**known | changes)


def whole() -> Findings:
    findings = Findings()
    for check in evidence.all_checks():
        findings.note(f"{check}[a case]", "passed")
    return findings


def written(findings: Findings, folder: Path) -> dict[str, Any] | None:
    path = evidence.write(target(), findings, folder)
    return json.loads(path.read_text(encoding="utf-8")) if path else None


def test_a_whole_run_in_which_nothing_failed_passed(tmp_path: Path) -> None:
    found = written(whole(), tmp_path)
    assert found is not None
    assert set(found) == {
        "name", "artifact_sha256", "commit", "tree_clean", "engines", "place", "at", "passed", "details", "seal",
    }  # fmt: skip
    assert (found["name"], found["artifact_sha256"], found["passed"]) == ("parity-twin", DIGEST, True)
    assert len(found["commit"]) == 40
    assert datetime.fromisoformat(found["at"]).tzinfo is not None
    assert found.pop("seal") == evidence.seal(found)
    assert evidence.seal({**found, "passed": False}) != evidence.seal(found)


@pytest.mark.parametrize(
    ("before", "clean", "passed"),
    [
        pytest.param({"clean": False}, False, True, id="changed files at the beginning"),
        pytest.param({"clean": True, "commit": "0" * 40}, None, False, id="another commit at the beginning"),
    ],
)
def test_evidence_is_about_what_was_there_all_along(tmp_path: Path, before: dict[str, Any], clean, passed) -> None:
    findings = whole()
    findings.before = replace(findings.before, **before)
    found = written(findings, tmp_path)
    assert found is not None
    assert found["passed"] is passed
    assert clean is None or found["tree_clean"] is clean


def test_a_whole_run_in_which_one_check_failed_did_not_pass(tmp_path: Path) -> None:
    findings = whole()
    findings.note(next(evidence.all_checks()), "failed")
    found = written(findings, tmp_path)
    assert found is not None
    assert found["passed"] is False


def test_a_part_of_the_suite_leaves_nothing(tmp_path: Path) -> None:
    findings = whole()
    del findings.outcomes[next(iter(findings.outcomes))]
    assert written(findings, tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_selection_of_cases_leaves_nothing(tmp_path: Path) -> None:
    findings = whole()
    findings.selected = True
    assert written(findings, tmp_path) is None


def test_a_part_that_failed_takes_back_what_an_earlier_run_found(tmp_path: Path) -> None:
    assert written(whole(), tmp_path)
    findings = Findings()
    findings.note(next(evidence.all_checks()), "failed")
    found = written(findings, tmp_path)
    assert found is not None
    assert found["passed"] is False


@pytest.mark.parametrize("phases", [["failed", "passed"], ["passed", "passed", "failed"]])
def test_a_check_that_failed_in_one_phase_failed(phases: list[str]) -> None:
    findings = Findings()
    for outcome in phases:
        findings.note("test_a.py::test_b", outcome)
    assert findings.failed


def test_what_was_skipped_is_told_as_such() -> None:
    findings = Findings()
    for outcome in ("skipped", "passed"):  # the second is the end of the first
        findings.note("test_a.py::test_b", outcome)
    assert findings.outcomes == {"test_a.py::test_b": "skipped"}


@pytest.mark.parametrize(
    ("kind", "engines", "name"),
    [
        pytest.param(AWS, {"dynamodb": "AWS", "kms": "AWS"}, "parity-aws-dev", id="AWS"),
        pytest.param(AWS, {"dynamodb": "AWS", "kms": "http://127.0.0.1:1"}, "parity-as-if-aws", id="another KMS"),
        pytest.param(TWIN, {"dynamodb": "DynamoDB Local"}, "parity-twin", id="the twin"),
    ],
)
def test_what_answered_for_aws_is_not_taken_for_it(kind: str, engines: dict[str, str], name: str) -> None:
    assert evidence.name(target(kind=kind, engines=engines)) == name


def test_there_are_more_than_25_checks() -> None:
    assert len(list(evidence.all_checks())) > 25
