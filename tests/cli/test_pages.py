"""What the pages tell people to type is what the command takes, in the manner of sqlite-utils' tests of its docs.

Every `twinvault ...` of a page is taken apart as the shell would and given to the command's own parser, which refuses
an unknown command, option or value; those that need no twin are run as they stand. Every command is on some page.
"""

import contextlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer._click.exceptions import ClickException, MissingParameter
from typer.main import get_command

from tests.cli.calling import Call
from tests.cli.test_as_json import commands
from twinvault_cli import main

ROOT = Path(__file__).parents[2]
ROOT_PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "local/kms/README.md"]
PAGES = [*ROOT_PAGES, *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = re.compile(r"(?<![\w./-])(?:\.venv/bin/)?twinvault (?=[a-z-])")
# Where a command ends on a page: with its line, its code, a table's cell, a comment, a sentence, or the next command.
ENDS = re.compile(r"\n|`|\||&&|;|\)\"|\"(?=\W)| {2,}|\u2026| #| > |\.\s|,\s|$")
PLACEHOLDER = re.compile(r"[A-Z]+(\.\.\.)?")
# What stands for a value where a page leaves it open, and the command wants one of a kind.
STANDS_FOR = {"N": "1", "S": "open", "FILE": "README.md", "FILE...": "README.md", "team.snapshot": "README.md"}


def typed(page: Path) -> list[str]:
    """The commands that a page names: in code, and in prose where they are ones."""
    text, found = page.read_text(encoding="utf-8"), set()
    for match in NAMED.finditer(text):
        rest = text[match.end() :]
        said = rest[: ENDS.search(rest).start()].strip()  # type: ignore[union-attr]  # `$` always matches
        in_code = match.start() == 0 or text[match.start() - 1] in "`(\n" or text[: match.start()].endswith("    ")
        if in_code or said.split()[0] in main.COMMANDS:
            found.add(said)
    return sorted(found)


TYPED = [pytest.param(said, id=f"{page.relative_to(ROOT)}: {said}") for page in PAGES for said in typed(page)]


def words_of(said: str) -> list[str]:
    """The words as a shell gives them; placeholders become values, and what may be left out is."""
    words = shlex.split(re.sub(r"\[[^\]]*\]", "", said))
    return [STANDS_FOR.get(word, "x" if PLACEHOLDER.fullmatch(word) else word) for word in words]


def parse(words: list[str]) -> None:
    """Take these words apart as the command line does, and run nothing; raises as it does.

    What a sentence leaves out, for it only names the command, may be missing.
    """
    command: Any = get_command(main.app([]))
    context: Any = None
    given = words
    while hasattr(command, "commands"):
        if given and given[0].startswith("--") and context is None:
            known = {option for parameter in command.params for option in parameter.opts}
            assert given[0] in known | {"--install-completion"}, given[0]
            return
        if not given or given[0].startswith("-"):
            break
        name, given = given[0], given[1:]
        assert name in command.commands, f"there is no command {name}"
        context = command.make_context("twinvault", ["x"], parent=context, resilient_parsing=True)
        command = command.commands[name]
    with contextlib.suppress(MissingParameter):
        command.make_context("twinvault", list(given), parent=context)


def test_the_pages_name_commands() -> None:
    assert len(TYPED) > 60


@pytest.mark.parametrize("said", TYPED)
def test_what_a_page_says_to_type_is_taken(said: str) -> None:
    parse(words_of(said))


@pytest.mark.parametrize("said", ["lst", "list --stat open", "list --limit 99", "verify-deploy --stage", "up --port 0"])
def test_what_is_none_is_not(said: str) -> None:
    with pytest.raises((ClickException, AssertionError)):
        parse(words_of(said))


def test_every_command_is_on_a_page() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for path, command in commands(get_command(main.app([]))):
        if not hasattr(command, "commands"):
            last = path.split()[-1]
            assert re.search(rf"`?{last}\b", pages), path


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("--version", id="which it is"),
        pytest.param("verify-deploy --help", id="help of a command"),
    ],
)
def test_what_needs_no_twin_runs_as_it_stands(call: Call, said: str) -> None:
    assert call(*words_of(said)).code == 0
