"""What `import` sends: a file of one dialogue, or of one a line (NDJSON), as `export --all` writes it.

Importing is idempotent, so a file is gone on with by importing it again: what is there already is unchanged.
"""

import itertools
import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import httpx
from rich.markup import escape

from twinvault_cli.errors import OK, CliError, UsageError
from twinvault_cli.export_file import dialogue_of
from twinvault_cli.output import console
from twinvault_cli.patience import PatientClient, problem_of

type FileOutcome = dict[str, Any]

_UNFINISHED = "importing"
_CREATED, _UNCHANGED = "created", "unchanged"
_OF_ONE_ALONE = frozenset(
    {"invalid-input", "erased", "conflict", "held", "too-large", "unprocessable", "integrity", "undeclared", "internal"}
)
"""Problems of one document, which say nothing of the next one."""


def import_file(client: PatientClient, name: str, *, after_erasure: bool) -> FileOutcome:
    """What became of one file; `-` is standard input.

    A file of which the first line is a JSON value by itself, with more after it, is one of a document a line.

    Raises:
        UsageError: it cannot be read.
        CliError: the service refuses the one document that it is.
    """
    began = time.monotonic()
    try:
        with _opened(name) as file:
            first = file.readline()
            # What follows a whole JSON value makes a file no JSON text, so this hides no document of one value.
            following = _next_line(file) if _is_json(first) else None
            if following is None:
                body = first + file.read()
                outcome = _sent(client, body, name=name, after_erasure=after_erasure)
            else:
                at, line = following
                lines = itertools.chain([(1, first), (at, line)], enumerate(file, at + 1))
                outcome = _import_lines(client, lines, name=name, after_erasure=after_erasure)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}.") from None
    return {**outcome, "seconds": round(time.monotonic() - began, 2)}


def worst_of(outcome: FileOutcome) -> int:
    """The exit code that the lines of a file leave."""
    return max((one["exit_code"] for one in outcome.get("failed", ())), default=OK)


def _import_lines(
    client: PatientClient, lines: Iterable[tuple[int, bytes]], *, name: str, after_erasure: bool
) -> FileOutcome:
    """Imports line after line. One that is refused is named and keeps no other out; what is of all of them ends it."""
    counts = {_CREATED: 0, _UNCHANGED: 0, "records": 0, "transactions": 0}
    failed: list[FileOutcome] = []
    stopped_at = None
    with console.status(escape(name)) as shown:
        for number, line in lines:
            if not line.strip():
                continue
            shown.update(f"{escape(name)}: line {number}")
            try:
                one = _sent(client, line.strip(), name=f"{name}:{number}", after_erasure=after_erasure)
            except CliError as error:
                failed.append(_failure(number, line, error=error))
                if problem_of(error) not in _OF_ONE_ALONE:
                    stopped_at = number
                    break
                continue
            counts[one["result"]] += 1
            for what in ("records", "transactions"):
                counts[what] += one[what]
    return {**counts, "failed": failed, "stopped_at_line": stopped_at}


def _failure(number: int, line: bytes, *, error: CliError) -> FileOutcome:
    document = dialogue_of(line)
    return {
        "line": number,
        "id": document["id"] if document else None,
        "problem": problem_of(error) or None,
        "error": error.message,
        "next_step": error.next_step,
        "exit_code": error.exit_code,
    }


def _sent(client: PatientClient, body: bytes, *, name: str, after_erasure: bool) -> FileOutcome:
    query = {"after_erasure": "true"} if after_erasure else None
    transactions = 0
    while True:
        outcome = _asked(client, body, query)
        transactions += outcome["transactions"]
        if outcome["result"] != _UNFINISHED:
            return {**outcome, "transactions": transactions}
        # One request's time did not suffice: the same request again goes on with it.
        console.print(f"{escape(name)}: {outcome['stored']} of {outcome['records']} records")


def _asked(client: PatientClient, body: bytes, query: dict[str, str] | None) -> FileOutcome:
    try:
        answer: FileOutcome = json.loads(client.post("/dialogues/import", body, query=query))
    except CliError as error:
        if error.answered and error.answered.status == httpx.codes.GONE and query is None:
            error.next_step = "As another dialogue, with keys of its own: give --after-erasure."
        raise
    return answer


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def _next_line(file: BinaryIO) -> tuple[int, bytes] | None:
    """The next line that is not blank, with its number, the first of the file read already; none, if all are."""
    for number, line in enumerate(file, 2):
        if line.strip():
            return number, line
    return None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
