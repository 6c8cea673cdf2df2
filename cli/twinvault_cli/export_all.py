"""All dialogues of a tenant, listed and exported one by one into a file (docs/command.md, "Export all").

Each is one request of a route that any reader may call, and one audit entry. A file is no snapshot: it is of the time
from the first listing to the last. A dialogue's document never changes, so a line stays what it was; what came while
others were written a further listing finds.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from twinvault_cli.client import dialogue_path
from twinvault_cli.errors import CliError, UnavailableError, UsageError
from twinvault_cli.export_file import ExportFile, dialogue_of
from twinvault_cli.patience import PatientClient, problem_of

_PAGE = 50  # the most that the service lists at once
_MOST_LISTINGS = 5  # a tenant that imports without end must not keep an export from its end
_GONE = "erased"
_NOT_FOUND = "not-found"
_OF_ONE_ALONE = frozenset({"integrity", "undeclared", "key-refused", "incomplete", "too-large", "internal", _NOT_FOUND})
"""Problems of one dialogue, which say nothing of the next one."""

type Show = Callable[[int, int], None]


@dataclass(slots=True)
class Exported:
    """What one call did.

    Attributes:
        already: lines that stood in the file before.
        written: lines that this call wrote.
        gone: dialogues that were erased between their listing and their turn.
        left_out: what is in the store and not in the file: `id` or `partition`, `problem` and `correlation_id` of each.
        erased_since: ids of lines that were written before their dialogues were erased; they stand there still.
    """

    already: int
    written: int = 0
    gone: int = 0
    left_out: list[dict[str, Any]] = field(default_factory=list)
    erased_since: list[str] = field(default_factory=list)


def export_all(client: PatientClient, file: ExportFile, *, show: Show) -> Exported:
    """Write into the file what is not in it yet; `show` is told how many of how many are done.

    Raises:
        UsageError: the file has a dialogue that this tenant never had, or had otherwise: it is of another one.
        CliError: what keeps every dialogue from being read; what was written stays.
    """
    done = Exported(already=len(file.ids))
    seen = set[str]()
    for turn in range(_MOST_LISTINGS):
        listed = list(dict.fromkeys(_listed(client, done)))
        if turn == 0:
            _require_own(client, file, listed=set(listed), done=done)
        fresh = [one for one in listed if one not in seen and one not in file.ids]
        if not fresh:
            break
        total = len(file.ids) + len(fresh)
        for dialogue_id in fresh:
            show(len(file.ids), total)
            _export_one(client, file, dialogue_id=dialogue_id, done=done)
        seen.update(fresh)
    return done


def _listed(client: PatientClient, done: Exported) -> Iterator[str]:
    """The ids of all that the service lists; what it names as refused is left out, once each."""
    cursor: str | None = None
    while True:
        query = {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
        page = json.loads(client.get("/dialogues", query))
        yield from (one["id"] for one in page["dialogues"])
        known = {(one.get("partition"), one["problem"]) for one in done.left_out if "partition" in one}
        for one in page.get("refused", ()):
            if (one["partition"], one["problem"]) not in known:
                done.left_out.append({**one, "correlation_id": page.get("correlation_id", "")})
        cursor = page["cursor"]
        if not cursor:
            return


def _export_one(client: PatientClient, file: ExportFile, *, dialogue_id: str, done: Exported) -> None:
    try:
        document = _document(client, dialogue_id)
    except CliError as error:
        problem = problem_of(error)
        if problem == _GONE:
            done.gone += 1
            return
        if problem not in _OF_ONE_ALONE:
            raise
        answered = error.answered.correlation_id if error.answered else ""
        done.left_out.append({"id": dialogue_id, "problem": problem, "correlation_id": answered})
        return
    file.add(dialogue_id, document)
    done.written += 1


def _document(client: PatientClient, dialogue_id: str) -> bytes:
    document = client.get(f"{dialogue_path(dialogue_id)}/export")
    found = dialogue_of(document)
    if found is None or found["id"] != dialogue_id:
        # A portal or a proxy on the way answers 200 with a page of its own.
        raise UnavailableError("What answers is not the service: asked for a dialogue, it gave something else.")
    return document


def _require_own(client: PatientClient, file: ExportFile, *, listed: set[str], done: Exported) -> None:
    """Refuses to go on with a file of another tenant or service, and finds what was erased since.

    Each dialogue of the file is listed, or was erased, or is there all the same; the last one is as it was written.
    """
    last = file.last["id"] if file.last else None
    for dialogue_id in sorted(one for one in file.ids if one not in listed or one == last):
        try:
            document = json.loads(_document(client, dialogue_id))
        except CliError as error:
            problem = problem_of(error)
            if problem == _GONE:
                done.erased_since.append(dialogue_id)
                continue
            if problem == _NOT_FOUND:
                raise _of_another() from None
            if problem not in _OF_ONE_ALONE:
                raise
            continue  # it opened once, and its line is here
        if dialogue_id == last and document != file.last:
            raise _of_another()


def _of_another() -> UsageError:
    return UsageError(
        "What is there of this file is not of this tenant's dialogues as they are in this service.",
        next_step="Export to another file, or move the .partial away and begin anew.",
    )
