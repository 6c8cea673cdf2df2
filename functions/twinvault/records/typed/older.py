"""What older records of a type hold, as its class of today says it: in words of the store beneath. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from twinvault.errors import InvalidInput
from twinvault.records.fields import DECIMAL, NUMBER, SEALED, Forms
from twinvault.records.typed.annotations import FieldMarks, Hint, clear_types, holds, marks_of, may_be_decimal


@dataclass(frozen=True, slots=True)
class Older:
    """The parameters of these names of `EntitySpec`."""

    retired: Mapping[str, Forms]
    was: Mapping[str, tuple[str, ...]]
    moved: Mapping[str, Forms]


def older(hints: Mapping[str, Hint], marks: Mapping[str, FieldMarks], *, retired: Mapping[str, Hint]) -> Older:
    """What the marks of today's fields say of older records, and the annotations of the fields that are retired.

    Raises:
        InvalidInput: an annotation could not have been one, or a field was moved to where it was.
    """
    return Older(
        retired={name: _retired(hint, field=name) for name, hint in retired.items()},
        was={name: one.was for name, one in marks.items() if one.was},
        moved={
            name: _moved(hints[name], one.moved.before, is_clear=one.is_clear, field=name)
            for name, one in marks.items()
            if one.moved is not None
        },
    )


def _retired(hint: Hint, *, field: str) -> Forms:
    """How a field was stored that nobody writes any more."""
    forms, _ = _as_it_was(hint, field=field)
    try:
        msgspec.convert(None, hint)
    except msgspec.ValidationError:
        rule = "is retired, so its type must allow None, which it is in records without it"
        raise InvalidInput(f"{field}: {rule}", field=field) from None
    return forms


def _moved(now: Hint, before: Hint, *, is_clear: bool, field: str) -> Forms:
    """How a field was stored before it was moved to where it is now."""
    forms, was_clear = _as_it_was(before, field=field)
    if was_clear == is_clear:
        raise InvalidInput(f"{field}: is {'clear' if is_clear else 'sealed'}, and was so before", field=field)
    types, sealed = (forms, now) if was_clear else (clear_types(now, field=field), before)
    # A Decimal is sealed as text, for JSON's numbers are not decimal; in the clear it is a number.
    return forms | DECIMAL if types >= NUMBER and may_be_decimal(sealed) else forms


def _as_it_was(hint: Hint, *, field: str) -> tuple[Forms, bool]:
    """How a field of this annotation was stored, and whether that was in the clear."""
    marks = marks_of(hint, field=field)
    if marks.was or marks.moved is not None:
        raise InvalidInput(f"{field}: how it was annotated holds no mark of what was before that", field=field)
    if marks.is_clear:
        return clear_types(hint, field=field), True
    holds(hint, field=field)
    return SEALED, False
