"""`/recovery`: one partition that cannot be read, looked at and mended: of what opens there, or from a backup."""

from collections.abc import Mapping
from typing import Any

from twinvault import InvalidInput, NotFound, Recovery, RecoveryReport
from twinvault_http.access import MAINTAIN
from twinvault_http.http import Api
from twinvault_http.kinds import ServedKind, ServedKinds
from twinvault_http.messages import Answer, Request

_TYPES: Mapping[str, type] = {"partition": str, "kind": str, "lose": int, "head": dict}
_KIND_TOO = "; beside partition, its kind (a text)"


def add_recovery_routes(api: Api, kinds: ServedKinds) -> None:
    """Declares them."""

    def about(request: Request) -> None:
        _partition(_asked(request, kinds), request, kinds=kinds)

    @api.route("POST /recovery/accept", permission=MAINTAIN, action="maintain.accept", about=about)
    def accept(request: Request) -> Answer:
        """Mends it of what opens there."""
        asked = _asked(request, kinds)
        served, partition = _partition(asked, request, kinds=kinds)
        return _mended(Recovery(request.acting, served.spec, partition), asked)

    @api.route("POST /recovery/restore", permission=MAINTAIN, action="maintain.restore", about=about)
    def restore(request: Request) -> Answer:
        """Puts it back from the restored table."""
        backup = request.acting.vault.backup
        if backup is None:
            raise NotFound("this function has no table to restore from")
        asked = _asked(request, kinds)
        served, partition = _partition(asked, request, kinds=kinds)
        return _mended(Recovery(request.acting, served.spec, partition, backup), asked)


def _mended(recovery: Recovery, asked: Mapping[str, Any]) -> Answer:
    """What mending would do; or, where the body says how many rows may be lost, what it did: 202 until it is done."""
    if "lose" not in asked:
        return Answer(200, _shown(recovery.look()))
    report = recovery.mend(lose=asked["lose"], head=asked.get("head"))
    return Answer(200 if report.done else 202, _shown(report))


def _asked(request: Request, kinds: ServedKinds) -> Mapping[str, Any]:
    asked = request.json()
    types = {**_TYPES, **dict.fromkeys(kinds.names, str)}
    if not all(name in types and type(value) is types[name] for name, value in asked.items()):
        rule = f"may hold partition or {kinds.listed} (texts), lose (a whole number) and head (an object)"
        raise InvalidInput(f"body: {rule}, and nothing else{_KIND_TOO if len(kinds.names) > 1 else ''}", field="body")
    served = _kind(asked, kinds)
    if missing := served.needed - asked.get("head", dict.fromkeys(served.needed)).keys():
        raise InvalidInput(f"head: {', '.join(sorted(missing))} must be there", field="head")
    if asked.get("lose", 0) < 0:
        raise InvalidInput("body: lose must be 0 or more", field="body")
    return asked


def _kind(asked: Mapping[str, Any], kinds: ServedKinds) -> ServedKind:
    """The kind of the partition that the body names."""
    if "partition" in asked:
        served = kinds.get(asked.get("kind"))
        is_one = not asked.keys() & {*kinds.names}
    else:
        named = kinds.named_in(asked)
        served = named.served if named else None
        is_one = "kind" not in asked
    if served is None or not is_one:
        raise InvalidInput(f"body: must hold partition or {kinds.listed}, one of the two", field="body")
    return served


def _partition(asked: Mapping[str, Any], request: Request, *, kinds: ServedKinds) -> tuple[ServedKind, str]:
    """The partition's kind and id; the audit log is told that it is asked for."""
    served = _kind(asked, kinds)
    if "partition" in asked:
        found = request.acting.partition(served.spec, asked["partition"])
    else:
        found = served.existing(request.acting, asked[served.spec.kind])
    return served, found.scope.partition


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
