"""`/recovery`: one partition that cannot be read, looked at and mended: of what opens there, or from a backup."""

from collections.abc import Mapping
from typing import Any

from dialogues.entities import DIALOGUE, HEAD_NEEDED
from dialogues.reading import StoredDialogues
from dialogues.strict_json import parse
from service.access import MAINTAIN
from service.http import Answer, Api, Request
from twinvault import InvalidInput, NotFound, Recovery, RecoveryReport

_TYPES: Mapping[str, type] = {"partition": str, "dialogue": str, "lose": int, "head": dict}

_RULE = "body: may hold partition or dialogue (texts), lose (a whole number) and head (an object), and nothing else"


def add_routes(api: Api) -> None:
    """The routes, of the function that maintains."""
    api.route("POST /recovery/accept", permission=MAINTAIN, action="maintain.accept", about=_partition)(_accept)
    api.route("POST /recovery/restore", permission=MAINTAIN, action="maintain.restore", about=_partition)(_restore)


def _accept(request: Request) -> Answer:
    return _answer(request, Recovery(request.acting, DIALOGUE, _partition(request)))


def _restore(request: Request) -> Answer:
    backup = request.acting.vault.backup
    if backup is None:
        raise NotFound("this function has no table to restore from")
    return _answer(request, Recovery(request.acting, DIALOGUE, _partition(request), backup))


def _answer(request: Request, recovery: Recovery) -> Answer:
    """What mending would do; or, where the body says how many rows may be lost, what it did: 202 until it is done."""
    asked = _asked(request)
    if "lose" not in asked:
        return Answer(200, _shown(recovery.look()))
    report = recovery.mend(lose=asked["lose"], head=asked.get("head"))
    return Answer(200 if report.done else 202, _shown(report))


def _asked(request: Request) -> Mapping[str, Any]:
    asked = parse(request.body())
    for name, value in asked.items():
        if name not in _TYPES or type(value) is not _TYPES[name]:
            raise InvalidInput(_RULE, field="body")
    if missing := HEAD_NEEDED - asked.get("head", dict.fromkeys(HEAD_NEEDED)).keys():
        raise InvalidInput(f"head: {', '.join(sorted(missing))} must be there", field="head")
    if asked.get("lose", 0) < 0:
        raise InvalidInput("body: lose must be 0 or more", field="body")
    if ("partition" in asked) == ("dialogue" in asked):
        raise InvalidInput("body: must hold partition or dialogue, one of the two", field="body")
    return asked


def _partition(request: Request) -> str:
    """The id of the partition; the audit log is told that it is asked for."""
    asked = _asked(request)
    if "partition" in asked:
        return request.acting.partition(DIALOGUE, asked["partition"]).scope.partition
    return StoredDialogues(request.acting).partition_id(asked["dialogue"])


def _shown(report: RecoveryReport) -> Mapping[str, Any]:
    names = (
        "partition",
        "done",
        "version",
        "of",
        "mark",
        "lost_versions",
        "kept",
        "lost",
        "unaccounted",
        "refused_count",
        "replaced_count",
        "returned_count",
        "removed_count",
    )
    refused = [{"row": row, "check": check} for row, check in report.refused.items()]
    return {**{name: getattr(report, name) for name in names}, "refused": refused, "replaced": report.replaced}
