"""From a dialogue's records back to the document that they were made from."""

from collections.abc import Iterator

from dialogues.canonical_json import canonical, digest_of
from dialogues.declarations import Element, ElementSpec
from dialogues.elements import ELEMENTS, EVENT, EVENT_KEY, EVENTS, LETTERS
from dialogues.entities import DIGEST, EVENT_COUNT, HEAD_FIELDS, LISTS, META, META_FIELDS, POSITION
from dialogues.mapping import to_element
from twinvault import IntegrityError, Place, Snapshot, Step, StoredRecord, Undeclared

_TABLE = "records"
_ANOTHER = "it holds another dialogue"


def require_dialogue(snapshot: Snapshot, *, pk: str, dialogue_id: str) -> None:
    """Refuses the partition `pk` if it is not this dialogue's, complete or not.

    Where a dialogue stands follows from its id; that what stands there is this id's, only its sealed record says.

    Raises:
        IntegrityError: it holds another dialogue, or none; only a writer with the keys can have caused that.
    """
    if to_element(META_FIELDS, _meta(snapshot, pk=pk).fields, implied={}).get("id") != dialogue_id:
        raise IntegrityError(Step.MODEL, where=Place(_TABLE, pk, META), detail=_ANOTHER)


def export_document(snapshot: Snapshot, *, pk: str) -> Element:
    """Returns the document of a complete dialogue, the partition `pk`, equal to what was imported.

    What a newer release wrote beside it is not in it (see `left_out`).

    Raises:
        IntegrityError: the records do not make a dialogue; only a writer with the keys can have caused that.
    """
    meta = _meta(snapshot, pk=pk)
    document = to_element(HEAD_FIELDS, snapshot.head.fields, implied={}) | to_element(
        META_FIELDS, meta.fields, implied={}
    )
    events = _events(snapshot)
    for spec in (ELEMENTS[name] for name in meta.fields[LISTS] if name in ELEMENTS):
        records = [record for record in _known(snapshot) if record.entity == spec.entity]
        records.sort(key=lambda record: int(record.fields[POSITION]))
        document[spec.name] = [_element(spec, record, events=events, pk=pk) for record in records]
    return document


def left_out(document: Element, snapshot: Snapshot) -> list[str]:
    """What a newer release stored of this dialogue and `export_document` could not give: names, and no values.

    Nothing, where the document is the one that was imported: the digest in its sealed record says so.
    """
    meta = snapshot.records[META]
    names = {name for name in meta.fields[LISTS] if name not in ELEMENTS}
    for record in (snapshot.head, *snapshot.records.values()):
        names |= {record.entity} if record.foreign else record.carried.names
    return sorted(names) if names and meta.fields[DIGEST] != digest_of(canonical(document)).hex() else []


def require_whole(document: Element, snapshot: Snapshot, *, pk: str) -> None:
    """Lets a document of the partition `pk` pass that is all that was imported.

    Raises:
        Undeclared: a newer release stored more of it than this one knows; it is named.
    """
    if unknown := left_out(document, snapshot):
        raise Undeclared(unknown, where=Place(_TABLE, pk))


def _known(snapshot: Snapshot) -> Iterator[StoredRecord]:
    """The records of which this release knows what they are."""
    return (record for record in snapshot.records.values() if not record.foreign)


def _meta(snapshot: Snapshot, *, pk: str) -> StoredRecord:
    meta = snapshot.records.get(META)
    if meta is None:
        raise IntegrityError(Step.MODEL, where=Place(_TABLE, pk, META))
    return meta


def _element(spec: ElementSpec, record: StoredRecord, *, events: dict[str, list[Element]], pk: str) -> Element:
    element = to_element(spec, record.fields, implied=spec.in_key(spec.sort_key.read(record.sk)))
    if EVENT_COUNT in record.fields:
        found = events.get(record.sk, [])
        if len(found) != record.fields[EVENT_COUNT]:
            raise IntegrityError(Step.MODEL, where=Place(_TABLE, pk, record.sk))
        element = {**element, EVENTS: found}
    return element


def _events(snapshot: Snapshot) -> dict[str, list[Element]]:
    """The events of each item by its sort key, in their order: records come sorted, and the key ends in the place."""
    found: dict[str, list[Element]] = {}
    for record in _known(snapshot):
        if record.entity == EVENT.entity:
            item = EVENT_KEY.read(record.sk)["item"]
            found.setdefault(LETTERS[item[0]].sort_key.write({"id": item}), []).append(
                to_element(EVENT, record.fields, implied={})
            )
    return found
