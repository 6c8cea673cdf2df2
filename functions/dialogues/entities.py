"""What a dialogue's records hold in the clear and what they seal: entity specs, made from the table of elements."""

import re

from dialogues.declarations import Declared, ElementSpec, Kept
from dialogues.elements import DIALOGUE as FIELDS
from dialogues.elements import ELEMENTS, EVENT, EVENT_KEY
from twinvault import HEAD, TEXT, EntitySpec, KindSpec, head_spec

KIND = "dialogue"
META = "meta"
STATE_IMPORTING, STATE_COMPLETE = "importing", "complete"
AS_WRITTEN = "as_written"
"""Sealed in every imported record: its source, where the mapping alone would not give it back letter for letter."""

POSITION, EVENT_COUNT = "position", "event_count"
"""Sealed too: an element's place in its list, and how many events an item has."""

LISTS, DIGEST = "lists", "digest"
"""Sealed in `meta`: which lists the document has, and a digest of it whole."""

_LIST = {"list_kind": TEXT, "list_status": TEXT, "list_at": TEXT}

HEAD_NEEDED = frozenset({"state", "status", *_LIST})
"""What every dialogue's head says of it: without one of these it is neither listed nor read."""

META_FIELDS = Declared(KIND, FIELDS.about, tuple(one for one in FIELDS.fields if one.kept is not Kept.HEAD))
HEAD_FIELDS = Declared(HEAD, FIELDS.about, tuple(one for one in FIELDS.fields if one.kept is Kept.HEAD))


def _spec(element: ElementSpec) -> EntitySpec:
    sealed = element.sealed | {POSITION, AS_WRITTEN} | ({EVENT_COUNT} if element.lifecycle else set())
    listed = _LIST if element.listed else {}
    return EntitySpec(element.entity, element.sort_key.pattern, {**element.clear, **listed}, sealed)


DIALOGUE = KindSpec(
    KIND,
    (
        EntitySpec(KIND, re.compile(META), META_FIELDS.clear, META_FIELDS.sealed | {LISTS, DIGEST, AS_WRITTEN}),
        EntitySpec(EVENT.entity, EVENT_KEY.pattern, EVENT.clear, EVENT.sealed | {AS_WRITTEN}),
        *map(_spec, ELEMENTS.values()),
    ),
    head_spec({"state": TEXT, **HEAD_FIELDS.clear, **_LIST}),
    tolerate=True,
)
"""The kind that dialogues are stored as. Each release runs beside the next one for as long as a canary takes, and may
be gone back to: so each carries what it does not know (docs/adr/0018).
"""
