"""The twenty lines that show another team its own records, run as they stand against a twin."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("end_to_end")

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "own_records.py"


def body(text: str) -> str:
    """The script without its docstring: what a page shows."""
    return text.split('"""\n', 1)[1].strip()


def test_the_twenty_lines_put_a_record_get_it_and_show_what_dynamodb_holds(vault):
    command = [sys.executable, str(SCRIPT), str(vault.twin.state.folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    shown = dict(line.split(None, 1) for line in run.stdout.splitlines()[1:])
    assert shown["vendor"] == "{'S': 'initech'}"
    assert shown["pk"] == "{'S': 'tenant#acme#contract#c-2026-001'}"
    assert "content_encrypted" in shown
    assert "12,000" not in run.stdout.split("\n", 1)[1]


def test_what_the_page_changes_behind_the_stores_back_is_refused(vault, tmp_path):
    page = (ROOT / "docs" / "own-records.md").read_text(encoding="utf-8")
    [tampering] = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "update_item" in block]
    whole = body(SCRIPT.read_text(encoding="utf-8")).replace("c-2026-001", "c-2026-002")
    before, get, after = whole.partition("    if terms :=")
    script = tmp_path / "tampering.py"
    script.write_text(before + tampering + get + after, encoding="utf-8")
    command = [sys.executable, str(script), str(vault.twin.state.folder)]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parent)}
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert "IntegrityError" in run.stderr, run.stderr


def test_twenty_lines_are_twenty_lines():
    lines = [line for line in body(SCRIPT.read_text(encoding="utf-8")).splitlines() if line.strip()]
    assert len(lines) <= 20


@pytest.mark.parametrize("page", ["docs/own-records.md", "README.md"])
def test_a_page_that_shows_the_lines_shows_these_very_lines(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "open_vault(" in block]
    assert all(block.strip() == body(SCRIPT.read_text(encoding="utf-8")) for block in shown)
    assert shown or page == "README.md"
