"""The artifact and the synthesized app of a project, built again when their sources changed.

`python -m twinvault_local.artifact.sources` does it alone. A change is known by content, not by time: a checkout sets
times at will.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from twinvault_local.artifact import archive
from twinvault_local.artifact.project import Project
from twinvault_local.errors import BuildError, StateError, TwinError
from twinvault_local.machine import files, locks, toolchain
from twinvault_local.machine.progress import Progress

_TAIL_LINES = 8


@dataclass(frozen=True, slots=True)
class Sources:
    """What one `up` works from."""

    assembly: Path  # the folder with the synthesized templates
    artifact: Path  # functions.zip


def ensure(project: Project, *, environ: Mapping[str, str], progress: Progress) -> Sources:
    """The artifact and the assembly of a project's stage, built and synthesized where they are stale.

    Raises:
        BuildError: building or synthesizing failed.
        ToolMissingError: there is no Node.js and the app must be synthesized.
    """
    with _lock(project):
        zipped = _build(project, progress)
        wanted = {"inputs": project.assembly_inputs(), "artifact": zipped, "stage": project.stage}
        stamp = _assembly_stamp(project)
        if _read(stamp) != {**wanted, "manifest": _manifest(project)}:
            progress("synthesizing the stacks")
            _synthesize(project, environ)
            files.write_json(stamp, {**wanted, "manifest": _manifest(project)})
    return Sources(assembly=project.assembly, artifact=project.artifact)


def copied(made: Sources, into: Path) -> Sources:
    """A copy of what was made, in a folder of its own: later edits and builds change nothing of it."""
    assembly, artifact = into / "assembly", into / "functions.zip"
    shutil.copytree(made.assembly, assembly)
    shutil.copy(made.artifact, artifact)
    return Sources(assembly, artifact)


def ensure_artifact(project: Project, *, progress: Progress) -> Path:
    """The artifact alone, built where it is stale; the assembly keeps the hash of an earlier one.

    Raises:
        BuildError: building failed.
    """
    with _lock(project):
        _build(project, progress)
        return project.artifact


def has_other_stacks(project: Project) -> bool:
    """Whether the stacks changed since they were synthesized: what they say now, a running twin does not know."""
    return _read(_assembly_stamp(project)).get("inputs") != project.assembly_inputs()


def is_current(project: Project, artifact_sha256: str) -> bool:
    """Whether the artifact of this hash was built from the project's code as it stands now."""
    return _read(_artifact_stamp(project)) == {"inputs": project.artifact_inputs(), "artifact": artifact_sha256}


def _lock(project: Project) -> AbstractContextManager[None]:
    return locks.held(project.root / ".cache" / "sources.lock", wait=True)


def _build(project: Project, progress: Progress) -> str:
    out, built_from = project.artifact, project.artifact_inputs()
    stamp = _artifact_stamp(project)
    zipped = archive.sha256(out) if out.is_file() else ""
    if not zipped or _read(stamp) != {"inputs": built_from, "artifact": zipped}:
        progress("building the artifact")
        python, architecture = Path(sys.executable), project.architecture
        zipped = archive.build(project.root, out, python=python, progress=lambda _: None, architecture=architecture)
        files.write_json(stamp, {"inputs": built_from, "artifact": zipped})
    return zipped


def _assembly_stamp(project: Project) -> Path:
    return project.assembly / "inputs.json"


def _artifact_stamp(project: Project) -> Path:
    return project.artifact.with_suffix(".inputs.json")


def _manifest(project: Project) -> str:
    """The sha256 of what lists the stacks: somebody may have synthesized another stage to the same folder."""
    try:
        return hashlib.sha256((project.assembly / "manifest.json").read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _read(stamp: Path) -> dict[str, str]:
    try:
        return files.read_json(stamp)
    except StateError:
        return {}  # a damaged stamp only costs a build


def _synthesize(project: Project, environ: Mapping[str, str]) -> None:
    toolchain.find_node()
    shutil.rmtree(project.assembly, ignore_errors=True)
    # Neither credentials nor a chosen account: what is synthesized must not depend on who synthesizes.
    kept = {name: environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in environ}
    quiet = {"JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}
    context = {**project.context, "stage": project.stage}
    chosen = {"CDK_OUTDIR": str(project.assembly), "CDK_CONTEXT_JSON": json.dumps(context)}
    done = subprocess.run(  # noqa: S602  # `cdk` gives this very line of cdk.json to a shell
        project.command,
        shell=True,
        cwd=project.root,
        env=kept | quiet | chosen,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL_LINES:])
        next_step = f"See the whole of it: npx cdk synth --all -c stage={project.stage}"
        raise BuildError(f"The stacks could not be synthesized:\n{tail}", next_step=next_step)


def main() -> int:
    """Build and synthesize what is stale."""
    parser = argparse.ArgumentParser(prog="python -m twinvault_local.artifact.sources", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the project's folder")
    try:
        project = Project.read(parser.parse_args().root.resolve())
        made = ensure(project, environ=os.environ, progress=print)
    except TwinError as error:
        print(error, file=sys.stderr)  # noqa: T201  # a command of its own
        return 1
    print(f"{made.artifact}\n{made.assembly}")  # noqa: T201  # likewise
    return 0


if __name__ == "__main__":
    sys.exit(main())
