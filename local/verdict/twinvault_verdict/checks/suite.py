"""Checks 3, 5, 6 and 9: what the tests saw, on this artifact, here, and by which route. PURE."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from twinvault_verdict import committed
from twinvault_verdict.checks import freshness
from twinvault_verdict.checks.result import Checked, Reason, named
from twinvault_verdict.facts import Gathered

SKIPS = "tests/skips.txt"
_ROUTES = {"docker": "the engines in Docker", "process": "the engines as plain processes"}
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_TEST = "make test"
_KERNELS = {"x86_64": "x86_64", "arm64": "aarch64"}  # Lambda's name of a processor to the one that Linux has for it


def passed(facts: Gathered) -> Checked:
    """Check 3: the whole suite passed on this artifact, here, on its processor, through the gate; skips are listed."""
    found, faults = freshness.have(facts, "suite")
    if found is None:
        return Checked("nothing", (*_another_processor(facts), *faults))
    details = found.details
    reasons = [*_another_processor(facts), *faults, *_whole(details), *_skipped(facts, details.get("skipped"))]
    counted = f"{_number(details, 'passed')} passed, {_number(details, 'skipped')} skipped"
    return Checked(f"{counted}, {found.at:%Y-%m-%d %H:%M}, {_engines(found.about.engines)}", tuple(reasons))


def differences_were_observed(facts: Gathered) -> Checked:
    """Check 5: every line of docs/differences.md was seen to be so."""
    lines = [line for line in facts.page.splitlines() if line.startswith("| ") and not line.startswith("| Here")]
    found, reasons = freshness.have(facts, "differences")
    if found is None:
        return Checked("nothing", reasons)
    outcomes = found.details.get("tests")
    outcomes = outcomes if isinstance(outcomes, dict) else {}
    for line in lines:
        tests = ["::".join(one) for one in _NAMED.findall(line)]
        unseen = {test for test in tests if outcomes.get(test) != "passed"}
        if not tests or unseen:
            what = line.strip("| ").split(" | ")[0]
            why = f"{named(unseen)} did not pass" if tests else "it names no test"
            reasons = (*reasons, Reason(f"A difference was not observed: {what}: {why}.", _TEST))
    return Checked(f"{len(lines)} lines of docs/differences.md", reasons)


def kms_conforms(facts: Gathered) -> Checked:
    """Check 6: the local KMS refuses what AWS KMS refuses, as the conformance suite sees it."""
    found, reasons = freshness.have(facts, "kms-conformance")
    if found is None:
        return Checked("nothing", reasons)
    counts = {kind: _number(found.details, kind) for kind in ("passed", "failed", "skipped")}
    if not counts["passed"] or counts["failed"] or counts["skipped"]:
        said = ", ".join(f"{number} {kind}" for kind, number in counts.items())
        reasons = (*reasons, Reason(f"The KMS conformance suite did not pass whole: {said}.", _TEST))
    return Checked(f"{counts['passed']} checks of the local KMS", reasons)


def route_is_said(facts: Gathered) -> Checked:
    """Check 9: in Docker or as plain processes; either will do, but it is said."""
    found, reasons = freshness.have(facts, "suite")
    if found is None:
        return Checked("nothing", reasons)
    said = _ROUTES.get(str(found.details.get("launcher")))
    if said is None:
        return Checked("nothing", (Reason("Evidence suite does not say how the engines were started.", _TEST),))
    docker = facts.evidence.get("docker")
    if docker is None:
        return Checked(f"{said}; in Docker: not run")  # what is wrong with the suite's evidence, check 3 says
    found, reasons = freshness.have(facts, "docker")
    if found is not None and not found.passed:
        return Checked(f"{said}; in Docker: failed", reasons)
    return Checked(
        f"{said}; in Docker: {'not run on this' if reasons or not found else f'at {found.at:%Y-%m-%d %H:%M}'}"
    )


def _another_processor(facts: Gathered) -> Iterator[Reason]:
    """That this machine cannot run what the stage runs; freshness.py compares it with what the tests ran on."""
    wanted, here = facts.stages.get(facts.stage, {}).get("architecture"), facts.about.engines.get("system", "")
    if wanted in _KERNELS and not here.startswith(f"Linux {_KERNELS[wanted]}"):
        yield Reason(
            f"Stage {facts.stage} is for {wanted}, and this is {here or 'a machine that does not say what it is'}:"
            f" its functions run on Linux on {wanted} alone, so nothing of them was tested here.",
            f"On such a machine: make verdict STAGE={facts.stage}",
        )


def _whole(details: Mapping[str, Any]) -> Iterator[Reason]:
    if details.get("whole") is not True:
        yield Reason("The evidence is of a part of the suite.", _TEST)
    if details.get("through_gate") is not True:
        yield Reason(
            "The suite did not run through the gate: IAM was not in force.",
            "Bring the gate into the twin, so that nothing else talks to DynamoDB Local, then: make test",
        )
    failed = details.get("failed")
    if failed != []:
        told = named(map(str, failed)) if isinstance(failed, list) else "which ones, it does not say"
        yield Reason(f"Tests failed: {told}.", _TEST)
    if not _number(details, "passed"):
        yield Reason("No test passed.", _TEST)


def _skipped(facts: Gathered, skipped: object) -> Iterator[Reason]:
    lines = committed.read(facts.skips)
    if bare := committed.unexplained(lines):
        yield Reason(f"{SKIPS} has lines without a reason: {named(bare)}.", f"Write it above, in {SKIPS}.")
    if not isinstance(skipped, list):
        yield Reason("Evidence suite does not say what was skipped.", _TEST)
        return
    for one in skipped:
        test, why = (str(one.get(key)) for key in ("test", "reason")) if isinstance(one, dict) else (str(one), "")
        if not any(fnmatchcase(test, " ".join(line.fields)) for line in lines):
            yield Reason(
                f"{test} was skipped ({why}), and {SKIPS} does not list it.",
                f"Have what it needs, or list it with a reason in {SKIPS}, then: make test",
            )


def _engines(engines: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(engines.items()))


def _number(details: Mapping[str, Any], kind: str) -> int:
    """How many: told as a number, or as the list of them."""
    told = details.get(kind)
    return told if isinstance(told, int) else len(told) if isinstance(told, list) else 0
