"""A line of a function's log as a console shows it: time, level, what happened, and what else is not said already."""

import json
import re
from typing import Any

from rich.text import Text

from twinvault_cli.hidden import one_line

_LEVELS = {"DEBUG": "dim", "INFO": "", "WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}
# What the platform adds to each line, or the beginning of the line says already.
_UNSHOWN = frozenset(
    {"level", "location", "message", "timestamp", "service", "request_id", "trace_id", "xray_trace_id"}
)
_REPORT = re.compile(r"REPORT RequestId: \S+\tDuration: (?P<ms>\S+) ms\t.*Max Memory Used: (?P<mb>\d+) MB(?P<rest>.*)")
_REFUSED = re.compile(r"\S+ (?P<clock>\d\d:\d\d:\d\d),\d+ WARNING \S+ refused: (?P<words>.*)")
_UNSHOWN_LINES = ("START RequestId", "END RequestId")


def shown(line: str) -> Text | None:
    """The line for people, its hidden characters as escapes; None where it tells nothing that another does not."""
    if line.startswith(_UNSHOWN_LINES):
        return None
    if report := _REPORT.match(line):
        rest = report["rest"].strip().replace("\t", ", ")
        rest = one_line(rest)
        return Text(f"         took {report['ms']} ms, {report['mb']} MB{', ' if rest else ''}{rest}", style="dim")
    content = parsed(line)
    if content is None:
        return Text(one_line(line), style="red" if line.startswith(("[ERROR]", "INIT_REPORT")) else "")
    if "_aws" in content:
        return Text(f"         {_pairs(content, {'_aws', 'service'})}", style="dim")
    if "message" not in content:
        return Text(_pairs(content, set()))
    level = str(content.get("level", "INFO"))
    clock = one_line(str(content.get("timestamp", "")))[11:19] or " " * 8
    row = Text(f"{clock} ", style="dim")
    row.append(f"{one_line(level):<7} ", style=_LEVELS.get(level, ""))
    row.append(f"{one_line(str(content['message']))}  ", style="bold")
    row.append(_pairs(content, _UNSHOWN))
    return row


def refused(line: str) -> Text | None:
    """What gate or KMS refused, for people: the line says who, what, on which resource, and why; None for others."""
    match = _REFUSED.fullmatch(line)
    if match is None:
        return None
    row = Text(f"{match['clock']} ", style="dim")
    row.append("WARNING ", style="yellow")
    return row.append(f"refused: {one_line(match['words'])}")


def parsed(line: str) -> dict[str, Any] | None:
    """The JSON object that the line is; None if it is something else."""
    if not line.startswith("{"):
        return None
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _pairs(content: dict[str, Any], left_out: set[str] | frozenset[str]) -> str:
    shown = (f"{name}={_value(value)}" for name, value in content.items() if name not in left_out)
    return one_line("  ".join(shown))


def _value(value: object) -> str:
    match value:
        case [one] if not isinstance(one, list | dict):
            return _value(one)
        case float() if value.is_integer():
            return str(int(value))
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
