"""Between the layout's elements and records' fields, both ways, by what the table declares.

What of an element its record would not give back letter for letter (a number written `1.0`, an origin that is empty) is
kept beside the fields, sealed, in `as_written`. So an export equals its import by construction, not by enumeration.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dialogues.canonical_json import canonical
from dialogues.declarations import Declared, Element, Kept
from dialogues.entities import AS_WRITTEN, DIALOGUE


def to_fields(declared: Declared, element: Element, *, implied: Element) -> dict[str, Any]:
    """Returns a record's fields. `implied` is what the sort key says of the element, as the layout names it.

    Raises:
        InvalidInput: a number that DynamoDB cannot hold.
    """
    fields: dict[str, Any] = {}
    own: Element = {}
    for name, value in element.items():
        found = declared.named(name)
        if found is None or found.kept is Kept.RECORDS:
            continue
        own[name] = value
        if found.parts:
            fields |= _parts(found.parts, value)
        elif found.kept is not Kept.KEY:
            fields[found.stored] = value
    rebuilt = to_element(declared, DIALOGUE.as_stored(declared.entity, fields), implied=implied)
    # Nothing is rebuilt that the element does not have, so what differs is all there is to keep.
    kept = {name: value for name, value in own.items() if name not in rebuilt or not _alike(rebuilt[name], value)}
    return {**fields, AS_WRITTEN: kept} if kept else fields


def to_element(declared: Declared, fields: Mapping[str, Any], *, implied: Element) -> Element:
    """Returns the element that a record was made from."""
    element = dict(implied)
    for one in declared.fields:
        if one.kept is Kept.RECORDS:
            continue
        if one.parts:
            whole = {part.name: fields[part.stored] for part in one.parts.fields if part.stored in fields}
            if whole:
                element[one.name] = whole
        elif one.stored in fields:
            element[one.name] = plain(fields[one.stored])
    kept: Element = fields.get(AS_WRITTEN, {})
    return element | kept


def plain(value: object) -> object:
    """A clear number as JSON has it: whole ones as integers, others as the nearest float."""
    return float(value) if isinstance(value, Decimal) else value


def _alike(one: object, other: object) -> bool:
    """Whether two values are written alike: `1` and `1.0` are not."""
    return canonical(one) == canonical(other)


def _parts(declared: Declared, value: object) -> dict[str, Any]:
    """The fields that keep an object's members in its place; none for what is null."""
    if not isinstance(value, dict):
        return {}
    return {part.stored: value[part.name] for part in declared.fields if part.name in value}
