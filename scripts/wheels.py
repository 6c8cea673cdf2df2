"""Builds the wheels of all our packages, the same bytes everywhere, and the lock files that name them by hash.

    python scripts/wheels.py dist

A project of one's own keeps them in its `wheels/` and the lock files in its `requirements/`: nothing is published.
`wheels.txt` is what its artifact needs, `wheels-dev.txt` the rest: constructs, command, twin.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from twinvault_cli import project

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Builds into the folder that is named, and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="a folder; what was there is replaced")
    out: Path = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    build(out)
    wheels, locks = project.locks_of(out)
    for name, text in locks.items():
        (out / Path(name).name).write_text(text, encoding="utf-8")
    print(f"{len(wheels)} wheels and their lock files in {out}")
    return 0


def packages() -> list[Path]:
    """The folders of all our packages."""
    patterns = ("", "packaging/*/", "constructs/", "local/*/", "cli/")
    return [path.parent for pattern in patterns for path in sorted(ROOT.glob(f"{pattern}pyproject.toml"))]


def build(into: Path) -> None:
    """Builds the wheel of each package. No entry of a wheel says when: hatchling writes one time for all."""
    uv = Path(sys.executable).with_name("uv")
    options = ["--quiet", "--wheel", "--no-build-isolation", "--no-create-gitignore", "--python", sys.executable]
    for package in packages():
        subprocess.run([uv, "build", *options, "--out-dir", into, package], check=True)


if __name__ == "__main__":
    sys.exit(main())
