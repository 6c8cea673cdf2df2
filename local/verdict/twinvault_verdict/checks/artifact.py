"""Checks 1 and 10: the work tree is its commit, and the artifact holds what is committed and locked. PURE."""

import json
import re

from twinvault_verdict.checks import freshness
from twinvault_verdict.checks.result import Checked, Reason, named, short
from twinvault_verdict.facts import Gathered

_BUILD = "make build"
_BILL = "make bill"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_HASHED = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_DIST_INFO = re.compile(r"^([^/]+)-([^/-]+)\.dist-info/")


def is_what_was_tested(facts: Gathered) -> Checked:
    """Check 1: the work tree is the commit it says, and the artifact is the one that was tested, to the byte."""
    reasons = []
    if facts.changes:
        reasons.append(
            Reason(
                f"The work tree is not its commit: {named(facts.changes)}.",
                "Commit what belongs, take away what does not, then: make verdict",
            )
        )
    reasons += _of_the_commit(facts)
    suite, faults = freshness.have(facts, "suite")
    if suite is None:
        reasons += faults
    elif suite.about.artifact_sha256 != facts.about.artifact_sha256:
        reasons.append(
            Reason(
                f"The suite tested {short(suite.about.artifact_sha256)}…, and build/functions.zip is "
                f"{short(facts.about.artifact_sha256) or 'absent'}…: not one byte may differ.",
                "make build && make test",
            )
        )
    return Checked(
        f"commit {short(facts.about.commit)}, artifact sha256 {short(facts.about.artifact_sha256)}…", tuple(reasons)
    )


def holds_what_is_locked(facts: Gathered) -> Checked:
    """Check 10: every wheel in the artifact is the locked one, by hash, and a bill of materials lies beside it."""
    pinned = dict(_PINNED.findall(facts.lock))
    reasons = [
        Reason(f"requirements/runtime.txt has no hash for {found[1]}.", "scripts/lock")
        for entry in re.split(r"\n(?=\S)", facts.lock)
        if (found := _PINNED.match(entry)) and not _HASHED.search(entry)
    ]
    if facts.contents is None:
        reasons.append(Reason("There is no artifact at build/functions.zip.", _BUILD))
    else:
        reasons += _wheels(facts, pinned)
    reasons += _bill(facts, pinned)
    return Checked(
        f"{len(pinned)} wheels by their hashes, each file of them compared; CycloneDX beside it", tuple(reasons)
    )


def _of_the_commit(facts: Gathered) -> list[Reason]:
    if facts.contents is None:
        return [Reason("There is no artifact at build/functions.zip.", _BUILD)]
    found, committed = facts.contents.found, facts.contents.committed
    others = {name for name, digest in committed.items() if found.get(name) != digest}
    if others:
        return [Reason(f"The artifact was not built from this commit: {named(others)} differ.", _BUILD)]
    return []


def _wheels(facts: Gathered, pinned: dict[str, str]) -> list[Reason]:
    assert facts.contents is not None  # noqa: S101  # narrows for mypy; the caller asked
    found, locked, committed = facts.contents.found, facts.contents.locked, facts.contents.committed
    theirs = {name: digest for name, digest in found.items() if name not in committed}
    reasons = []
    for name, version in sorted({(one[1], one[2]) for one in map(_DIST_INFO.match, theirs) if one}):
        wanted = {_normal(package): number for package, number in pinned.items()}.get(_normal(name))
        if wanted != version:
            said = f"the lock has {wanted}" if wanted else "no lock names it"
            reasons.append(Reason(f"The artifact holds the wheel {name} {version}, and {said}.", _BUILD))
    if strange := {name for name, digest in theirs.items() if locked.get(name) != digest}:
        reasons.append(
            Reason(
                f"The artifact holds what no locked wheel brings, by hash: {named(strange)}.",
                f"rm -r .cache/wheels-*; {_BUILD}",
            )
        )
    if missing := locked.keys() - found.keys():
        reasons.append(Reason(f"The artifact lacks files of locked wheels: {named(missing)}.", _BUILD))
    return reasons


def _bill(facts: Gathered, pinned: dict[str, str]) -> list[Reason]:
    if not facts.bill:
        return [Reason("There is no bill of materials at build/functions.cdx.json.", _BILL)]
    try:
        content = json.loads(facts.bill)
        listed = {one["name"]: one["version"] for one in content["components"]}
        about = content["metadata"]["component"]["hashes"][0]["content"] if content["bomFormat"] == "CycloneDX" else ""
    except (ValueError, KeyError, TypeError, IndexError):
        return [Reason("build/functions.cdx.json is not a CycloneDX bill of materials about an artifact.", _BILL)]
    if about != facts.about.artifact_sha256:
        return [Reason(f"The bill of materials is about another artifact, {short(about)}….", _BILL)]
    if others := {name for name, _ in listed.items() ^ pinned.items()}:
        return [Reason(f"The bill of materials and the lock differ in {named(others)}.", _BILL)]
    return []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
