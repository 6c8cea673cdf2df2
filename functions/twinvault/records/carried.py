"""What a row holds beside what is declared here, where its kind tolerates that (docs/entities.md). Pure.

It is authentic: a newer release wrote it, or the one that runs beside this one. It is shown to nobody, since nobody
here knows what it means, and whatever writes the record again carries it on as it is.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from msgspec import field

from twinvault.envelope.aad import ATTRIBUTE_NAME, ClearValue
from twinvault.envelope.item import ENVELOPE
from twinvault.records.blind import BLIND_ATTRIBUTES
from twinvault.records.value import Value

RESERVED = ENVELOPE | {"expires_at"}
_BLIND_INDEX = "bi_"


class CarriedFields(Value, frozen=True):
    """What of a row is not declared.

    Attributes:
        clear: its clear attributes, blind indexes of fields that are not declared among them.
        sealed: its sealed fields.
        whole: whether it is all of the record, since its entity or the form of its sort key is not declared.
    """

    hidden: ClassVar = frozenset({"clear", "sealed"})

    clear: Mapping[str, ClearValue] = field(default_factory=dict)
    sealed: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The names of the fields, and no values: for a log, or to say what an answer leaves out."""
        return frozenset(name for name in (*self.clear, *self.sealed) if name not in BLIND_ATTRIBUTES)

    @property
    def blind(self) -> dict[str, str]:
        """The blind indexes among them, by attribute."""
        return {name: value for name in BLIND_ATTRIBUTES if isinstance(value := self.clear.get(name), str)}

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return self.whole or bool(self.clear or self.sealed)


NOTHING = CarriedFields()


def may_be_declared(name: str, *, common: AbstractSet[str]) -> bool:
    """Whether a declaration could have a field of this name; `common` are the clear attributes of every row."""
    return bool(ATTRIBUTE_NAME.fullmatch(name)) and name not in RESERVED | common and not name.startswith(_BLIND_INDEX)


def whole_of(clear: Mapping[str, ClearValue], sealed: Mapping[str, Any], *, common: AbstractSet[str]) -> CarriedFields:
    """A record of which nothing is declared, with all that it holds beside what every row says of itself."""
    return CarriedFields({name: value for name, value in clear.items() if name not in common}, dict(sealed), whole=True)


def beside(
    clear: Mapping[str, ClearValue],
    sealed: Mapping[str, Any],
    *,
    known: AbstractSet[str],
    common: AbstractSet[str],
    indexed: Iterable[str],
) -> CarriedFields:
    """What a record of a declared entity holds beside `known`, which are its fields' names, those of before included.

    What nobody can have declared is not among it, nor is a known field on the other side of the seal: its value would
    be the field's. `indexed` are the blind indexes of declared fields. Another one is of a field that is not declared,
    if there is such a field; it stays right, for that field stays as it is.
    """
    unknown = {name: value for name, value in sealed.items() if _is_unknown(name, known=known, common=common)}
    beside_it = {name: value for name, value in clear.items() if _is_unknown(name, known=known, common=common)}
    if unknown:
        others = (name for name in BLIND_ATTRIBUTES if name in clear and name not in indexed)
        beside_it |= {name: clear[name] for name in others}
    return CarriedFields(beside_it, unknown) if unknown or beside_it else NOTHING


def _is_unknown(name: str, *, known: AbstractSet[str], common: AbstractSet[str]) -> bool:
    return name not in known and may_be_declared(name, common=common)
