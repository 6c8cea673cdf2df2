"""What a declaration is refused for when it is made, so that it fails the first test and not the first customer. Pure.

Each refusal is `InvalidInput` and names the entity and the field.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from twinvault.dynamodb.transaction import insert, replace
from twinvault.envelope.item import ENVELOPE
from twinvault.errors import InvalidInput
from twinvault.records.argument_types import require_types, require_whole_list
from twinvault.records.blind import BLIND_ATTRIBUTES, require_searchable
from twinvault.records.carried import may_be_declared
from twinvault.records.fields import CLEAR, DECIMAL, INDEXED, SEALED, TEXT, from_clear, to_clear
from twinvault.records.history import KnownField
from twinvault.records.payload import write_payload

if TYPE_CHECKING:
    from twinvault.records.entity import EntitySpec

_MAX_STATEMENT = 8192  # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ParameterizedStatement.html
_NOT = frozenset[str]()
_SOME_VALUE: Mapping[str, object] = {}
_LONGEST_TABLE = "x" * 255  # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html


def require_sound(spec: "EntitySpec", *, common: AbstractSet[str], hidden: AbstractSet[str]) -> None:
    """Lets a declaration pass that can be stored as it says.

    `common` are the clear attributes of every row, `hidden` the entity's sealed fields that are the library's own.

    Raises:
        InvalidInput: it cannot be, or it contradicts itself.
    """
    require_types(spec)
    _require_names(spec, common=common)
    _require_forms(spec)
    _require_changes_of_declared(spec, own=(spec.clear.keys() | spec.sealed) - hidden)
    require_searchable(spec.name, spec.searchable, sealed=spec.sealed)
    _require_statements(spec, common=common)
    require_whole_list(spec)


def known_fields(spec: "EntitySpec") -> list[KnownField]:
    """Every field that a record may hold, whichever declaration wrote it."""
    now = {**spec.clear, **dict.fromkeys(spec.sealed, SEALED), **dict.fromkeys(spec.retired, _NOT)}
    before = {**spec.moved, **spec.retired}
    return [
        KnownField(
            entity=spec.name, name=name, older=_older_names(spec, name), now=forms, before=before.get(name, _NOT)
        )
        for name, forms in now.items()
    ]


def usable_defaults(spec: "EntitySpec") -> dict[str, Any]:
    """The defaults as they are read: what somebody does to a list afterwards is no change of the declaration.

    Raises:
        InvalidInput: one is no value of its field.
    """
    usable: dict[str, Any] = {}
    for name, value in spec.defaults.items():
        try:
            if name in spec.clear:
                usable[name] = from_clear(to_clear(value, spec.clear[name], entity=spec.name, name=name))
            else:
                _, read = write_payload({name: value}, entity=spec.name)
                usable |= read
        except InvalidInput as refusal:
            raise InvalidInput(f"entity {spec.name}: the default of {refusal.message}", field=name) from None
    return usable


def _older_names(spec: "EntitySpec", field: str) -> tuple[str, ...]:
    names = spec.was.get(field, ())
    return (names,) if isinstance(names, str) else tuple(names)


def _require_names(spec: "EntitySpec", *, common: AbstractSet[str]) -> None:
    """Each name is one that can be stored, and is one thing alone."""
    roles: dict[str, str] = {}
    for name, role in _named(spec):
        if not may_be_declared(name, common=common):
            raise _refusal(spec, name, rule="is reserved or not of the form [a-z][a-z0-9_]{0,63}")
        if name in roles:
            raise _refusal(spec, name, rule=f"is declared twice: as {roles[name]} and as {role}")
        roles[name] = role


def _named(spec: "EntitySpec") -> Iterator[tuple[str, str]]:
    """Every name of a declaration, and what it is."""
    yield from ((name, "clear") for name in spec.clear)
    yield from ((name, "sealed") for name in spec.sealed)
    yield from ((name, "retired") for name in spec.retired)
    for field in spec.was:
        yield from ((name, f"an older name of '{field}'") for name in _older_names(spec, field))


def _require_forms(spec: "EntitySpec") -> None:
    for name, types in spec.clear.items():
        _require_some(spec, name, forms=types, of=CLEAR, rule="is clear: TEXT, NUMBER or FLAG, each with | NULLABLE")
        if name in INDEXED and types != TEXT:
            raise _refusal(spec, name, rule="is in an index: it must be TEXT")
    for name, forms in spec.retired.items():
        _require_some(spec, name, forms=forms, of=CLEAR | SEALED, rule="is retired: its older types, or SEALED")
    for name, forms in spec.moved.items():
        if name in spec.clear:
            rule = "is clear now: what was moved can only be SEALED"
            _require_some(spec, name, forms=forms, of=SEALED, beside=DECIMAL, rule=rule)
        elif name in spec.sealed:
            rule = "is sealed now: what was moved are its clear types"
            _require_some(spec, name, forms=forms, of=CLEAR, beside=DECIMAL, rule=rule)


def _require_some(
    spec: "EntitySpec", name: str, *, forms: object, of: frozenset[str], rule: str, beside: frozenset[str] = _NOT
) -> None:
    # Not of the type that they are declared as, because not everybody has a type checker: a mere "S" is a set, too.
    if not isinstance(forms, AbstractSet) or not forms - beside or not forms <= of | beside:
        raise _refusal(spec, name, rule=rule)


def _require_changes_of_declared(spec: "EntitySpec", *, own: AbstractSet[str]) -> None:
    """Only what is written now was renamed or moved, or has a default."""
    changed: Mapping[str, Mapping[str, object]] = {"was": spec.was, "moved": spec.moved, "defaults": spec.defaults}
    for parameter, fields in changed.items():
        for name in fields:
            if name not in own:
                raise _refusal(spec, name, rule=f"is in `{parameter}` and is not a declared field")


def _require_statements(spec: "EntitySpec", *, common: AbstractSet[str]) -> None:
    """The longest statements that a record may need are ones that DynamoDB takes."""
    row = dict.fromkeys((*common, *ENVELOPE), _SOME_VALUE)
    added = insert(_LONGEST_TABLE, row | dict.fromkeys((*spec.clear, *BLIND_ATTRIBUTES), _SOME_VALUE))
    # REMOVE is longer than SET: the longest UPDATE takes away all that there may have been.
    stored = [name for one in known_fields(spec) if one.forms & CLEAR for name in one.names] + [*BLIND_ATTRIBUTES]
    changed = replace(_LONGEST_TABLE, row, remove=stored, commitment=b"")
    if max(len(added.text), len(changed.text)) > _MAX_STATEMENT:
        rule = f"has more clear fields than a PartiQL statement of {_MAX_STATEMENT} characters can name; seal some"
        raise InvalidInput(f"entity {spec.name}: {rule}", field=spec.name)


def _refusal(spec: "EntitySpec", name: str, *, rule: str) -> InvalidInput:
    return InvalidInput(f"entity {spec.name}: '{name}' {rule}", field=name)
