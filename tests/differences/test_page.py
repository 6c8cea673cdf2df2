"""docs/differences.md and the tests name each other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_line_names_a_test_that_exists() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| Here")]
    assert lines
    for line in lines:
        named = NAMED.findall(line)
        assert named, f"names no test: {line}"
        for file, function in named:
            assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{function}"


def test_every_difference_that_is_tested_is_on_the_page() -> None:
    listed = {function for _, function in NAMED.findall(PAGE)}
    for file in Path(__file__).parent.glob("test_*.py"):
        if file.name != Path(__file__).name:
            tested = set(re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE))
            assert tested <= listed, f"{file.name}: {tested - listed}"
