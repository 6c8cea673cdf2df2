"""The releases before and after this commit's: each an artifact, with the synthesized app that belongs to it."""

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from twinvault_local.artifact import archive
from twinvault_local.artifact.sources import Sources
from twinvault_verdict.facts import LastRelease
from twinvault_verdict.gathering import everything

BUILD_SECONDS = 1800
# What the makefile of a tag would take for its own.
_FOREIGN = ("MAKE", "MFLAGS", "GIT_", "AWS_", "TWINVAULT_", "PYTEST", "VIRTUAL_ENV", "COV_")

TABLE = "functions/dialogues/elements.py"
ITEM = """
    _item(
        "hunches",
        "hunch",
        letter="H",
        about="Something that somebody feels.",
        own=(sealed("feeling"), clear("strength", forms.NUMBER)),
        lifecycle=Lifecycle(("felt", "shared", "dropped")),
        listed=True,
    ),"""
ADDED = (
    ("\nITEMS = (", f"\nITEMS = ({ITEM}"),
    (
        'own=(sealed("content"),),\n        lifecycle=Lifecycle(("open", "refined"',
        (
            'own=(sealed("content"), sealed("rationale"), clear("mood", forms.NAME)),\n'
            '        lifecycle=Lifecycle(("open", "refined"'
        ),
    ),
)
"""What the table of elements has more in the release after this one."""


@dataclass(frozen=True)
class Release:
    """An artifact and its templates, and what it is called."""

    name: str
    commit: str
    made: Sources
    artifact_sha256: str


def rebuilt(root: Path, last: LastRelease) -> Release:
    """The tag's own artifact and app, made by its own makefile from its own locks, once."""
    folder = root / "build" / "either-way" / last.commit[:12]
    made = Sources(folder / "build" / "synth" / "dev", folder / "build" / "functions.zip")
    if not (made.assembly / "manifest.json").is_file() or not made.artifact.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(["git", "archive", last.commit], cwd=root, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        command = ["make", "build", "build/synth/dev/manifest.json"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
        )
        if done.returncode != 0:
            pytest.fail(f"{last.tag} cannot be rebuilt:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    return Release(last.tag, last.commit, made, everything.digest_of(made.artifact))


def given(file: Path, *, assembly: Path | None, tagged: Release | None, root: Path) -> Release:
    """An artifact that was kept, with the app that was named, or else the last tag's, or else this commit's."""
    if not file.is_file():
        pytest.fail(f"There is no artifact at {file}.")
    app = assembly or (tagged.made.assembly if tagged else root / "cdk.out")
    commit = tagged.commit if tagged else ""
    return Release(file.name, commit, Sources(app.resolve(), file.resolve()), everything.digest_of(file))


def newer(root: Path, present: Release, *, into: Path) -> Release:
    """An artifact of this checkout's functions with what is `ADDED`, and the app of this commit."""
    shutil.copytree(root / "functions", into / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "requirements", into / "requirements")
    (into / ".cache").symlink_to(root / ".cache")
    table = into / TABLE
    source = table.read_text(encoding="utf-8")
    for before, after in ADDED:
        assert source.count(before) == 1, before
        source = source.replace(before, after)
    table.write_text(source, encoding="utf-8")
    out = into / "functions.zip"
    digest = archive.build(into, out, python=Path(sys.executable), progress=lambda _: None)
    return Release("the next", present.commit, Sources(present.made.assembly, out), digest)
