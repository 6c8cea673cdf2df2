"""Prints the table of README.md, from a run of each: python -m tests.kms_conformance.compare."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

_HERE = Path(__file__).parent


def main() -> None:
    ours, moto = _run("ours"), _run("moto")
    rows = [(area, ours[area, "all"], ours[area, "as AWS"], moto[area, "as AWS"]) for area in sorted(_areas(ours))]
    rows.append(("**all**", *(sum(row[column] for row in rows) for column in (1, 2, 3))))
    _print("| checks | number | ours | moto |")
    _print("| --- | ---: | ---: | ---: |")
    for row in rows:
        _print("| " + " | ".join(str(cell) for cell in row) + " |")


def _run(endpoint: str) -> Counter[tuple[str, str]]:
    """Count the checks of each file, and those that went as on AWS (an expected failure did not)."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(_HERE)]
        subprocess.run([*command, "--kms-endpoint", endpoint, f"--junitxml={report}"], check=True, stdout=sys.stderr)
        # Written by our own pytest a moment ago.
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314  # likewise
    counts: Counter[tuple[str, str]] = Counter()
    for case in cases:
        area = str(case.get("classname")).rpartition("test_")[2]
        counts[area, "all"] += 1
        counts[area, "as AWS"] += case.find("skipped") is None and case.find("failure") is None
    return counts


def _areas(counts: Counter[tuple[str, str]]) -> set[str]:
    return {area for area, _ in counts}


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
