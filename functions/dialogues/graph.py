"""The graph of a dialogue: which refs may be, and what a verdict rests on. Pure.

A verdict's tensions, recommendations, evidence and claims are computed from the graph each time, never stored.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogues.elements import ANY_TARGET, ITEMS, LETTERS, REF_TYPES, SAME_KIND
from twinvault import TooLarge

MAX_LISTED = 100_000
_OPEN_TENSIONS = frozenset({"open", "reopened"})


def ref_rule(ref_type: str, source: str, *, target: str) -> str | None:
    """The rule that a ref breaks, or None."""
    allowed = REF_TYPES[ref_type]
    if allowed == SAME_KIND:
        if source[0] != target[0]:
            return f"a ref of type {ref_type} must have a target of its source's own kind"
    elif allowed not in {ANY_TARGET, LETTERS[target[0]].entity}:
        return f"a ref of type {ref_type} must have a {allowed} as its target"
    return None


def graph_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from a dialogue's refs, statuses and events: the edges of each item, the basis of each verdict.

    Raises:
        TooLarge: the verdicts' bases list more than 100,000 ids in all.
    """
    refs: Sequence[Mapping[str, str]] = document.get("refs", [])
    edges: dict[str, dict[str, list[dict[str, str]]]] = {}
    for ref in refs:
        source, target, kind = ref["source"], ref["target"], ref["type"]
        edges.setdefault(source, {}).setdefault("to", []).append({"type": kind, "id": target})
        edges.setdefault(target, {}).setdefault("from", []).append({"type": kind, "id": source})
    return {
        "items": {item.name: len(document.get(item.name, [])) for item in ITEMS},
        "edges": edges,
        "verdicts": _bases(document),
    }


def _bases(document: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """What stood when each verdict was given: items of its round and before, by their recorded status.

    Raises:
        TooLarge: each verdict lists what came before it, so that a document of 100 KB can have a basis of 10 MB.
    """
    recommendations: Sequence[Mapping[str, Any]] = document.get("recommendations", [])
    named: dict[str | None, list[int]] = {}
    for position, item in enumerate(recommendations):
        named.setdefault(item.get("adopted_in_verdict"), []).append(position)
    standing: dict[int | None, dict[str, list[str]]] = {}
    adopted: dict[int | None, list[int]] = {}
    found, total = {}, 0
    for verdict in document.get("verdicts", []):
        until = verdict.get("round")
        if until not in standing:
            standing[until] = _standing(document, until)
            known = enumerate(recommendations)
            adopted[until] = [at for at, one in known if one["status"] == "adopted" and _known(one, until)]
        positions = sorted({*adopted[until], *named.get(verdict["id"], [])})
        basis = standing[until] | {"recommendations_adopted": [recommendations[at]["id"] for at in positions]}
        total += sum(map(len, basis.values()))
        if total > MAX_LISTED:
            raise TooLarge(f"graph: over the limit of {MAX_LISTED} ids listed under its verdicts; export it instead")
        found[verdict["id"]] = basis
    return found


def _standing(document: Mapping[str, Any], until: int | None) -> dict[str, list[str]]:
    def ids(kind: str, statuses: frozenset[str]) -> list[str]:
        return [item["id"] for item in document.get(kind, []) if item["status"] in statuses and _known(item, until)]

    return {
        "tensions_resolved": ids("tensions", frozenset({"resolved"})),
        "tensions_open": ids("tensions", _OPEN_TENSIONS),
        "evidence_confirmed": ids("evidence", frozenset({"confirmed"})),
        "claims_adopted": ids("claims", frozenset({"adopted"})),
    }


def _known(item: Mapping[str, Any], until: int | None) -> bool:
    return until is None or int(item["id"][1:3]) <= until
