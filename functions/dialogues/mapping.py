"""Between the layout's elements and records' fields: one table of names, both ways.

What of an element its record would not give back letter for letter (a number written `1.0`, an origin that is empty) is
kept beside the fields, sealed, in `as_written`. So an export equals its import by construction, not by enumeration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dialogues.document import canonical
from dialogues.entities import DIALOGUE

type Element = dict[str, Any]

LISTS = (
    "experts",
    "rounds",
    "perspectives",
    "tensions",
    "recommendations",
    "evidence",
    "claims",
    "moves",
    "refs",
    "verdicts",
)
"""The lists of the layout, in the order in which it has them."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """How one entity's elements are called: `names` maps the layout's names to the record's."""

    entity: str
    names: Mapping[str, str]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_ITEM = {**_same("label", "status", "references"), "origin": "origin"}
_CONTENT = {**_ITEM, **_same("content")}

DIALOGUE_META = Mapped(
    "dialogue",
    {
        **_same("title", "question", "date", "output_dir", "domain_id", "ethos_id"),
        "id": "source_id",
        "created_at": "source_created_at",
    },
)
DIALOGUE_HEAD = Mapped("head", _same("status", "converged_at", "total_rounds", "total_alignment", "calibrated"))
EVENT = Mapped(
    "event",
    {**_same("reason", "reference", "result_id"), "type": "event_type", "round": "event_round", "by": "actors"},
)

ELEMENTS: Mapping[str, Mapped] = {
    "experts": Mapped(
        "expert",
        {
            **_same("role", "tier", "source", "description", "focus", "creation_reason", "color"),
            **_same("relevance", "first_round", "scores", "raw_content"),
            "slug": "expert_slug",
            "total": "total_score",
        },
    ),
    "rounds": Mapped("round", _same("title", "score", "summary", "status", "completed_at")),
    "perspectives": Mapped("perspective", _CONTENT),
    "tensions": Mapped("tension", {**_ITEM, **_same("description")}),
    "recommendations": Mapped("recommendation", {**_CONTENT, **_same("parameters", "adopted_in_verdict")}),
    "evidence": Mapped("evidence", _CONTENT),
    "claims": Mapped("claim", _CONTENT),
    "moves": Mapped("move", {**_same("targets", "context"), "type": "move_type"}),
    "refs": Mapped("ref", {"type": "ref_type"}),
    "verdicts": Mapped(
        "verdict",
        {
            **_same("round", "recommendation", "description", "conditions", "vote", "confidence"),
            **_same("supporting_experts", "tensions_accepted", "tensions_resolved", "ethos_compliance"),
            "type": "verdict_type",
            "author": "author_expert",
        },
    ),
}


def to_fields(mapped: Mapped, element: Element, implied: Element) -> dict[str, Any]:
    """Returns a record's fields. `implied` is what the sort key says of the element, as the layout names it.

    Raises:
        InvalidInput: a number that DynamoDB cannot hold.
    """
    fields: dict[str, Any] = {}
    for name, value in element.items():
        if name == "origin":
            fields |= _origin_fields(value)
        elif name in mapped.names:
            fields[mapped.names[name]] = value
    rebuilt = to_element(mapped, DIALOGUE.as_stored(mapped.entity, fields), implied)
    # Nothing is rebuilt that the element does not have, so what differs is all there is to keep.
    kept = {name: value for name, value in element.items() if name not in rebuilt or not _alike(rebuilt[name], value)}
    return {**fields, "as_written": kept} if kept else fields


def to_element(mapped: Mapped, fields: Mapping[str, Any], implied: Element) -> Element:
    """Returns the element that a record was made from."""
    element = dict(implied)
    for name, stored in mapped.names.items():
        if stored in fields:
            element[name] = plain(fields[stored])
    if "origin" in mapped.names:
        origin = {
            name: fields[stored]
            for name, stored in (("round", "origin_round"), ("contributors", "contributors"))
            if stored in fields
        }
        if origin:
            element["origin"] = origin
    kept: Element = fields.get("as_written", {})
    return element | kept


def plain(value: object) -> object:
    """A clear number as JSON has it: whole ones as integers, others as the nearest float."""
    return float(value) if isinstance(value, Decimal) else value


def _alike(one: object, other: object) -> bool:
    """Whether two values are written alike: `1` and `1.0` are not."""
    return canonical(one) == canonical(other)


def _origin_fields(origin: object) -> dict[str, Any]:
    if not isinstance(origin, dict):
        return {}
    names = {"round": "origin_round", "contributors": "contributors"}
    return {names[name]: value for name, value in origin.items()}
