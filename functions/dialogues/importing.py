"""From a document to the drafts of its records; every rule is checked before anything is written."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dialogues.document import MAX_BODY_BYTES, canonical, join
from dialogues.entities import KIND, META
from dialogues.graph import ref_rule
from dialogues.ids import DisplayId
from dialogues.layout import check_layout
from dialogues.lifecycles import fits
from dialogues.mapping import DIALOGUE_HEAD, DIALOGUE_META, ELEMENTS, EVENT, LISTS, Element, Mapped, to_fields
from twinvault import Draft, InvalidInput, TooLarge, Unprocessable

_ITEM_LISTS = ("perspectives", "tensions", "recommendations", "evidence", "claims")
_NOT_TIME = re.compile(r"[^0-9TZ]")
_NO_TIME = "0"


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole dialogue as it is to be stored.

    Attributes:
        head: the head's own fields, without the state and the list attributes.
        drafts: all other records with the field of the document that each comes from.
    """

    dialogue_id: str
    head: dict[str, Any]
    drafts: tuple[tuple[str, Draft], ...]


def plan_import(document: Element) -> Plan:
    """Checks a parsed document whole and returns the drafts of its records.

    Raises:
        Unprocessable: names the field and the rule that it breaks.
        TooLarge: over 2 MiB as canonical JSON: it could not be exported again.
    """
    check_layout(document)
    encoded = canonical(document)
    if len(encoded) > MAX_BODY_BYTES:
        raise TooLarge(f"body: over the limit of {MAX_BODY_BYTES} bytes (2 MiB) as canonical JSON", field="body")
    head = _fields("", DIALOGUE_HEAD, _own(DIALOGUE_HEAD, document), {})
    # What a head cannot give back letter for letter stands in the meta record.
    drafts = [("", _meta(document, encoded, kept=head.pop("as_written", {})))]
    for name in LISTS:
        for position, element in enumerate(document.get(name, [])):
            drafts.extend(_records(name, position, element, document))
    _refuse_duplicates(drafts)
    _check_refs(document)
    return Plan(document["id"], head, tuple(drafts))


def _meta(document: Element, encoded: bytes, *, kept: Element) -> Draft:
    """The dialogue's own record. `encoded` is the document's canonical JSON, `kept` what the head could not keep."""
    fields = _fields("", DIALOGUE_META, _own(DIALOGUE_META, document), {})
    kept = fields.get("as_written", {}) | kept
    if kept:
        fields["as_written"] = kept
    fields["lists"] = [name for name in LISTS if name in document]
    # The first record of the first transaction says which document is being imported: another one, even if it begins
    # alike, cannot complete it.
    fields["digest"] = hashlib.sha256(encoded).hexdigest()
    return Draft(KIND, META, fields)


def _own(mapped: Mapped, document: Element) -> Element:
    return {name: value for name, value in document.items() if name in mapped.names}


def _fields(path: str, mapped: Mapped, element: Element, implied: Element) -> dict[str, Any]:
    """`to_fields`, with errors that name the field as the document does."""
    try:
        return to_fields(mapped, element, implied)
    except InvalidInput as error:
        stored = error.field.rpartition(".")[2]
        field = join(path, next((name for name, field in mapped.names.items() if field == stored), stored))
        rule = error.message.removeprefix(f"{error.field}: ")
        raise Unprocessable(f"{field}: {rule}", field=field) from None


def _records(name: str, position: int, element: Element, document: Element) -> Iterator[tuple[str, Draft]]:
    """The record of one element, and those of its events."""
    path = join(name, position)
    if name in _ITEM_LISTS:
        yield from _item_records(name, position, element, document)
        return
    sk, implied, derived = _place(name, element)
    mapped = ELEMENTS[name]
    fields = _fields(path, mapped, element, implied) | derived | {"position": position}
    yield path, Draft(mapped.entity, sk, fields)


def _place(name: str, element: Element) -> tuple[str, Element, Element]:
    """Where an element stands, what its sort key says of it, and the clear attributes that derive from it."""
    match name:
        case "experts":
            return f"expert#{element['slug']}", {}, {}
        case "rounds":
            return f"round#{element['round']:02d}", {"round": element["round"]}, {}
        case "verdicts":
            return f"verdict#{element['id']}", {"id": element["id"]}, {}
        case "moves":
            implied = {key: element[key] for key in ("round", "expert", "seq")}
            return f"move#{element['round']:02d}#{element['expert']}#{element['seq']:02d}", implied, {}
        case _:
            source, target = element["source"], element["target"]
            types = {"source_type": source[:1], "target_type": target[:1]}
            return f"ref#{source}#{element['type']}#{target}", {"source": source, "target": target}, types


def _item_records(name: str, position: int, element: Element, document: Element) -> Iterator[tuple[str, Draft]]:
    path = join(name, position)
    place = DisplayId.parse(element["id"], field=join(path, "id"))
    events = element.get("events")
    if not fits(name, element["status"], events or []):
        field = join(path, "status")
        raise Unprocessable(f"{field}: is not what the last of its events leaves", field=field)
    mapped = ELEMENTS[name]
    own = {key: value for key, value in element.items() if key != "events"}
    fields = _fields(path, mapped, own, {"id": element["id"]}) | {"position": position}
    if events is not None:
        fields["event_count"] = len(events)
    if name == "tensions":
        fields |= {"list_kind": "tension", "list_status": element["status"], "list_at": event_time(document)}
    yield path, Draft(mapped.entity, place.sk, fields)
    for index, event in enumerate(events or []):
        sk = f"event#{place.kind}#{place}#{event_time(document)}#{index + 1:02d}"
        where = join(join(path, "events"), index)
        yield where, Draft("event", sk, _fields(where, EVENT, event, {}))


def event_time(document: Element) -> str:
    """The time part of an imported event's sort key: the dialogue's own, for the layout's events have none.

    It depends on the document alone, so that the same file gives the same keys at every attempt.
    """
    return _NOT_TIME.sub("", document.get("created_at") or "")[:32] or _NO_TIME


def _refuse_duplicates(drafts: list[tuple[str, Draft]]) -> None:
    first: dict[str, str] = {}
    for path, draft in drafts:
        if draft.sk in first:
            raise Unprocessable(f"{path}: is there already, as {first[draft.sk]}", field=path)
        first[draft.sk] = path


def _check_refs(document: Element) -> None:
    items = {item["id"] for name in _ITEM_LISTS for item in document.get(name, [])}
    for index, ref in enumerate(document.get("refs", [])):
        path = join("refs", index)
        for end in ("source", "target"):
            if ref[end] not in items:
                field = join(path, end)
                raise Unprocessable(f"{field}: there is no item with this id", field=field)
        rule = ref_rule(ref["type"], ref["source"], ref["target"])
        if rule:
            raise Unprocessable(f"{path}: {rule}", field=path)
