"""What a release is made of: the Lambda artifact, the wheels, the artifact's bill of materials, and the hashes of all.

`make release` writes them to build/release. The same commit gives the same bytes, whoever builds it.
"""

import argparse
import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

import wheels

from twinvault_verdict import bill

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"


class ReleaseError(Exception):
    """What is missing, or does not fit the tag."""


def main(arguments: list[str] | None = None) -> int:
    """Writes the release's files to an emptied folder and returns the exit code."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--tag", help="the tag that is released, such as v0.1.0; refused if it is not the version")
    parser.add_argument("--artifact", type=Path, default=ROOT / "build" / "functions.zip", help="what make build made")
    parser.add_argument("--into", type=Path, default=ROOT / "build" / "release", help="folder to write to, emptied")
    asked = parser.parse_args(arguments)
    try:
        version = _version(asked.tag)
        artifact = _artifact(asked.artifact)
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    into: Path = asked.into.absolute()
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    shutil.copyfile(artifact, into / f"twinvault-functions-{version}.zip")
    bill.write(ROOT, artifact, into / f"twinvault-functions-{version}.cdx.json")
    wheels.build(into)
    for line in _sums(into):
        print(line)
    return 0


def _version(tag: str | None) -> str:
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if tag not in {None, f"v{version}"}:
        raise ReleaseError(f"The tag is {tag} and pyproject.toml says {version}.")
    return version


def _artifact(path: Path) -> Path:
    if not path.is_file():
        raise ReleaseError(f"There is no artifact at {path}. Type: make build")
    return path


def _sums(folder: Path) -> list[str]:
    """Writes SHA256SUMS, as `sha256sum --check` reads it, and returns its lines."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(folder.iterdir())]
    (folder / SUMS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return lines


if __name__ == "__main__":
    sys.exit(main())
