"""docs/faults.md and the tests name each other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
LINES = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| What happens")]


def test_every_line_names_tests_that_exist() -> None:
    assert LINES
    for line in LINES:
        named = NAMED.findall(line)
        assert named, f"names no test: {line}"
        for file, function in named:
            assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{function}"


def test_every_line_says_what_is_seen_and_what_to_type() -> None:
    for line in LINES:
        assert [bool(cell.strip()) for cell in line.split("|")[1:-1]] == [True] * 4, line


def test_every_fault_that_is_tested_is_on_the_page() -> None:
    listed = {function for _, function in NAMED.findall(PAGE)}
    for file in Path(__file__).parent.glob("test_*.py"):
        if file.name != Path(__file__).name:
            tested = set(re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE))
            assert tested <= listed, f"{file.name}: {tested - listed}"
