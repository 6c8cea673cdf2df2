"""What is asked of a blind index: one value of one field, and where in the index it stands, page after page. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from twinvault.envelope.item import Item
from twinvault.errors import InvalidInput
from twinvault.keys.rows import IDX, NamedKey
from twinvault.records.blind import MAX_BITS, Blind, Blinder, encode_value
from twinvault.records.cursor import make_cursor, read_cursor
from twinvault.records.record import StoredRecord
from twinvault.records.spec import KindSpec

_GENERATION = "generation"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One value of one field of an entity.

    Attributes:
        entity: the entity's name.
        name: the field's.
        blind: how it is indexed.
        encoded: the value, normalized, as `encode_value` gives it.
    """

    entity: str
    name: str
    blind: Blind
    encoded: bytes = field(repr=False)

    @classmethod
    def of(cls, kind: KindSpec, entity: str, *, by: Mapping[str, object]) -> "Wanted":
        """What a caller asks for by the one name and value of `by`.

        Raises:
            InvalidInput: the kind has no such entity, `by` is not one field, the field is not searchable, or the value
                is none that can be searched by.
        """
        spec = kind.known(entity)
        if spec is None:
            raise InvalidInput(f"kind {kind.kind}: there is no entity '{entity}'", field="entity")
        for name in by:
            if name not in spec.searchable:
                raise InvalidInput(f"{entity}.{name}: is not a searchable field", field=name)
        if len(by) != 1:
            raise InvalidInput(f"{entity}: is found by one field at a time, and {len(by)} were given")
        ((name, value),) = by.items()
        blind = spec.searchable[name]
        return cls(entity, name, blind, encode_value(value, blind, entity=entity, name=name))

    def blinded(self, blinder: Blinder, *, bits: int) -> str:
        """The value's blind index, of so many bits."""
        return blinder.value(self.entity, self.name, blind=replace(self.blind, bits=bits), encoded=self.encoded)

    def fits(self, record: StoredRecord) -> bool:
        """Whether an opened record has this value."""
        if record.entity != self.entity:
            return False
        try:
            value = record.fields.get(self.name)
            return encode_value(value, self.blind, entity=self.entity, name=self.name) == self.encoded
        except InvalidInput:
            # Absent, or of a kind that is not searched by: another release wrote it.
            return False


type At = tuple[Blinder, Item | None]
"""Where to look: under which generation, and after which key of the index."""


@dataclass(frozen=True, slots=True)
class Search:
    """Where in an index a value is, page after page. Pure but for a cursor's randomness."""

    wanted: Wanted
    blinder: Blinder
    tenant: str

    def key(self, blinder: Blinder) -> dict[str, str]:
        """The index's key of the value, under this generation."""
        value = self.wanted.blinded(blinder, bits=self.wanted.blind.bits)
        return {"tenant_id": self.tenant, self.wanted.blind.attribute: value}

    def places(self, cursor: str | None) -> list[At]:
        """Where to look, one after the other, from a cursor on.

        The generation before the current one comes first: a record that is indexed anew meanwhile moves from it to the
        current one, and is found there again, not missed.

        Raises:
            InvalidInput: the cursor is not one of this question.
        """
        places: list[At] = [(one, None) for one in (self.blinder.before(), self.blinder) if one is not None]
        if cursor is None:
            return places
        position = read_cursor(cursor, key=self._sealing_key, tenant=self.tenant, question=self._question)
        generation = position.pop(_GENERATION)["S"]
        while str(places[0][0].generation) != generation:
            places.pop(0)
        blinder = places[0][0]
        own = {name: {"S": text} for name, text in self.key(blinder).items()}
        return [(blinder, own | position if position else None), *places[1:]]

    def cursor(self, at: At, *, randomness: Callable[[int], bytes]) -> str:
        """The cursor of a place."""
        blinder, after = at
        # Not the index's own key, which follows from the question: a sort key of 1,024 bytes leaves no room for it.
        own = {name: value for name, value in (after or {}).items() if name in {"pk", "sk"}}
        position = {**own, _GENERATION: {"S": str(blinder.generation)}}
        return make_cursor(
            position, key=self._sealing_key, tenant=self.tenant, question=self._question, randomness=randomness
        )

    @property
    def _sealing_key(self) -> NamedKey:
        return NamedKey(IDX, self.blinder.index_key)

    @property
    def _question(self) -> str:
        """What a cursor is for: with the value at all its bits, so that one that looks equal is another question."""
        wanted = self.wanted
        value = wanted.blinded(self.blinder, bits=MAX_BITS)
        return f"{wanted.blind.index}#{self.blinder.kind}#{wanted.entity}#{wanted.name}#{value}"
