"""What the caller gave, and the next command that carries it on: the one place that composes what to type next.

Messages name commands plainly, `twinvault up`, wherever they are written, also in the twin's own errors. Before one is
shown, `carried` puts the options into it that this call was given and that the named command takes: whoever named a
state folder is not sent to another one. What the environment says needs no carrying, and a token is never shown.
"""

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

# Which module has a command. Only that one is imported for it: importing all of them takes longer than a reload.
COMMANDS = {
    **dict.fromkeys(("up", "down", "status", "reset", "token"), "twin"),
    **dict.fromkeys(("import", "export", "show", "list"), "dialogues"),
    "build": "build",
    "doctor": "doctor",
    "env": "environment",
    "erase": "erase",
    "iam": "iam",
    "keys": "keys",
    "kms": "kms",
    "logs": "logs",
    "maintain": "maintain",
    "migrate": "migrate",
    "new": "new",
    "raw": "raw",
    "receipt": "receipt",
    **dict.fromkeys(("fsck", "restore"), "recovering"),
    **dict.fromkeys(("reload", "tick"), "inner_loop"),
    "verdict": "verdict",
    "verify-deploy": "deployed",
}

_NAMED = re.compile(r"\btwinvault((?: [a-z][a-z-]*)+)")
_ENDS = re.compile(r"\n|    |&&|`|;|$")
_PLACEHOLDER = "[A-Z]+"

_given: dict[str, str] = {}


def remember(context: typer.Context, param: typer.CallbackParam, value: Any) -> Any:  # noqa: ANN401  # a callback of any option
    """The callback of an option that the next command carries on, if this call was given it on the command line."""
    source = context.get_parameter_source(param.name or "")
    if value is not None and source is not None and source.name == "COMMANDLINE":
        _given[max(param.opts, key=len)] = str(value)
    return value


def remember_state(folder: Path) -> None:
    """The next command is about this state folder, which followed from another option."""
    _given["--state"] = str(folder)


def forget() -> None:
    """Begin a call: nothing was given yet."""
    _given.clear()


def carried(text: str) -> str:
    """The text, with what was given put into every `twinvault` command that it names."""
    if not _given:
        return text
    done, rest = "", text
    while found := _NAMED.search(rest):
        path, takes = _command(found[1].split())
        end = _end(rest, found.end())
        begin = found.start() + len(" ".join(("twinvault", *path)))
        done += rest[:begin]
        options, tail = _with_given(rest[begin:end], takes)
        done, rest = done + options + tail, rest[end:]
    return done + rest


def _with_given(tail: str, takes: frozenset[str]) -> tuple[str, str]:
    """The options to put in, and what followed, in which a value in capitals stands for the one that was given."""
    added = ""
    for option, value in _given.items():
        if option not in takes:
            continue
        quoted = shlex.quote(value)
        if re.search(rf"{option}(?![\w-])", tail):
            tail = re.sub(rf"(?<={option} ){_PLACEHOLDER}(?![\w-])", quoted.replace("\\", r"\\"), tail)
        else:
            added += f" {option} {quoted}"
    return added, tail


def _end(text: str, begin: int) -> int:
    """Where the command that was named ends: at the next one, at a gap, or with the line."""
    following = _NAMED.search(text, begin)
    ends = _ENDS.search(text, begin)
    return min(following.start() if following else len(text), ends.start() if ends else len(text))


def _command(words: list[str]) -> tuple[list[str], frozenset[str]]:
    """The command that the first of these words name, and the options that it takes; neither, if they are none."""
    if words[0] not in COMMANDS:
        return [], frozenset()
    found: Any = get_command(module_app(COMMANDS[words[0]]))
    path: list[str] = []
    for word in words:
        commands = getattr(found, "commands", {})
        if word not in commands:
            break
        found = commands[word]
        path.append(word)
    return path, frozenset(option for parameter in found.params for option in parameter.opts)


def module_app(module: str) -> typer.Typer:
    """The application of a module, with a group above it, so that one command alone is still a command."""
    application = typer.Typer()
    application.callback()(lambda: None)
    application.add_typer(importlib.import_module(f"twinvault_cli.{module}").app)
    return application
