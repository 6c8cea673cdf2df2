"""What a whole run found, as a file: build/evidence/parity-<target>.json.

{"name", "artifact_sha256", "commit", "tree_clean", "engines", "at" (RFC 3339), "passed", "details"}. A run of a part of
the suite is no evidence and writes nothing, unless it failed: then what an earlier run found is no longer true.
"""

import ast
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.parity.target import AWS, Target

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build" / "evidence"


@dataclass(slots=True)
class Findings:
    """The checks of one run as they end, by their ids: `test_writes.py::test_…[…]`."""

    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # of what was skipped
    lines: dict[str, set[str]] = field(
        default_factory=dict
    )  # of docs/differences.md, by their tests: checks that named them
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
    """`parity-twin`, `parity-aws`; and where what answered for AWS is not AWS, a name that nobody takes for it."""
    if target.kind == AWS and set(target.engines.values()) != {"AWS"}:
        return "parity-as-if-aws"
    return f"parity-{target.kind}"


def document(target: Target, findings: Findings, *, at: datetime | None = None) -> dict[str, Any]:
    """The evidence of a run."""
    passed = findings.whole and not findings.failed
    return {
        "name": name(target),
        "artifact_sha256": target.artifact,
        "commit": _git("rev-parse", "HEAD"),
        "tree_clean": not _git("status", "--porcelain"),
        "engines": dict(target.engines),
        "at": (at or datetime.now(UTC)).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "passed": passed,
        "details": {
            "stage": target.stage,
            "region": target.region,
            "counts": dict(Counter(findings.outcomes.values())),
            "checks": dict(sorted(findings.outcomes.items())),
            "skipped": dict(sorted(findings.reasons.items())),
            "differences": {line: sorted(checks) for line, checks in sorted(findings.lines.items())},
        },
    }


def write(target: Target, findings: Findings, folder: Path) -> Path | None:
    """Write the evidence of a run; None where it would say nothing."""
    if not findings.whole and not findings.failed:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name(target)}.json"
    path.write_text(json.dumps(document(target, findings), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
