"""A clinic's records: every form of field that a typed record may have, in one type or another."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, Literal, NamedTuple, NewType, TypedDict
from uuid import UUID

import msgspec

from twinvault.records.typed.kind import Kind
from twinvault.records.typed.markers import Clear
from twinvault.records.typed.record import Record

type Ward = Literal["a", "b"]
Bed = NewType("Bed", int)


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Colour(Enum):
    RED = "red"


class Level(Enum):
    LOW = 1
    HIGH = 2


class Clinic(Record, sk="head"):
    city: Clear[str]
    owner: str = ""


class Visit(Record, sk="visit#{number:04d}"):
    number: Clear[int]
    state: Clear[Literal["open", "closed"]]
    email: str
    note: str
    scans: list[bytes] = []  # noqa: RUF012  # each record has its own
    seen_at: datetime | None = None


class Note(Record, sk="note#{author}#{number}", entity="remark"):
    author: Clear[str]
    number: Clear[int]
    text: str


CLINIC = Kind("clinic", [Visit, Note], head=Clinic)


class Clearly(Record, sk="clearly#{state}#{ward}#{bed:02d}"):
    """Every type that may be clear."""

    state: Clear[State]
    ward: Clear[Ward]
    bed: Clear[Bed]
    colour: Clear[Colour] = Colour.RED
    text: Clear[str] = "x"
    price: Clear[Decimal] = Decimal("1.50")
    flag: Clear[bool] = True
    gone: Clear[None] = None
    either: Clear[int | str | None] = None
    named: Clear[Literal["a"] | None] = "a"


@dataclass
class Person:
    name: str
    born: date | None = None


class Point(msgspec.Struct):
    x: int
    y: int = 0


class Tree(msgspec.Struct):
    name: str
    parts: "list[Tree]" = []


class Pair(NamedTuple):
    left: int
    right: str


class Options(TypedDict, total=False):
    colour: Colour
    sizes: set[int]


class Sealed(Record, sk="sealed"):
    """Every type that may be sealed."""

    text: str = "ü€😀"
    number: int = -(10**30)
    real: float = 0.1
    flag: bool = True
    nothing: None = None
    data: bytes = b"\x00\xff"
    price: Decimal = Decimal("12.50")
    at: datetime = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    naive: datetime = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001  # it comes back as naive as it was
    day: date = date(2026, 1, 2)
    clock: time = time(3, 4, 5, 6)
    lasting: timedelta = timedelta(days=1, seconds=2, microseconds=3)
    id: UUID = UUID(int=5)
    level: Level = Level.HIGH
    state: State | None = State.OPEN
    literal: Literal["a", 1] | None = 1
    either: int | str | None = "x"
    point: Point = dataclasses.field(default_factory=lambda: Point(1, 2))
    person: Person = dataclasses.field(default_factory=lambda: Person("Bo", date(1970, 1, 1)))
    tree: Tree = dataclasses.field(default_factory=lambda: Tree("a", [Tree("b")]))
    pair: Pair = Pair(1, "x")
    options: Options = dataclasses.field(default_factory=lambda: Options(colour=Colour.RED, sizes={3, 1, 2}))
    both: tuple[int, Decimal] = (1, Decimal("1.0"))
    several: tuple[date, ...] = (date(2026, 1, 1),)
    some: set[str] = dataclasses.field(default_factory=lambda: {"b", "a", "c"})
    frozen: frozenset[int] = frozenset({2, 1})
    by_name: dict[str, Point] = dataclasses.field(default_factory=lambda: {"b": Point(1), "a": Point(2)})
    by_number: dict[int, list[bytes]] = dataclasses.field(default_factory=lambda: {2: [b"x"], 1: []})
    by_day: dict[date, tuple[int, ...]] = dataclasses.field(default_factory=lambda: {date(2026, 1, 1): (1, 2)})
    anything: Any = dataclasses.field(default_factory=lambda: {"b": [1, 1.5, None, True, "x"], "a": {}})


def visit(number: int = 7, **fields: Any) -> Visit:
    return Visit(**{"number": number, "state": "open", "email": "bo@example.com", "note": "a cold", **fields})
