"""From a document to the drafts of its records; every rule is checked before anything is written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dialogues.canonical_json import MAX_BYTES, canonical, digest_of, join
from dialogues.declarations import Declared, Element, ElementSpec, Lifecycle
from dialogues.elements import ELEMENTS, EVENT, EVENT_KEY, EVENTS, ITEMS, REFS
from dialogues.entities import (
    AS_WRITTEN,
    DIGEST,
    EVENT_COUNT,
    HEAD_FIELDS,
    KIND,
    LISTS,
    META,
    META_FIELDS,
    POSITION,
)
from dialogues.graph import ref_rule
from dialogues.layout import check_layout
from dialogues.mapping import to_fields
from twinvault import Draft, InvalidInput, TooLarge, Unprocessable

MAX_RECORDS = 10_000
"""Of one dialogue: its elements and their events, and two of its own. So many are imported within two requests, and
read within one. A document has room for 24,000, of which each request would read what those before it wrote."""
MAX_EVENTS = 5_000
"""Of all its items together. Nothing in a document is shorter, and each becomes a record."""

_OWN_RECORDS = 2  # the head, and the dialogue's own
_NOT_TIME = re.compile(r"[^0-9TZ]")
_NO_TIME = "0"


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A whole dialogue as it is to be stored.

    Attributes:
        head: the head's own fields, without the state and the list attributes.
        drafts: all other records with the field of the document that each comes from.
        digest: SHA-256 of the document as canonical JSON, 32 bytes.
    """

    dialogue_id: str
    head: dict[str, Any]
    drafts: tuple[tuple[str, Draft], ...]
    digest: bytes


def plan_import(document: Element) -> ImportPlan:
    """Checks a parsed document whole and returns the drafts of its records.

    Raises:
        Unprocessable: names the field and the rule that it breaks.
        TooLarge: over 10,000 records or 5,000 events; or over 2 MiB as canonical JSON: it could not be exported again.
    """
    check_layout(document)
    _check_counts(document)
    encoded = canonical(document)
    if len(encoded) > MAX_BYTES:
        raise TooLarge(f"body: over the limit of {MAX_BYTES} bytes (2 MiB) as canonical JSON", field="body")
    head = _fields("", HEAD_FIELDS, element=HEAD_FIELDS.own(document), implied={})
    # What a head cannot give back letter for letter stands in the meta record.
    digest = digest_of(encoded)
    drafts = [("", _meta(document, digest, kept=head.pop(AS_WRITTEN, {})))]
    for name, spec in ELEMENTS.items():
        for position, element in enumerate(document.get(name, [])):
            drafts.extend(_records(spec, position, element=element, document=document))
    _refuse_duplicates(drafts)
    _check_refs(document)
    return ImportPlan(document["id"], head, tuple(drafts), digest)


def _check_counts(document: Element) -> None:
    records, events = _OWN_RECORDS, 0
    for name, spec in ELEMENTS.items():
        for position, element in enumerate(document.get(name, [])):
            told = len(element.get(EVENTS) or ()) if spec.lifecycle else 0
            records, events = records + 1 + told, events + told
            path = join(name, position)
            if events > MAX_EVENTS:
                field = join(path, EVENTS)
                raise TooLarge(f"{field}: over the limit of {MAX_EVENTS} events in one dialogue", field=field)
            if records > MAX_RECORDS:
                rule = f"over the limit of {MAX_RECORDS} records in one dialogue: its elements, their events, and two"
                raise TooLarge(f"{path}: {rule}", field=path)


def _meta(document: Element, digest: bytes, *, kept: Element) -> Draft:
    """The dialogue's own record. `digest` is the document's, `kept` what the head could not keep."""
    fields = _fields("", META_FIELDS, element=META_FIELDS.own(document), implied={})
    kept = fields.get(AS_WRITTEN, {}) | kept
    if kept:
        fields[AS_WRITTEN] = kept
    fields[LISTS] = [name for name in ELEMENTS if name in document]
    # The first record of the first transaction says which document is being imported: another one, even if it begins
    # alike, cannot complete it.
    fields[DIGEST] = digest.hex()
    return Draft(KIND, META, fields)


def _fields(path: str, declared: Declared, *, element: Element, implied: Element) -> dict[str, Any]:
    """`to_fields`, with errors that name the field as the document does."""
    try:
        return to_fields(declared, element, implied=implied)
    except InvalidInput as error:
        stored = error.field.rpartition(".")[2]
        field = join(path, next((one.name for one in declared.fields if one.stored == stored), stored))
        rule = error.message.removeprefix(f"{error.field}: ")
        raise Unprocessable(f"{field}: {rule}", field=field) from None


def _records(spec: ElementSpec, position: int, *, element: Element, document: Element) -> Iterator[tuple[str, Draft]]:
    """The record of one element, and those of its events."""
    path = join(spec.name, position)
    events = element.get(EVENTS) if spec.lifecycle else None
    if spec.lifecycle:
        _check_status(path, spec.lifecycle, element=element)
    fields = _fields(path, spec, element=element, implied=spec.in_key(element))
    fields |= {name: derive(element) for name, derive in spec.derived.items()} | {POSITION: position}
    if events is not None:
        fields[EVENT_COUNT] = len(events)
    if spec.listed:
        fields |= {"list_kind": spec.entity, "list_status": element["status"], "list_at": event_time(document)}
    yield path, Draft(spec.entity, spec.sort_key.write(element), fields)
    for index, event in enumerate(events or []):
        place = {"kind": spec.entity, "item": element["id"], "time": event_time(document), "number": index + 1}
        where = join(join(path, EVENTS), index)
        yield where, Draft(EVENT.entity, EVENT_KEY.write(place), _fields(where, EVENT, element=event, implied={}))


def _check_status(path: str, lifecycle: Lifecycle, *, element: Element) -> None:
    if not lifecycle.fits(element["status"], element.get(EVENTS, [])):
        field = join(path, "status")
        raise Unprocessable(f"{field}: is not what the last of its events leaves", field=field)


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
    items = {item["id"] for spec in ITEMS for item in document.get(spec.name, [])}
    for index, ref in enumerate(document.get(REFS.name, [])):
        path = join(REFS.name, index)
        for end in ("source", "target"):
            if ref[end] not in items:
                field = join(path, end)
                raise Unprocessable(f"{field}: there is no item with this id", field=field)
        rule = ref_rule(ref["type"], ref["source"], target=ref["target"])
        if rule:
            raise Unprocessable(f"{path}: {rule}", field=path)
