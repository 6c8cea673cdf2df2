"""``python -m twinvault_verdict.bill``: the artifact's bill of materials, CycloneDX, beside it.

cyclonedx-bom writes it from the locked requirements, without time and without number; what it does not know is which
artifact it is about, so the artifact's sha256 is put to the main component.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import twinvault_durable as durable
from twinvault_verdict.errors import GatheringError

_VERSION = "1.6"


def write(root: Path, artifact: Path, into: Path) -> None:
    """Write the bill of materials of an artifact that was built from the locks of the checkout at `root`.

    Raises:
        GatheringError: there is no artifact, or cyclonedx-bom refuses.
    """
    if not artifact.is_file():
        raise GatheringError(f"There is no artifact at {artifact}.", next_step="make build")
    # A list of requirements does not say who needs whom, of which the tool would warn.
    tool = [sys.executable, "-W", "ignore::UserWarning", "-m", "cyclonedx_py", "requirements"]
    about: list[str | Path] = ["--pyproject", root / "pyproject.toml", "--mc-type", "application"]
    form: list[str | Path] = ["--output-reproducible", "--sv", _VERSION, "--of", "JSON", "-o", "-"]
    command: list[str | Path] = [*tool, root / "requirements" / "runtime.txt", *about, *form]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise GatheringError(f"cyclonedx-bom makes no bill of materials: {said}", next_step="make setup")
    bill = json.loads(done.stdout)
    digest = hashlib.sha256(artifact.read_bytes()).hexdigest()
    bill["metadata"]["component"]["hashes"] = [{"alg": "SHA-256", "content": digest}]
    durable.write(into, json.dumps(bill, indent=2).encode() + b"\n", mode=0o644)


def main() -> int:
    """Write build/functions.cdx.json and return the exit code."""
    parser = argparse.ArgumentParser(prog="make bill", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout")
    root: Path = parser.parse_args().root.resolve()
    try:
        write(root, root / "build" / "functions.zip", root / "build" / "functions.cdx.json")
    except GatheringError as error:
        sys.stderr.write(f"{error.message}\n{error.next_step}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
