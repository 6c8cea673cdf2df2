"""The form of a record's sort key: how to make it of the record's fields, such that it reads back to them. Pure.

    visit#{number:04d}      a whole number of exactly four digits: keys sort as their numbers do
    note#{author}#{number}  text up to the next `#`, and a whole number as it is written

Two records must never share a key, so what stands for a field has an end that its value cannot hold: text ends at `#`
or with the key, a number of a fixed width after its digits, any other number before what is no digit. A form without
such ends is refused when it is declared, a value that holds one when it is written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import add
from string import Formatter
from typing import Any

from twinvault.errors import InvalidInput

NUMBER, TEXT = "number", "text"
"""What a field in a sort key may be: a whole number, or text."""

_FIXED = re.compile(r"0([1-9][0-9]?)d?")
_AS_WRITTEN = frozenset({"", "d"})


@dataclass(frozen=True, slots=True)
class _Placeholder:
    """What stands for one field within a form.

    Attributes:
        spec: the format's specification.
        pattern: what the field's value must look like there.
        rule: the same in words.
        end: what must come after it, for its value to end there; None: anything, another field included.
    """

    name: str
    spec: str
    pattern: re.Pattern[str]
    rule: str
    end: re.Pattern[str] | None

    def text(self, value: Any, *, entity: str) -> str:  # noqa: ANN401  # text or a number, as the field's type says
        """The value as it stands in a sort key.

        Raises:
            InvalidInput: it would not read back.
        """
        try:
            text = format(value, self.spec)
        except ValueError:
            text = ""  # more digits than Python writes: it matches nothing
        if not self.pattern.fullmatch(text):
            raise InvalidInput(f"{entity}.{self.name}: {self.rule}, for it stands in the sort key", field=self.name)
        return text


@dataclass(frozen=True, slots=True)
class SortKey:
    """A form, taken apart.

    Attributes:
        form: as it was declared.
        fields: the names of the fields in it, in their order.
        literals: what stands before each of them, and after the last.
        pattern: what a whole sort key of this form looks like, with a group for each field.
    """

    form: str
    fields: tuple[str, ...]
    literals: tuple[str, ...]
    pattern: re.Pattern[str]
    _placeholders: tuple[_Placeholder, ...] = field(repr=False)

    def make(self, values: Mapping[str, Any], *, entity: str) -> str:
        """The sort key of these fields, whose values are of the declared types.

        Raises:
            InvalidInput: a value would not read back as it is; the field is named.
        """
        texts = [one.text(values[one.name], entity=entity) for one in self._placeholders]
        return "".join(map(add, self.literals, [*texts, ""]))

    def beginning(self, values: Mapping[str, Any], *, entity: str) -> str:
        """What all sort keys begin with whose first fields are these: up to and with the `#` that follows the last.

        Raises:
            InvalidInput: they are not the first ones, or no `#` follows, or a value would not read back.
        """
        given = self._placeholders[: len(values)]
        if values.keys() != {one.name for one in given}:
            raise InvalidInput(f"{entity}: its sort key begins with {', '.join(self.fields) or 'no field'}", field="sk")
        *before, after = self.literals[: len(given) + 1]
        name, hash_sign, _ = after.rpartition("#")
        if given and not hash_sign:
            rule = (
                "no '#' follows it in the sort key: ask by the fields before it, or `get` the record of the whole key"
            )
            raise InvalidInput(f"{entity}.{given[-1].name}: {rule}", field=given[-1].name)
        texts = [one.text(values[one.name], entity=entity) for one in given]
        return "".join(map(add, [*before, name], [*texts, hash_sign]))


def parse(form: str, types: Mapping[str, str]) -> SortKey:
    """Takes a form apart.

    Args:
        form: a format string, as of `str.format`, with names of fields alone.
        types: of each field that may stand in it, whether it is `NUMBER` or `TEXT`.

    Raises:
        InvalidInput: the form is empty, names what cannot stand in a sort key, or could not be read back.
    """
    literals, placeholders = _pieces(form, types)
    fields = tuple(one.name for one in placeholders)
    if len(set(fields)) != len(fields):
        raise InvalidInput("sk: names a field twice", field="sk")
    # Before each field and after the last: what ends the value of one is the literal after it, or the end of the key.
    for one, after in zip(placeholders, literals[1:], strict=True):
        ends_the_key = one is placeholders[-1] and not after
        if one.end is not None and not ends_the_key and not one.end.match(after):
            raise InvalidInput(f"sk: would not read back: nothing shows where '{one.name}' ends", field="sk")
    groups = [f"(?P<{one.name}>{one.pattern.pattern})" for one in placeholders]
    parts = zip(literals, [*groups, ""], strict=True)
    pattern = re.compile("".join(re.escape(literal) + group for literal, group in parts))
    return SortKey(form, fields, tuple(literals), pattern, tuple(placeholders))


def _pieces(form: str, types: Mapping[str, str]) -> tuple[list[str], list[_Placeholder]]:
    """The literals of a form, and the placeholders between them: one fewer."""
    try:
        pieces = [*Formatter().parse(form)]
    except ValueError:
        pieces = []
    if not pieces or "{{" in form or "}}" in form:
        raise InvalidInput(
            "sk: must be a format string, not empty, with braces around names of fields alone", field="sk"
        )
    literals = [literal for literal, _, _, _ in pieces]
    placeholders = [
        _placeholder(name, spec or "", types=types, converted=conversion is not None)
        for _, name, spec, conversion in pieces
        if name is not None
    ]
    return [*literals, ""] if len(literals) == len(placeholders) else literals, placeholders


def _placeholder(name: str, spec: str, *, types: Mapping[str, str], converted: bool) -> _Placeholder:
    match types.get(name), _FIXED.fullmatch(spec):
        case None, _:
            raise InvalidInput(f"sk: '{name}' is no clear field of whole numbers or of text", field="sk")
        case "text", _ if not spec and not converted:
            return _Placeholder(name, spec, re.compile(r"[^#]+"), "must not be empty or hold '#'", re.compile("#"))
        case "number", re.Match() as fixed if not converted:
            digits = int(fixed[1])
            rule = f"must be from 0 to {'9' * digits}"
            return _Placeholder(name, spec, re.compile(rf"[0-9]{{{digits}}}"), rule, None)
        case "number", None if spec in _AS_WRITTEN and not converted:
            return _Placeholder(name, spec, re.compile(r"0|-?[1-9][0-9]*"), "is too long", re.compile(r"[^0-9]"))
        case _:
            raise InvalidInput(f"sk: '{name}' must be bare, or a number of a fixed width such as 04d", field="sk")
