"""All benchmarks one after the other, and the page: python -m benchmarks [NAME...].

Each runs in a process of its own, so that none measures what another left behind. One that fails does not keep the
others from running; the page is written of what there is, and the exit code is 1.
"""

import argparse
import subprocess
import sys
import time

from benchmarks.page import main as write_page
from benchmarks.results import ROOT

_OWN_ENVIRONMENT = {"envelope": ["scripts/bench"]}
NAMES = (
    "envelope",
    "full_reads",
    "opening",
    "cold_reads",
    "puts",
    "imports",
    "memory",
    "kms_calls",
    "front_door",
    "costs",
    "sum_and_mark",
    "cold_start",
    "kms",
    "gate",
)


def main() -> None:
    """Run what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description="The benchmarks, and docs/benchmarks.md.")
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], metavar="NAME", help=f"of: {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    failed = [name for number, name in enumerate(names, 1) if not _ran(name, f"{number} of {len(names)}")]
    write_page()
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _ran(name: str, which: str) -> bool:
    command = _OWN_ENVIRONMENT.get(name, [sys.executable, "-m", f"benchmarks.{name}"])
    sys.stderr.write(f"==> {name} ({which})\n")
    sys.stderr.flush()
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603  # our own command
    sys.stderr.write(f"    {time.monotonic() - began:.0f} s{'' if done.returncode == 0 else ', FAILED'}\n")
    return done.returncode == 0


if __name__ == "__main__":
    main()
