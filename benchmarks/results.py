"""Figures as files, build/bench/NAME.json, of which the page is made; and lines that say how far a run has come."""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "bench"
_PACKAGES = ("boto3", "cryptography", "dynamodb-encryption-sdk", "aws-encryption-sdk")
_CPU = "model name"

type Figures = dict[str, Any]
"""What one benchmark found, as JSON: its tables are made of it by `tables`."""


def save(name: str, figures: Figures, *, folder: Path = FOLDER) -> None:
    """Write what one benchmark found, with when and where: the load is that of the minute before."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "python": platform.python_version(),
        "packages": dict(_versions()),
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }
    text = json.dumps({"about": about, "figures": figures}, indent=2) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def load(name: str, *, folder: Path = FOLDER) -> Figures | None:
    """What `save` wrote under this name; None where it never did."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def say(line: str) -> None:
    """Say how far a run has come."""
    sys.stderr.write(f"    {line}\n")
    sys.stderr.flush()


def machine() -> str:
    """The processor and how many cores of it there are."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    cpu = next((line.partition(": ")[2] for line in lines if line.startswith(_CPU)), platform.machine())
    return f"{os.cpu_count()} cores of {cpu}"


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:  # the peers stand in an environment of their own
            continue
    return found
