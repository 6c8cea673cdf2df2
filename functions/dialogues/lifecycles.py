"""Statuses and the events that change them. History is recorded: it is taken as it is if it fits together."""

from collections.abc import Mapping, Sequence
from typing import Any

CREATED = "created"

FIRST_STATUS: Mapping[str, str] = {
    "perspectives": "open",
    "tensions": "open",
    "recommendations": "proposed",
    "evidence": "cited",
    "claims": "asserted",
}

STATUSES: Mapping[str, frozenset[str]] = {
    "perspectives": frozenset({"open", "refined", "conceded", "merged"}),
    "tensions": frozenset({"open", "addressed", "resolved", "reopened"}),
    "recommendations": frozenset({"proposed", "amended", "adopted", "rejected"}),
    "evidence": frozenset({"cited", "challenged", "confirmed", "refuted"}),
    "claims": frozenset({"asserted", "supported", "opposed", "adopted", "withdrawn"}),
}

OPEN_TENSIONS = frozenset({"open", "reopened"})


def fits(kind: str, status: str, events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a status is what its recorded events leave. Events that are no status change leave it as it is."""
    left = {status} if not events else set[str]()
    for event in events:
        if event["type"] == CREATED:
            left = {FIRST_STATUS[kind]}
        elif event["type"] in STATUSES[kind]:
            # A reopened tension is open again; records say it either way.
            left = {"open", "reopened"} if event["type"] == "reopened" else {event["type"]}
    return not left or status in left
