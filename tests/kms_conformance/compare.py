"""Prints the table of README.md, from a run of each: python -m tests.kms_conformance.compare.

It needs the peers: moto is among the requirements of development, `local-kms` comes by
`go install github.com/nsmithuk/local-kms@latest`, onto the PATH.
"""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

_HERE = Path(__file__).parent
_ENDPOINTS = ("ours", "moto", "local-kms")


def main() -> None:
    counts = {name: _run(name) for name in _ENDPOINTS}
    ours = counts["ours"]
    rows = [(area, ours[area, "all"], *(each[area, "as AWS"] for each in counts.values())) for area in _areas(ours)]
    rows.append(("**all**", *(sum(row[column] for row in rows) for column in range(1, len(_ENDPOINTS) + 2))))
    _print("| checks | number | " + " | ".join(_ENDPOINTS) + " |")
    _print("| --- | ---: |" + " ---: |" * len(_ENDPOINTS))
    for row in rows:
        _print("| " + " | ".join(str(cell) for cell in row) + " |")


def _run(endpoint: str) -> Counter[tuple[str, str]]:
    """Count the checks of each file, and those that went as on AWS (an expected failure did not, nor one that came)."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", str(_HERE)]
        # What a peer fails is counted, not stopped at; ours must fail nothing.
        run = [*command, "--kms-endpoint", endpoint, f"--junitxml={report}"]
        subprocess.run(run, check=endpoint == "ours", stdout=sys.stderr)
        # Written by our own pytest a moment ago.
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314  # likewise
    counts: Counter[tuple[str, str]] = Counter()
    for case in cases:
        area = str(case.get("classname")).rpartition("test_")[2]
        counts[area, "all"] += 1
        counts[area, "as AWS"] += not any(case.find(way) is not None for way in ("skipped", "failure", "error"))
    return counts


def _areas(counts: Counter[tuple[str, str]]) -> list[str]:
    return sorted({area for area, _ in counts})


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
