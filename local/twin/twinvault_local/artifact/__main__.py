"""``python -m twinvault_local.artifact``: builds the Lambda artifact, as ``make build`` does."""

import argparse
import os
import sys
from pathlib import Path

from twinvault_local.artifact import archive
from twinvault_local.artifact.project import Project
from twinvault_local.errors import TwinError
from twinvault_local.machine.checkout import ROOT


def main(arguments: list[str] | None = None) -> int:
    """Builds the artifact of this checkout, tells its hash and its size, and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m twinvault_local.artifact", description="Build the Lambda artifact."
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to build from (default: this one)")
    parser.add_argument("--out", type=Path, help="the zip to write (default: build/functions.zip below the root)")
    parser.add_argument("--stage", help="the stage whose processor it is for (default: that of cdk.json)")
    options = parser.parse_args(arguments)
    out: Path = options.out or options.root / "build" / "functions.zip"
    try:
        architecture = Project.read(options.root, stage=options.stage).architecture
        digest = archive.build(options.root, out, python=Path(sys.executable), progress=_say, architecture=architecture)
    except TwinError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(f"{os.path.relpath(out)}  {out.stat().st_size / 1e6:.1f} MB  sha256 {digest}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
