"""Whether what a declaration is given is of the types that it says: not everybody has a type checker. Pure.

A text is a pattern to nobody, a sequence of its characters to Python, and a set of types to a careless comparison.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from twinvault.envelope.names import require_id
from twinvault.errors import InvalidInput
from twinvault.records.blind import Blind
from twinvault.records.fields import INDEXED

if TYPE_CHECKING:
    from twinvault.records.entity import EntitySpec

_MAPPINGS = ("clear", "searchable", "retired", "was", "moved", "defaults")


def require_types(spec: "EntitySpec") -> None:
    """Lets a spec's arguments pass that are of their types, as far as nothing after this asks.

    Raises:
        InvalidInput: one is not; it names the parameter.
    """
    require_id(spec.name, field="entity name")
    about = f"entity {spec.name}"
    sk: object = spec.sk
    if not isinstance(sk, re.Pattern) or not isinstance(sk.pattern, str):
        raise _refusal("sk", about=about, rule="a compiled pattern of text, as of re.compile")
    for name in _MAPPINGS:
        _require_by_name(getattr(spec, name), name, about=about)
    sealed: object = spec.sealed
    if not isinstance(sealed, AbstractSet) or not _are_texts(sealed):
        raise _refusal("sealed", about=about, rule="a set of names")
    blinds: Iterable[object] = spec.searchable.values()
    if not all(isinstance(one, Blind) for one in blinds):
        raise _refusal("searchable", about=about, rule="a Blind for each name")
    older: Iterable[object] = spec.was.values()
    for names in older:
        if not isinstance(names, str) and not (isinstance(names, Sequence) and _are_texts(names)):
            raise _refusal("was", about=about, rule="an older name, or a list of them, for each name")


def require_whole_list(spec: "EntitySpec") -> None:
    """Lets an entity pass that is in the index `ByList` as a whole, or not at all.

    Raises:
        InvalidInput: it declares some of the index's keys, so that no list would ever have it.
    """
    declared = INDEXED & spec.clear.keys()
    if declared and declared != INDEXED:
        rule = f"is declared without {', '.join(sorted(INDEXED - declared))}: a list needs all of them"
        first = min(declared)
        raise InvalidInput(f"entity {spec.name}: '{first}' {rule}", field=first)


def require_kind(kind: object, entities: Iterable[object], *, head: object, entity: type, tolerate: object) -> None:
    """Lets a kind's arguments pass that are of their types.

    Raises:
        InvalidInput: one is not; it names the parameter.
    """
    about = f"kind {require_id(kind, field='kind')}"
    if not all(isinstance(one, entity) for one in entities):
        raise _refusal("entities", about=about, rule=f"a sequence of {entity.__name__}, as those that are retired")
    if not isinstance(head, entity):
        raise _refusal("head", about=about, rule="of `head_spec`")
    if not isinstance(tolerate, bool):
        raise _refusal("tolerate", about=about, rule="True or False")


def listed(given: object) -> Sequence[object]:
    """A sequence's members; of what is none, or a text, one that is of no type that anybody asks for."""
    return given if isinstance(given, Sequence) and not isinstance(given, str) else [None]


def _require_by_name(given: object, parameter: str, *, about: str) -> None:
    if not isinstance(given, Mapping) or not _are_texts(given):
        raise _refusal(parameter, about=about, rule="a mapping by name")


def _are_texts(given: Iterable[object]) -> bool:
    return all(isinstance(one, str) for one in given)


def _refusal(parameter: str, *, about: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{about}: `{parameter}` must be {rule}", field=parameter)
