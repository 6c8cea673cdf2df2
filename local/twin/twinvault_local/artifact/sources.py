"""The artifact and the synthesized app, built again when their sources changed.

`python -m twinvault_local.artifact.sources` does it alone. A change is known by content, not by time: a checkout sets
times at will.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from twinvault_local.artifact import archive
from twinvault_local.errors import BuildError, StateError, TwinError
from twinvault_local.machine import files, locks, toolchain
from twinvault_local.machine.progress import Progress

STAGE = "dev"
_ARTIFACT_INPUTS = ("functions", "requirements/runtime.txt", "local/twin/twinvault_local/artifact")
_ASSEMBLY_INPUTS = ("app.py", "cdk.json", "stacks", "requirements/dev.txt")
_TAIL_LINES = 8


@dataclass(frozen=True, slots=True)
class Sources:
    """What one `up` works from."""

    assembly: Path  # the folder with the synthesized templates
    artifact: Path  # functions.zip


def ensure(root: Path, *, environ: Mapping[str, str], progress: Progress) -> Sources:
    """The artifact and the assembly of stage dev of the checkout at `root`, built and synthesized where they are stale.

    Raises:
        BuildError: building or synthesizing failed.
        ToolMissingError: there is no Node.js and the app must be synthesized.
    """
    made = _places(root)
    with _lock(root):
        zipped = _build(root, made.artifact, progress)
        synthesized_from = {"inputs": _digest(root, _ASSEMBLY_INPUTS), "artifact": zipped, "stage": STAGE}
        stamp = _assembly_stamp(made.assembly)
        if not _is_of_stage(made.assembly) or _read(stamp) != synthesized_from:
            progress("synthesizing the stacks")
            _synthesize(root, made.assembly, environ)
            files.write_json(stamp, synthesized_from)
    return made


def ensure_artifact(root: Path, *, progress: Progress) -> Path:
    """The artifact alone, built where it is stale; the assembly keeps the hash of an earlier one.

    Raises:
        BuildError: building failed.
    """
    with _lock(root):
        made = _places(root).artifact
        _build(root, made, progress)
        return made


def has_other_stacks(root: Path) -> bool:
    """Whether the stacks changed since they were synthesized: what they say now, a running twin does not know."""
    return _read(_assembly_stamp(_places(root).assembly)).get("inputs") != _digest(root, _ASSEMBLY_INPUTS)


def is_current(root: Path, artifact_sha256: str) -> bool:
    """Whether the artifact of this hash was built from the code as it stands in the checkout at `root` now."""
    return _read(_artifact_stamp(root)) == {"inputs": _digest(root, _ARTIFACT_INPUTS), "artifact": artifact_sha256}


def _places(root: Path) -> Sources:
    return Sources(assembly=root / "cdk.out", artifact=root / "build" / "functions.zip")


def _lock(root: Path) -> AbstractContextManager[None]:
    return locks.held(root / ".cache" / "sources.lock", wait=True)


def _build(root: Path, out: Path, progress: Progress) -> str:
    built_from = _digest(root, _ARTIFACT_INPUTS)
    stamp = _artifact_stamp(root)
    zipped = archive.sha256(out) if out.is_file() else ""
    if not zipped or _read(stamp) != {"inputs": built_from, "artifact": zipped}:
        progress("building the artifact")
        zipped = archive.build(root, out, python=Path(sys.executable), progress=lambda _: None)
        files.write_json(stamp, {"inputs": built_from, "artifact": zipped})
    return zipped


def _assembly_stamp(assembly: Path) -> Path:
    return assembly / "inputs.json"


def _artifact_stamp(root: Path) -> Path:
    return root / "build" / "functions.inputs.json"


def _digest(root: Path, inputs: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for name in inputs:
        for path in _files(root / name):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        found = sorted(path.rglob("*"))
        yield from (one for one in found if one.is_file() and "__pycache__" not in one.parts)


def _read(stamp: Path) -> dict[str, str]:
    try:
        return files.read_json(stamp)
    except StateError:
        return {}  # a damaged stamp only costs a build


def _is_of_stage(assembly: Path) -> bool:
    templates = [path.name for path in assembly.glob("*.template.json")]
    return bool(templates) and all(name.startswith(f"Twinvault-{STAGE}-") for name in templates)


def _synthesize(root: Path, assembly: Path, environ: Mapping[str, str]) -> None:
    toolchain.find_node()
    shutil.rmtree(assembly, ignore_errors=True)
    # Neither credentials nor a chosen account: what is synthesized must not depend on who synthesizes.
    kept = {name: environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in environ}
    quiet = {"JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}
    chosen = {"CDK_OUTDIR": str(assembly), "CDK_CONTEXT_JSON": f'{{"stage": "{STAGE}"}}'}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=root, env=kept | quiet | chosen, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL_LINES:])
        raise BuildError(f"The stacks could not be synthesized:\n{tail}", next_step="See the whole of it: make synth")


def main() -> int:
    """Build and synthesize what is stale."""
    parser = argparse.ArgumentParser(prog="python -m twinvault_local.artifact.sources", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout")
    try:
        made = ensure(parser.parse_args().root.resolve(), environ=os.environ, progress=print)
    except TwinError as error:
        print(error, file=sys.stderr)  # noqa: T201  # a command of its own
        return 1
    print(f"{made.artifact}\n{made.assembly}")  # noqa: T201  # likewise
    return 0


if __name__ == "__main__":
    sys.exit(main())
