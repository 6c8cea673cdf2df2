"""Every check of a verdict: all well is GO, and each thing that is wrong is NO-GO with a sentence that names it."""

import dataclasses
import json
from datetime import timedelta

import pytest
from samples_of_verdict import (
    ABOUT,
    ARTIFACT,
    DETAILS,
    FILES,
    LOCK,
    NOW,
    OURS,
    all_proofs,
    bill,
    proof,
    refused,
    template,
    well,
    with_proof,
)

from twinvault_verdict.errors import EvidenceError
from twinvault_verdict.facts import Contents, Gathered, LastRelease, Synthesis
from twinvault_verdict.judging import CHECKS, judge

OTHER = "d" * 64


def without(name: str) -> Gathered:
    return well(evidence={key: value for key, value in all_proofs().items() if key != name})


def granting(stage: str, action: str) -> Synthesis:
    changed = json.loads(json.dumps(template(stage)).replace("dynamodb:Query", action))
    return Synthesis(stage=stage, templates={"Api": changed})


def retaining(days: int) -> Synthesis:
    changed = template("prod")
    changed["Resources"]["Log"]["Properties"]["Kind"] = days
    return Synthesis(stage="prod", templates={"Api": changed})


def risen(**changes: object) -> Gathered:
    """The format rose to 2, and everything that this asks for is there, but for the changes."""
    stages = {"dev": {}, "prod": {"written_format": changes.pop("written_format", 1)}}
    return dataclasses.replace(with_proof("either-way", **changes), format=2, stages=stages)


ARM_STAGES = {name: {**well().stages[name], "architecture": "arm64"} for name in ("dev", "prod")}


def on(stages: object = None, *, system: str = "Linux x86_64, glibc 2.36") -> Gathered:
    """All well, but for the stages' processor, or the machine that everything was done on."""
    about = dataclasses.replace(ABOUT, engines={**ABOUT.engines, "system": system})
    return well(
        about=about,
        stages=stages or well().stages,
        evidence={name: proof(name, about={"engines": about.engines}) for name in DETAILS},
    )


def test_a_stage_is_go_on_its_own_processor() -> None:
    assert refused(on(ARM_STAGES, system="Linux aarch64, glibc 2.36")) == {}


def test_a_processor_is_asked_for_before_there_is_evidence() -> None:
    found = refused(dataclasses.replace(on(ARM_STAGES), evidence={}))
    assert "prod is for arm64" in found[3][0]


def test_all_well_is_go() -> None:
    assert refused(well()) == {}
    judgement = judge(well())
    assert judgement.word == "GO"
    assert [one.number for one in judgement.checks] == list(range(1, 13)) == [number for number, _, _ in CHECKS]
    assert all(one.checked.said for one in judgement.checks)
    assert judgement.todo() == []


@pytest.mark.parametrize(
    ("facts", "number", "says"),
    [
        pytest.param(well(changes=("functions/a.py",)), 1, "not its commit: functions/a.py", id="a dirty tree"),
        pytest.param(
            well(about=dataclasses.replace(ABOUT, artifact_sha256=OTHER)), 1, "not one byte may differ", id="one byte"
        ),
        pytest.param(well(contents=None), 1, "There is no artifact", id="no artifact"),
        pytest.param(
            well(contents=Contents(found={**FILES, "service/__init__.py": "7" * 64}, committed=OURS, locked=FILES)),
            1,
            "not built from this commit: service/__init__.py",
            id="an artifact of other sources",
        ),
        pytest.param(
            well(asked=Synthesis(stage="prod", error="cdk-nag: AwsSolutions-IAM5")),
            2,
            "AwsSolutions-IAM5",
            id="cdk-nag",
        ),
        pytest.param(well(asked=Synthesis(stage="prod")), 2, "has no templates", id="no templates"),
        pytest.param(
            well(tested=Synthesis(stage="dev", templates={"Api": template("dev")}, lint=("E3012 Api: not a number",))),
            2,
            "E3012",
            id="cfn-lint",
        ),
        pytest.param(well(asked=retaining(3)), 2, "Api Resources.Log.Properties.Kind", id="a difference not listed"),
        pytest.param(
            well(allowed="Api Resources.*.Properties.RetentionInDays"),
            2,
            "without a reason",
            id="a difference unexplained",
        ),
        pytest.param(on(ARM_STAGES), 3, "prod is for arm64, and this is Linux x86_64", id="an arm stage on x86"),
        pytest.param(
            on(system="Linux aarch64, glibc 2.36"), 3, "is for x86_64, and this is Linux aarch64", id="x86 on arm"
        ),
        pytest.param(on(system="Darwin arm64,  "), 3, "x86_64, and this is Darwin arm64", id="a mac"),
        pytest.param(on(system=""), 3, "does not say what it is", id="a machine without a name"),
        pytest.param(with_proof("suite", whole=False), 3, "a part of the suite", id="a part of the suite"),
        pytest.param(with_proof("suite", went=False, failed=["t::x"]), 3, "Tests failed: t::x", id="a failed test"),
        pytest.param(with_proof("suite", failed=["t::x"]), 3, "Tests failed: t::x", id="a failed test that passed"),
        pytest.param(with_proof("suite", through_gate=False), 3, "not run through the gate", id="no gate"),
        pytest.param(
            with_proof("suite", skipped=[{"test": "tests/a.py::test_b", "reason": "no root"}]),
            3,
            "tests/a.py::test_b was skipped (no root)",
            id="a skip not in the list",
        ),
        pytest.param(
            well(skips="tests/library/*\n"), 3, "tests/skips.txt has lines without a reason", id="a skip unexplained"
        ),
        pytest.param(with_proof("suite", skipped=None), 3, "does not say what was skipped", id="skips hidden"),
        pytest.param(
            with_proof("iam", unannounced_denials=["read dynamodb:Scan"]), 4, "read dynamodb:Scan", id="a denial"
        ),
        pytest.param(with_proof("iam", unused=["read dynamodb:GetItem"]), 4, "that no test used", id="an unused grant"),
        pytest.param(with_proof("iam", unused=None), 4, "does not say which grants", id="no ledger"),
        pytest.param(
            well(asked=granting("prod", "dynamodb:*"), allowed="# any\nApi Resources.*.Properties.*.*.*.*\n# \n"),
            4,
            "prod grants other permissions than dev: Api Resources.RolePolicy",
            id="other permissions, though listed",
        ),
        pytest.param(with_proof("differences", tests={}), 5, "No throttling", id="a difference not observed"),
        pytest.param(
            with_proof("differences", tests={"tests/differences/test_dynamodb.py::test_it": "failed"}),
            5,
            "test_it did not pass",
            id="a difference that is none any more",
        ),
        pytest.param(
            well(page="| Here | x |\n| nothing | named |\n"), 5, "it names no test", id="a line without a test"
        ),
        pytest.param(with_proof("kms-conformance", failed=["x"]), 6, "did not pass whole", id="kms failed"),
        pytest.param(with_proof("kms-conformance", skipped=["x"]), 6, "1 skipped", id="kms skipped"),
        pytest.param(with_proof("kms-conformance", passed=0), 6, "0 passed", id="no kms checks"),
        pytest.param(well(vectors={}), 7, "Vectors of v0.1.0 changed", id="vectors are gone"),
        pytest.param(
            well(vectors={"records.json": b'{"format": 1, "vectors": [{"id": 2}]}'}),
            7,
            "records.json",
            id="a vector is gone",
        ),
        pytest.param(well(history_complete=False), 7, "This clone is shallow", id="a shallow clone"),
        pytest.param(well(format=0), 7, "fell from 1", id="the format fell"),
        pytest.param(
            with_proof("either-way", failed=["the old reads the new"]), 8, "the old reads the new", id="a rollback"
        ),
        pytest.param(with_proof("either-way", passed=[]), 8, "nothing was tried", id="nothing tried"),
        pytest.param(
            with_proof("either-way", previous={"name": "v0.0.9", "commit": "f" * 40}),
            8,
            "not about the last release",
            id="older tag",
        ),
        pytest.param(well(previous_sha256=OTHER), 8, "not about the artifact that was given", id="another file"),
        pytest.param(with_proof("either-way", formats={}), 8, "which formats were written", id="formats untold"),
        pytest.param(
            risen(formats={"previous": 1, "written": 2}), 8, "already writes 2", id="writes the new format at once"
        ),
        pytest.param(risen(written_format=2), 8, "says written_format 2", id="the stage writes the new format"),
        pytest.param(risen(newer_is_refused_as="500"), 8, "not as an unknown format", id="worse than unknown"),
        pytest.param(with_proof("suite", launcher=""), 9, "how the engines were started", id="no route"),
        pytest.param(
            well(lock=LOCK.replace(f"    --hash=sha256:{'2' * 64}\n", "")),
            10,
            "no hash for cryptography",
            id="unlocked",
        ),
        pytest.param(
            well(contents=Contents(found={**FILES, **OURS, "evil/x.py": OTHER}, committed=OURS, locked=FILES)),
            10,
            "no locked wheel brings, by hash: evil/x.py",
            id="an unlocked wheel's file",
        ),
        pytest.param(
            well(
                contents=Contents(
                    found={**FILES, **OURS, "evil-1.0.dist-info/METADATA": OTHER}, committed=OURS, locked=FILES
                )
            ),
            10,
            "holds the wheel evil 1.0, and no lock names it",
            id="an unlocked wheel",
        ),
        pytest.param(
            well(contents=Contents(found={**FILES, **OURS, "cryptography/x.so": OTHER}, committed=OURS, locked=FILES)),
            10,
            "cryptography/x.so",
            id="a locked wheel's file changed",
        ),
        pytest.param(
            well(contents=Contents(found=OURS, committed=OURS, locked=FILES)), 10, "lacks files", id="a wheel left out"
        ),
        pytest.param(well(bill=b""), 10, "no bill of materials", id="no bill of materials"),
        pytest.param(well(bill=b"{}"), 10, "is not a CycloneDX", id="not a bill of materials"),
        pytest.param(well(bill=bill(about=OTHER)), 10, "about another artifact", id="another artifact's bill"),
        pytest.param(well(bill=bill(listed={"boto3": "1.44.0"})), 10, "differ in cryptography", id="a wheel unlisted"),
        pytest.param(without("parity-twin"), 11, "parity-twin.json is missing", id="no parity on the twin"),
        pytest.param(
            well(stages={"dev": {}, "prod": {"parity_on_aws_required": True}}),
            11,
            "parity-aws-prod.json is missing",
            id="no parity on AWS, and the stage asks for it",
        ),
        pytest.param(well(stages={"dev": {}}), 12, "no stage prod", id="no such stage"),
        pytest.param(
            well(stages={"dev": {}, "prod": {"issuer": "https://login.example.com/"}}),
            12,
            "issuer of stage prod are examples",
            id="example",
        ),
        pytest.param(
            well(stages={"dev": {}, "prod": {"alarm_emails": ["me@example.org"]}}),
            12,
            "alarm_emails",
            id="example mail",
        ),
        pytest.param(
            well(stages={"dev": {}, "prod": {"jwks_url": "http://127.0.0.1:8788/jwks"}}),
            12,
            "this machine",
            id="loopback",
        ),
    ],
)
def test_what_is_wrong_is_no_go_and_says_why(facts: Gathered, number: int, says: str) -> None:
    found = refused(facts)
    assert any(says in why for why in found.get(number, [])), found


@pytest.mark.parametrize("name", DETAILS)
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"about": {"artifact_sha256": OTHER}}, "about another artifact", id="of another artifact"),
        pytest.param({"about": {"commit": "f" * 40}}, "is stale", id="of another commit"),
        pytest.param({"about": {"tree_clean": False}}, "uncommitted changes", id="of a dirty tree"),
        pytest.param({"about": {"place": "elsewhere:/x"}}, "not from here", id="foreign"),
        pytest.param(
            {"about": {"engines": {"DynamoDB Local": "3.2"}}}, "DynamoDB Local, Python", id="of other engines"
        ),
        pytest.param({"at": NOW + timedelta(days=1)}, "has not come yet", id="of tomorrow"),
        pytest.param({"went": False}, "says that it failed", id="failed"),
    ],
)
def test_stale_and_foreign_evidence_is_no_evidence(name: str, changes: dict, says: str) -> None:
    found = refused(with_proof(name, **changes))
    if name == "parity-twin" and says == "DynamoDB Local, Python":
        assert not found, "it names what answered in words of its own"
        return
    assert any(says in why and name in why for whys in found.values() for why in whys), found


@pytest.mark.parametrize("name", DETAILS)
def test_evidence_that_is_missing_or_was_edited_is_no_go(name: str) -> None:
    assert any(f"{name}.json is missing" in why for whys in refused(without(name)).values() for why in whys)
    edited = EvidenceError(f"{name}.json was changed after it was written")
    found = refused(well(evidence={**all_proofs(), name: edited}))
    assert any("was changed after it was written" in why for whys in found.values() for why in whys)


def test_without_a_tag_it_is_the_first_release() -> None:
    judgement = judge(dataclasses.replace(without("either-way"), release=None))
    assert judgement.word == "GO"
    assert [one.checked.said for one in judgement.checks if "first release" in one.checked.said] != []
    # but what was given as a file is looked at all the same
    given = dataclasses.replace(without("either-way"), release=None, previous_sha256=ARTIFACT)
    assert 8 in refused(given)


def test_a_format_rises_in_a_release_that_reads_it_before_one_writes_it() -> None:
    assert refused(risen()) == {}
    # Its vectors may change then, for they are of another format.
    assert 7 not in refused(dataclasses.replace(risen(), vectors={}))


def test_more_vectors_than_at_the_tag_are_no_change() -> None:
    text = LastRelease(tag="v0.1.0", commit="b" * 40, format=1, vectors={"x.txt": b"a"})
    assert refused(well(release=text, vectors={"x.txt": b"a", "y.json": b"{}"})) == {}
    assert 7 in refused(well(release=text, vectors={"x.txt": b"b"}))


def test_parity_on_aws_is_told_and_no_reason_against_unless_the_stage_asks() -> None:
    said = {one.number: one.checked.said for one in judge(well()).checks}
    assert "on AWS: not run" in said[11]
    run = {**all_proofs(), "parity-aws-prod": proof("parity-aws-prod", about={"place": "runner:/x", "engines": {}})}
    said = {one.number: one.checked.said for one in judge(well(evidence=run)).checks}
    assert "on AWS, stage prod, at 2026-11-30 11:00" in said[11]
    stale = {**all_proofs(), "parity-aws-prod": proof("parity-aws-prod", about={"artifact_sha256": OTHER})}
    said = {one.number: one.checked.said for one in judge(well(evidence=stale)).checks}
    assert "not run (what there is, is of something else)" in said[11]
    asked = {"dev": {}, "prod": {"parity_on_aws_required": True}}
    assert 11 in refused(well(evidence=stale, stages=asked))
    assert refused(well(evidence=run, stages=asked)) == {}


def test_the_route_is_said_and_not_hidden() -> None:
    said = {one.number: one.checked.said for one in judge(well()).checks}
    assert "plain processes" in said[9]
    said = {one.number: one.checked.said for one in judge(with_proof("suite", launcher="docker")).checks}
    assert "the engines in Docker" in said[9]
    said = {one.number: one.checked.said for one in judge(with_proof("docker")).checks}
    assert "in Docker: at 2026-11-30 11:00" in said[9]
    said = {one.number: one.checked.said for one in judge(with_proof("docker", about={"commit": "f" * 40})).checks}
    assert "in Docker: not run on this" in said[9]
    assert 9 in refused(with_proof("docker", went=False))


def test_a_store_and_a_region_of_its_own_are_no_difference() -> None:
    def with_values(stage: str, store: str, region: str) -> Synthesis:
        found = template(stage)
        found["Resources"]["Key"] = {
            "Type": "AWS::KMS::Key",
            "Properties": {"KeyPolicy": {"store": store, "region": region}},
        }
        return Synthesis(stage=stage, templates={"Api": found})

    stages = {
        "dev": {"store": "twinvault-dev", "region": "eu-central-1"},
        "prod": {"store": "acme", "region": "eu-west-1"},
    }
    tested = with_values("dev", "twinvault-dev", "eu-central-1")
    assert refused(well(stages=stages, tested=tested, asked=with_values("prod", "acme", "eu-west-1"))) == {}
    other = well(stages=stages, tested=tested, asked=with_values("prod", "twinvault-dev", "eu-west-1"))
    assert 4 in refused(other)


def test_what_to_do_is_said_once() -> None:
    assert judge(well(evidence={})).todo() == ["make test", "make either-way", "make parity"]
