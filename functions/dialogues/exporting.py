"""From a dialogue's records back to the document that they were made from."""

from typing import Any

from dialogues.entities import META
from dialogues.ids import display_id
from dialogues.mapping import DIALOGUE_HEAD, DIALOGUE_META, ELEMENTS, EVENT, Element, to_element
from twinvault import IntegrityError, Record, Snapshot, Step


def export_document(snapshot: Snapshot) -> Element:
    """Returns the document of a complete dialogue, equal to what was imported.

    Raises:
        IntegrityError: the records do not make a dialogue; only a writer with the keys can have caused that.
    """
    meta = snapshot.records.get(META)
    if meta is None:
        raise IntegrityError(Step.MODEL, where=META)
    document = to_element(DIALOGUE_HEAD, snapshot.head.fields, {}) | to_element(DIALOGUE_META, meta.fields, {})
    events = _events(snapshot)
    for name in meta.fields["lists"]:
        entity = ELEMENTS[name].entity
        records = [record for record in snapshot.records.values() if record.entity == entity]
        records.sort(key=lambda record: int(record.fields["position"]))
        document[name] = [_element(name, record, events) for record in records]
    return document


def _element(name: str, record: Record, events: dict[str, list[Element]]) -> Element:
    element = to_element(ELEMENTS[name], record.fields, _implied(name, record.sk))
    if "event_count" in record.fields:
        found = events.get(record.sk, [])
        if len(found) != record.fields["event_count"]:
            raise IntegrityError(Step.MODEL, where=record.sk)
        element = {**element, "events": found}
    return element


def _implied(name: str, sk: str) -> Element:
    """What a sort key says of its element (see `importing._place`)."""
    parts = sk.split("#")
    match name:
        case "experts":
            return {}
        case "rounds":
            return {"round": int(parts[1])}
        case "verdicts":
            return {"id": parts[1]}
        case "moves":
            return {"round": int(parts[1]), "expert": parts[2], "seq": int(parts[3])}
        case "refs":
            return {"source": parts[1], "target": parts[3]}
        case _:
            return {"id": display_id(sk)}


def _events(snapshot: Snapshot) -> dict[str, list[Element]]:
    """The events of each item by its sort key, in their order: records come sorted, and the key ends in the place."""
    found: dict[str, list[Element]] = {}
    for record in snapshot.records.values():
        if record.entity == "event":
            _, kind, item, _, _ = record.sk.split("#")
            element: dict[str, Any] = to_element(EVENT, record.fields, {})
            found.setdefault(f"{kind}#{item[1:3]}#{item[3:5]}", []).append(element)
    return found
