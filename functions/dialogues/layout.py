"""The layout of a dialogue file: types made from the table of elements.

docs/dialogue.schema.json is made from these types (`make schema`).

Strict: nothing is converted, unknown fields are refused. These models check a document; what is stored is mapped from
the document itself, so that what was absent stays absent and what was null stays null.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints, ValidationError, create_model
from pydantic import Field as Limits

from dialogues import forms
from dialogues.canonical_json import first_of, join
from dialogues.declarations import Declared, ElementSpec, Field, Kept
from dialogues.elements import ANY_ITEM, DIALOGUE, ELEMENTS, ITEMS
from dialogues.forms import Form
from twinvault import Unprocessable

_MAX_EVENTS = 99
_NUMBER = float
"""Strict floats admit integers and refuse truth values and text."""


def _text(*, least: int | None = None, most: int | None = None, pattern: str | None = None) -> Any:  # noqa: ANN401  # an annotation, made at import
    return Annotated[str, StringConstraints(min_length=least, max_length=most, pattern=pattern)]


def _whole(least: int, most: int) -> Any:  # noqa: ANN401  # as above
    return Annotated[int, Limits(ge=least, le=most)]


_TYPES: Mapping[Form, Any] = {
    forms.TEXT: str,
    forms.TEXTS: list[str],
    forms.JSON: JsonValue,
    forms.SCORES: dict[str, _NUMBER | None],
    forms.RAW_CONTENT: dict[str, str | None] | str,
    forms.DIALOGUE_ID: _text(least=1, most=256),
    forms.EVENT_TYPE: _text(pattern=r"^[a-z][a-z_-]{0,62}$"),
    forms.NAME: _text(least=1, most=64),
    forms.TIME: _text(most=64),
    forms.REFERENCE: _text(most=256),
    forms.FLAG: bool,
    forms.NUMBER: _NUMBER,
    forms.COUNT: _whole(0, 100),
    forms.CONFIDENCE: _text(most=64) | _NUMBER,
    forms.SLUG: _text(pattern=f"^{forms.SLUG.pattern}$"),
    forms.VERDICT_ID: _text(pattern=f"^{forms.VERDICT_ID.pattern}$"),
    forms.ROUND: _whole(0, 99),
    forms.SEQUENCE: _whole(1, 99),
    ANY_ITEM: str,  # whether there is such an item is asked of the whole document
}
"""What each form is in a document."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _type(form: Form) -> Any:  # noqa: ANN401  # as above
    if form.words:
        return Literal[form.words]
    if form.letter:
        return _text(pattern=rf"^{form.letter}[0-9]{{2}}(0[1-9]|[1-9][0-9])$")
    return _TYPES[form]


def _member(field: Field) -> tuple[Any, Any]:
    """A field's annotation and its default."""
    if field.parts:
        model: Any = _PARTS[field.parts.entity]
        many = field.kept is Kept.RECORDS
        return (Annotated[list[model], Limits(max_length=_MAX_EVENTS)], []) if many else (model | None, None)
    made = _type(field.form)
    if field.required:
        return made, ...
    return (made if field.form is forms.JSON else made | None), None


def _model(name: str, declared: Declared, *, lists: Mapping[str, Any] | None = None) -> type[BaseModel]:
    members: dict[str, Any] = {field.name: _member(field) for field in declared.fields} | dict(lists or {})
    made: type[BaseModel] = create_model(name, __base__=_Strict, __doc__=declared.about, **members)
    return made


def _elements(spec: ElementSpec) -> tuple[Any, Any]:
    model: Any = _model(spec.model, spec)
    return list[model], []


_PARTS: Mapping[str, Any] = {
    field.parts.entity: _model(field.parts.entity.capitalize(), field.parts)
    for item in ITEMS
    for field in item.fields
    if field.parts
}
Dialogue = _model("Dialogue", DIALOGUE, lists={name: _elements(spec) for name, spec in ELEMENTS.items()})
"""A whole dialogue."""


def check_layout(document: dict[str, Any]) -> None:
    """Checks a parsed document against the layout.

    Raises:
        Unprocessable: names the first field that breaks it, the rule, and up to 19 further findings.
    """
    try:
        Dialogue.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        findings: dict[str, str] = {}
        for one in found:
            path = _path(one["loc"])
            # A union's arms each have their say about one field; the first is enough.
            findings.setdefault(path, f"{path}: {_rule(one['type'], one['msg'], path=path)}")
        field, message, others = first_of(findings.items())
        raise Unprocessable(message, field=field, others=others) from None


def _path(location: tuple[str | int, ...]) -> str:
    """The field's path, without the marks that pydantic adds for the arms of a union."""
    path = ""
    for step in location:
        if step not in {"float", "str", "constrained-str"} and "[" not in str(step):
            path = join(path, step)
    return path


_ITEM_NAMES = frozenset(item.name for item in ITEMS)
_RULES = {
    "extra_forbidden": "is not a field of the layout",
    "missing": "is required",
}


def _rule(kind: str, text: str, *, path: str) -> str:
    """The rule that was broken. pydantic's own texts name types and limits, never the value."""
    if kind == "string_pattern_mismatch" and path.endswith(".id") and path.partition("[")[0] in _ITEM_NAMES:
        return "must be its kind's letter, two digits of round (00 to 99) and two of sequence (01 to 99)"
    return _RULES.get(kind) or text[:1].lower() + text[1:]
