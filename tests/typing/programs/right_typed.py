"""Typed records as a user of the library declares and uses them."""

import dataclasses
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, assert_type
from uuid import UUID, uuid4

from twinvault import (
    ABSENT,
    Acting,
    Blind,
    Clear,
    Kind,
    Moved,
    Page,
    Record,
    Records,
    Searchable,
    StoredRecord,
    TypedPartition,
    Was,
    Writes,
    casefold_nfc,
    from_stored,
    retired,
    sort_key,
)


class State(StrEnum):
    """Where a visit stands."""

    OPEN = "open"
    CLOSED = "closed"


class Clinic(Record, sk="head"):
    """The head's own fields."""

    city: Clear[str]


class Visit(Record, sk="visit#{number:04d}"):
    """A visit."""

    LONGEST: ClassVar[int] = 3

    number: Clear[int]
    state: Clear[Literal["open", "closed"]]
    email: Searchable[str]
    phone: Annotated[str | None, Blind(slot=2, normalize=casefold_nfc)] = None
    note: str
    scans: list[bytes] = []  # noqa: RUF012  # each record has its own
    seen_at: datetime | None = None

    def summary(self) -> str:
        """Records may have methods."""
        return self.note[: self.LONGEST]


class Bill(Record, sk="{id}", entity="bill"):
    """A bill: the entity's name is given, for its sort key begins with a field."""

    id: Clear[str]
    state: Clear[State] = State.OPEN
    price: Clear[Decimal | None] = None
    token: UUID = field(default_factory=uuid4)
    lines: dict[str, tuple[int, Decimal]] = field(default_factory=dict[str, tuple[int, Decimal]])


class Ward(Record, sk="ward#{name}"):
    """A record type whose older classes were otherwise."""

    name: Annotated[Clear[str], Was("title", "label")]
    beds: Annotated[int, Moved(Clear[int])]
    price: Annotated[Clear[Decimal | None], Was("cost"), Moved(Decimal | None)] = None
    state: Annotated[State, Moved(Clear[Literal["open", "closed"]]), Blind(slot=1)] = State.OPEN
    floor: Clear[int | None] = retired()
    tags: list[str] | None = retired()


class Letter(Record, sk="letter#{number}"):
    """A record type that nobody writes any more."""

    number: Clear[int]


CLINIC = Kind("clinic", [Visit, Bill, Ward], head=Clinic, retired=[Letter])


def register(acting: Acting, clinic_id: str) -> Visit:
    """Puts what was made, gets it back, changes it."""
    clinic: TypedPartition = acting.partition(CLINIC, clinic_id)
    visit = Visit(number=7, state="open", email="bo@example.com", note="a cold")
    written: Records = clinic.put(Clinic(city="Oslo"), visit, expected={visit.sk: ABSENT})
    assert_type(written.all(Visit), list[Visit])
    found = clinic.get(Visit, number=7)
    assert_type(found, Visit | None)
    if found is None:
        return visit
    stored: StoredRecord = found.stored
    assert_type(from_stored(Visit, stored), Visit)
    closed = dataclasses.replace(found, state="closed")
    clinic.put(closed, expected={found.sk: stored.version})
    clinic.update(Visit, {"note": "a cough"}, number=7)
    clinic.add(Bill(id="b-1", lines={"x": (1, Decimal(1))}))
    clinic.delete(closed, sort_key(Bill, id="b-1"))
    return closed


def read(acting: Acting, clinic_id: str) -> list[datetime]:
    """Whole, by pages, several at once, by a plan."""

    def plan(before: Records | None) -> Writes | None:
        visits = before.all(Visit) if before else []
        return Writes(put=[dataclasses.replace(one, state="closed") for one in visits], add=[Bill(id="b-2")])

    hidden = acting.hidden_partition(CLINIC, clinic_id, create=False)
    if hidden is None:
        return []
    hidden.write(plan)
    page: Page[Bill] = hidden.query(Bill, limit=10)
    bills: list[Bill] = hidden.get_many(Bill, [{"id": "b-1"}])
    whole = hidden.read()
    if whole is None or page.cursor or bills:
        return []
    head = whole.get(Clinic)
    assert_type(head, Clinic | None)
    for batch in hidden.batches(whole.all(Visit)):
        hidden.put(*batch)
    return [one.seen_at for one in whole.all(Visit) if one.seen_at is not None]


def carry_on(clinic: TypedPartition) -> list[str]:
    """What older classes wrote, as it is declared now."""
    ward = Ward(name="a", beds=3)
    assert_type(ward.beds, int)
    assert_type(ward.floor, int | None)
    assert_type(clinic.get(Letter, number=1), Letter | None)
    left: int = clinic.rewrite(most_writes=3).left
    clinic.put(dataclasses.replace(ward, price=Decimal(left)))
    return ward.tags or []


def find(acting: Acting) -> list[str]:
    """Found by a sealed field, wherever they stand."""
    found: Page[Visit] = acting.find(CLINIC, Visit, email="bo@example.com", limit=10)
    more: list[Visit] = acting.find(CLINIC, Visit, phone="1", cursor=found.cursor)
    refused = [f"{one.sk}: {one.problem}" for one in found.refused]
    return [one.email for one in (*found, *more)] + [scope.partition for scope in found.scopes] + refused
