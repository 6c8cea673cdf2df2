"""docs/limitations.md says what an attacker can do: each sentence that names a test names one that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
NAMED = set(re.findall(r"`(?:\w+\.py::)?(test_[a-z0-9_]+)`", (ROOT / "docs" / "limitations.md").read_text()))


def test_every_attack_that_the_page_names_is_carried_out() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert len(NAMED) > 10
    assert not NAMED - there, NAMED - there
