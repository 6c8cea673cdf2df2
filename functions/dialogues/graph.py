"""The graph of a dialogue: which refs may be, and what a verdict rests on. Pure.

A verdict's tensions, recommendations, evidence and claims are computed from the graph each time, never stored.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogues.ids import KINDS
from dialogues.lifecycles import OPEN_TENSIONS

_ONLY_TENSIONS = frozenset({"resolve", "reopen", "address"})
_SAME_KIND = frozenset({"refine"})
_ITEM_LISTS = ("perspectives", "tensions", "recommendations", "evidence", "claims")


def ref_rule(ref_type: str, source: str, target: str) -> str | None:
    """The rule that a ref breaks, or None. `support`, `oppose`, `question` and `depend` take any target."""
    if ref_type in _ONLY_TENSIONS and KINDS[target[0]] != "tension":
        return f"a ref of type {ref_type} must have a tension as its target"
    if ref_type in _SAME_KIND and source[0] != target[0]:
        return f"a ref of type {ref_type} must have a target of its source's own kind"
    return None


def describe(document: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from a dialogue's refs, statuses and events: the edges of each item, the basis of each verdict."""
    refs: Sequence[Mapping[str, str]] = document.get("refs", [])
    edges: dict[str, dict[str, list[dict[str, str]]]] = {}
    for ref in refs:
        source, target, kind = ref["source"], ref["target"], ref["type"]
        edges.setdefault(source, {}).setdefault("to", []).append({"type": kind, "id": target})
        edges.setdefault(target, {}).setdefault("from", []).append({"type": kind, "id": source})
    return {
        "items": {kind: len(document.get(kind, [])) for kind in _ITEM_LISTS},
        "edges": edges,
        "verdicts": {verdict["id"]: _basis(document, verdict) for verdict in document.get("verdicts", [])},
    }


def _basis(document: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, list[str]]:
    """What stood when the verdict was given: items of its round and before, by their recorded status."""
    until = verdict.get("round")

    def known(item: Mapping[str, Any]) -> bool:
        return until is None or int(item["id"][1:3]) <= until

    def ids(kind: str, statuses: frozenset[str]) -> list[str]:
        return [item["id"] for item in document.get(kind, []) if known(item) and item["status"] in statuses]

    adopted = [
        item["id"]
        for item in document.get("recommendations", [])
        if item.get("adopted_in_verdict") == verdict["id"] or (item["status"] == "adopted" and known(item))
    ]
    return {
        "tensions_resolved": ids("tensions", frozenset({"resolved"})),
        "tensions_open": ids("tensions", OPEN_TENSIONS),
        "recommendations_adopted": adopted,
        "evidence_confirmed": ids("evidence", frozenset({"confirmed"})),
        "claims_adopted": ids("claims", frozenset({"adopted"})),
    }
