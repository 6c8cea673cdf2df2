"""What a whole run found, as a file: build/evidence/parity-twin.json, or parity-aws-STAGE.json.

{"name", "artifact_sha256", "commit", "tree_clean", "engines", "place", "at" (RFC 3339), "passed", "details", "seal"}.
The seal is the sha256 of the others as canonical JSON: it finds a file that was edited. A run of a part of the suite
is no evidence and writes nothing, unless it failed: then what an earlier run found is no longer true.
"""

import ast
import hashlib
import json
import platform
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.parity.target import AWS, Target

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build" / "evidence"


@dataclass(frozen=True, slots=True)
class Checkout:
    """The work tree: the commit that it is of, and whether it is that commit."""

    commit: str
    clean: bool

    @classmethod
    def now(cls) -> Self:
        """The work tree as it is. Where there is no git checkout it is of no commit, and not clean."""
        commit = _git("rev-parse", "HEAD")
        return cls(commit, clean=bool(commit) and not _git("status", "--porcelain"))


@dataclass(slots=True)
class Findings:
    """The checks of one run as they end, by their ids: `test_writes.py::test_…[…]`."""

    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # of what was skipped
    lines: dict[str, set[str]] = field(
        default_factory=dict
    )  # of docs/differences.md, by their tests: checks that named them
    before: Checkout = field(default_factory=Checkout.now)  # the run began
    selected: bool = False  # whether some checks were left out on purpose

    def note(self, check: str, outcome: str) -> None:
        """Remember how a phase of a check ended: what failed or was skipped in one did so as a whole."""
        if outcome == "failed" or self.outcomes.get(check, "passed") == "passed":
            self.outcomes[check] = outcome

    @property
    def failed(self) -> bool:
        """Whether any check failed."""
        return "failed" in self.outcomes.values()

    @property
    def whole(self) -> bool:
        """Whether every check of the suite ran or said why not."""
        ran = {check.partition("[")[0] for check in self.outcomes}
        return not self.selected and ran == set(all_checks())


def all_checks() -> Iterator[str]:
    """Every check that there is, read from the source: what was not collected is missing here too."""
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.name}::{node.name}"


def name(target: Target) -> str:
    """`parity-twin`, `parity-aws-STAGE`; where what answered for AWS is not AWS, a name that nobody takes for it."""
    if target.kind == AWS:
        return f"parity-aws-{target.stage}" if set(target.engines.values()) == {"AWS"} else "parity-as-if-aws"
    return f"parity-{target.kind}"


def document(target: Target, findings: Findings, *, at: datetime | None = None) -> dict[str, Any]:
    """The evidence of a run."""
    before, now = findings.before, Checkout.now()
    content = {
        "name": name(target),
        "artifact_sha256": target.artifact,
        "commit": now.commit,
        "tree_clean": before.clean and now.clean,
        "engines": dict(target.engines),
        "place": f"{platform.node()}:{ROOT}",
        "at": (at or datetime.now(UTC)).isoformat(timespec="seconds"),
        "passed": findings.whole and not findings.failed and before.commit == now.commit,
        "details": {
            "stage": target.stage,
            "region": target.region,
            "counts": dict(Counter(findings.outcomes.values())),
            "checks": dict(sorted(findings.outcomes.items())),
            "skipped": dict(sorted(findings.reasons.items())),
            "differences": {line: sorted(checks) for line, checks in sorted(findings.lines.items())},
        },
    }
    return {**content, "seal": seal(content)}


def seal(content: Mapping[str, Any]) -> str:
    """The sha256, in hex, of everything that evidence says but the seal itself."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def write(target: Target, findings: Findings, folder: Path) -> Path | None:
    """Write the evidence of a run; None where it would say nothing."""
    if not findings.whole and not findings.failed:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name(target)}.json"
    path.write_text(json.dumps(document(target, findings), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True, text=True).stdout.strip()
