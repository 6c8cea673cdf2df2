"""A stage's templates: synthesized by the app itself, with cdk-nag, and read by cfn-lint."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from twinvault_verdict.facts import StackTemplate, Synthesis

_KEPT = ("PATH", "HOME", "TMPDIR", "LANG")  # neither credentials nor a chosen account: whoever asks, the answer is one
_QUIET = {"JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}
_MOST_LINES = 3
LINTER = Path(sys.executable).with_name("cfn-lint")
_IGNORED = ("W3005",)  # the CDK names dependencies that are implied, too
_SUFFIX = ".template.json"


def synthesize(root: Path, stage: str, *, into: Path, region: str) -> Synthesis:
    """The stage's templates, as `app.py` of the checkout makes them now; what fails is said, not raised."""
    if error := run_app(root, stage, into=into):
        return Synthesis(stage=stage, error=error)
    lint = tuple(_lint(sorted(into.glob(f"*{_SUFFIX}")), region))
    return Synthesis(stage=stage, templates=read(into, stage), lint=lint)


def run_app(root: Path, stage: str, *, into: Path, context: Mapping[str, str] | None = None) -> str:
    """Lets `app.py` of the checkout write the stage's templates, with what `-c` would say; why it did not, or nothing.

    What was there is replaced.
    """
    shutil.rmtree(into, ignore_errors=True)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    chosen = {"CDK_OUTDIR": str(into), "CDK_CONTEXT_JSON": json.dumps({**(context or {}), "stage": stage})}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=root, env=kept | _QUIET | chosen, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return ""
    lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
    return " ".join(lines[-_MOST_LINES:]) or "app.py failed and said nothing"


def read(folder: Path, stage: str) -> dict[str, StackTemplate]:
    """The stage's templates in this folder, by the stack's short name."""
    prefix = f"Twinvault-{stage}-"
    return {
        path.name.removeprefix(prefix).removesuffix(_SUFFIX): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob(f"{prefix}*{_SUFFIX}"))
    }


def _lint(paths: list[Path], region: str) -> Iterator[str]:
    """What cfn-lint finds, warnings included."""
    options = ["--format", "json", "--regions", region, "--ignore-checks", *_IGNORED, "--"]
    try:
        done = subprocess.run([LINTER, *options, *paths], capture_output=True, text=True, check=False)
        found = json.loads(done.stdout or "[]")
    except (OSError, ValueError) as error:
        yield f"it cannot be asked: {error}"
        return
    if done.returncode and not found:
        yield f"it ended with {done.returncode}: {done.stderr.strip()[-200:]}"
    for one in found:
        where = ".".join(map(str, one["Location"]["Path"] or ["?"]))
        yield f"{one['Rule']['Id']} {Path(one['Filename']).name.removesuffix(_SUFFIX)} {where}: {one['Message']}"
