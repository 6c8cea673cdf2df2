"""Records found by a sealed field's value, in whatever partition they stand.

A blind index is a hint. What it names is read again, consistently, opened, and its value compared: a planted row, one
that has changed since, or another value that looks equal at few bits is never given out. That it names every record
cannot be shown: it lags behind the table, and whoever writes the table can leave a row out of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from twinvault.audit.activity import Activity
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.table import Table
from twinvault.envelope.item import Item, text_of
from twinvault.errors import InvalidInput
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import IDX, NamedKey
from twinvault.records.blind import MAX_BITS, Blind, Blinder, encode_value
from twinvault.records.blinding import find_blinder
from twinvault.records.cursor import make_cursor, read_cursor
from twinvault.records.listing import scope_of_hit
from twinvault.records.paging import require_limit
from twinvault.records.reading import Reader
from twinvault.records.record import StoredRecord
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope

_GENERATION = "generation"


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record that was found and opened, and the partition in which it stands."""

    scope: Scope
    record: StoredRecord


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Records with the value that was asked for, and the cursor of the next page; None where there is none.

    Hits that turn out to be none are left out, so that a page may hold fewer records than its limit, or no record at
    all, and a cursor all the same.
    """

    records: tuple[FoundRecord, ...]
    cursor: str | None


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


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds records of one kind of an activity's tenant.

    `randomness`, `os.urandom` outside of tests, gives cursors their salts and nonces.
    """

    table: Table
    reader: Reader
    keys: KeyHierarchy
    kind: KindSpec
    activity: Activity
    randomness: Callable[[int], bytes]

    def page(self, entity: str, by: Mapping[str, object], *, limit: int, cursor: str | None) -> FoundPage:
        """Returns the records among the next `limit` hits that have the value.

        Raises:
            InvalidInput: as for `Wanted.of`; the limit is not from 1 to 1,000; the cursor is of another question.
            IntegrityError: a hit is a row of another tenant, or does not open.
            Undeclared: a hit is authentic, and the kind does not declare what it holds.
            KeyRefused, DependencyError: a key, the index or the table cannot be read now.
        """
        with self.activity.going_on():
            return self._page(entity, by, limit=limit, cursor=cursor)

    def _page(self, entity: str, by: Mapping[str, object], *, limit: int, cursor: str | None) -> FoundPage:
        require_limit(limit)
        wanted = Wanted.of(self.kind, entity, by=by)
        blinder = find_blinder(self.keys, self.kind, tenant=self.activity.tenant, observer=self.activity)
        if blinder is None:
            return FoundPage((), None)
        search = _Search(wanted, blinder, self.activity.tenant)
        places = search.places(cursor)
        hits: list[Item] = []
        while places and len(hits) < limit:
            (generation, after) = places.pop(0)
            equals = search.key(generation)
            page = self.table.query_index(
                wanted.blind.index, equals, limit=limit - len(hits), after=after, descending=False
            )
            hits += page.items
            if page.next_key is not None:
                places.insert(0, (generation, page.next_key))
        found = tuple(one for one in self._opened(hits) if wanted.fits(one.record))
        return FoundPage(found, search.cursor(places[0], randomness=self.randomness) if places else None)

    def _opened(self, hits: Sequence[Item]) -> Iterator[FoundRecord]:
        """What hits lead to, each record once, read again and opened; what is gone, or of another kind, is left out."""
        tenant = self.activity.tenant
        scopes = {(text_of(hit, "pk"), text_of(hit, "sk")): scope_of_hit(hit, tenant) for hit in hits}
        # Of another kind, at few bits a value looks equal by chance: that is no tampering, and nothing to open.
        wanted = {place: scope for place, scope in scopes.items() if scope.kind == self.kind.kind}
        for scope in dict.fromkeys(wanted.values()):
            self.activity.asked(head_mark_key(scope.pk))
        items = self.table.batch_get(list(wanted))
        for place, scope in wanted.items():
            if place in items:
                record = self.reader.open_row(items[place], self.kind, scope=scope, activity=self.activity)
                yield FoundRecord(scope, record)


type _At = tuple[Blinder, Item | None]
"""Where to look: under which generation, and after which key of the index."""


@dataclass(frozen=True, slots=True)
class _Search:
    """Where in an index a value is, page after page. Pure but for a cursor's randomness."""

    wanted: Wanted
    blinder: Blinder
    tenant: str

    def key(self, blinder: Blinder) -> dict[str, str]:
        """The index's key of the value, under this generation."""
        value = self.wanted.blinded(blinder, bits=self.wanted.blind.bits)
        return {"tenant_id": self.tenant, self.wanted.blind.attribute: value}

    def places(self, cursor: str | None) -> list[_At]:
        """Where to look, one after the other, from a cursor on.

        The generation before the current one comes first: a record that is indexed anew meanwhile moves from it to the
        current one, and is found there again, not missed.

        Raises:
            InvalidInput: the cursor is not one of this question.
        """
        places: list[_At] = [(one, None) for one in (self.blinder.before(), self.blinder) if one is not None]
        if cursor is None:
            return places
        position = read_cursor(cursor, key=self._sealing_key, tenant=self.tenant, question=self._question)
        generation = position.pop(_GENERATION)["S"]
        while str(places[0][0].generation) != generation:
            places.pop(0)
        blinder = places[0][0]
        own = {name: {"S": text} for name, text in self.key(blinder).items()}
        return [(blinder, own | position if position else None), *places[1:]]

    def cursor(self, at: _At, *, randomness: Callable[[int], bytes]) -> str:
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
