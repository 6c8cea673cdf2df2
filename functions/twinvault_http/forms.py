"""What a body must be, said by a type: msgspec converts; what does not fit is the caller's fault, named by field."""

import re
from typing import Any

import msgspec

from twinvault import InvalidInput

# msgspec's own sentences. One that may quote a value (`Invalid enum value '…'`) is not repeated.
_PLACE = re.compile(r"^(?P<said>.*?)(?: - at `\$\.?(?P<place>[^`]*)`)?$", re.DOTALL)
_MEMBER = re.compile(r"^Object (?P<what>missing required|contains unknown) field `(?P<name>[^`]*)`$", re.DOTALL)
_TYPES = re.compile(r"^Expected `(?P<wanted>[^`]*)`, got `[^`]*`$")
_LONGEST_NAME = 80


def converted[T](document: dict[str, Any], form: type[T]) -> T:
    """The document as this type: a `msgspec.Struct`, a dataclass, a `TypedDict`.

    Raises:
        InvalidInput: it does not fit; names the field and the rule, and no value.
    """
    try:
        return msgspec.convert(document, form)
    except msgspec.ValidationError as error:
        field, rule = _rule(str(error))
        raise InvalidInput(f"{field}: {rule}", field=field) from None


def _rule(said: str) -> tuple[str, str]:
    found = _PLACE.match(said)
    sentence, place = (found["said"], found["place"] or "") if found else (said, "")
    if member := _MEMBER.match(sentence):
        name = member["name"][:_LONGEST_NAME]
        rule = "is required" if member["what"] == "missing required" else "is not known here"
        return f"{place}.{name}" if place else name, rule
    field = place[:_LONGEST_NAME] or "body"
    return field, f"must be {types['wanted']}" if (types := _TYPES.match(sentence)) else "has no value that it may have"
