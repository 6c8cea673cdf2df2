"""The next command that a message names carries what this call was given."""

import ast
import re
from pathlib import Path

import pytest

from tests.cli.calling import Call
from tests.cli.service import Service
from twinvault_cli import given, main

CLI = Path(main.__file__).parent
NAMES_A_COMMAND = re.compile(r"(?<!\.)\btwinvault [a-z]")
# What composes, or is composed by whoever shows an error.
COMPOSED = {"carried"}


@pytest.fixture
def with_given(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        "--state": "a b",
        "--port": "9000",
        "--tenant": "acme",
        "--url": "http://127.0.0.1:1",
        "--status": "open",
    }
    monkeypatch.setattr(given, "_given", options)


@pytest.mark.usefixtures("with_given")
@pytest.mark.parametrize(
    ("text", "carried"),
    [
        pytest.param("Start it: twinvault up", "Start it: twinvault up --state 'a b' --port 9000", id="at the end"),
        pytest.param(
            "See: twinvault logs issuer", "See: twinvault logs --state 'a b' issuer", id="before its argument"
        ),
        pytest.param(
            "Wipe: twinvault reset && twinvault up",
            "Wipe: twinvault reset --state 'a b' && twinvault up --state 'a b' --port 9000",
            id="two commands",
        ),
        pytest.param("twinvault up --port 8788", "twinvault up --state 'a b' --port 8788", id="what it names stays"),
        pytest.param(
            "twinvault token --tenant T", "twinvault token --state 'a b' --tenant acme", id="a placeholder is filled"
        ),
        pytest.param(
            "More: twinvault list --cursor x",
            "More: twinvault list --state 'a b' --tenant acme --url http://127.0.0.1:1 --status open --cursor x",
            id="all that a list takes",
        ),
        pytest.param(
            "until `twinvault keys rotate`, at",
            "until `twinvault keys rotate --state 'a b' --tenant acme --url http://127.0.0.1:1`, at",
            id="a command of a command, in prose",
        ),
        pytest.param(
            'eval "$(twinvault env --as read)"',
            "eval \"$(twinvault env --state 'a b' --as read)\"",
            id="within another",
        ),
        pytest.param("Another twinvault command is at work", "Another twinvault command is at work", id="no command"),
    ],
)
def test_a_command_carries_what_it_takes_of_what_was_given(text: str, carried: str) -> None:
    assert given.carried(text) == carried


def test_the_next_page_is_of_the_same_list(call: Call, service: Service) -> None:
    service.answers["/dialogues"] = (200, {"dialogues": [], "cursor": "next"})
    done = call(
        "list", "--url", service.url, "--token", "secret", "--status", "open", "--limit", "2", "--tenant", "acme"
    )
    (line,) = [line for line in done.err.splitlines() if line.startswith("More")]
    expected = f"More: twinvault list --url {service.url} --status open --limit 2 --tenant acme --cursor next"
    assert line == expected, "in the order they were given, and no token"


def test_an_error_of_the_twins_own_names_the_same_state_folder(call: Call, tmp_path: Path) -> None:
    done = call("show", "x", "--state", str(tmp_path))
    assert f"twinvault up --state {tmp_path}" in done.err
    assert "--state" not in call("show", "x").err.partition("twinvault up")[2]


def test_what_the_environment_says_is_not_repeated(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINVAULT_STATE", str(tmp_path))
    assert "--state" not in call("show", "x").err


def test_every_message_of_the_command_that_names_another_is_composed_here() -> None:
    """`next_step=` is composed where an error is shown; whatever else names a command must pass `carried`."""
    for file in sorted(CLI.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        exempt = {id(part) for node in ast.walk(tree) for part in _exempt(node)}
        for node in ast.walk(tree):
            named = (
                isinstance(node, ast.Constant) and isinstance(node.value, str) and NAMES_A_COMMAND.search(node.value)
            )
            assert not named or id(node) in exempt, f"{file.name}:{node.lineno}: {ast.unparse(node)}"


def _exempt(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in COMPOSED:
            return list(ast.walk(node))
        case ast.keyword(arg="next_step" | "help"):
            return list(ast.walk(node))
        case ast.Assign(targets=[ast.Name(id=name)]) if re.fullmatch("said|_?[A-Z_]+|there", name):
            return list(ast.walk(node))  # a text with a name, which is printed elsewhere
        case ast.Module() | ast.FunctionDef() | ast.ClassDef():
            return [node.body[0].value] if isinstance(node.body[0], ast.Expr) else []
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="todo")))):
            return list(ast.walk(node))
        case _:
            return []
