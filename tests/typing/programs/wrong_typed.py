"""What a user may get wrong with typed records. Each marked line is an error to both checkers, and no other line is."""

from typing import Annotated, Literal

from twinvault import Acting, Clear, Kind, Moved, Record, TypedPartition, Was, retired


class Visit(Record, sk="visit#{number:04d}"):
    """A visit."""

    number: Clear[int]
    state: Clear[Literal["open", "closed"]]
    note: str = ""
    remark: Annotated[str, Was("memo")] = ""
    ticket: Clear[int | None] = retired()


class Unplaced(Record):  # wrong: no sort key
    """A record that stands nowhere."""

    number: Clear[int]


class Numbered(Record, sk=7):  # wrong: a sort key's form is a text
    """A record of a number."""


class Defaulted(Record, sk="x"):
    """A record with a default of another type."""

    note: str = 5  # wrong: a number for text


CLINIC = Kind("clinic", [Visit])
LONE = Kind("clinic", Visit)  # wrong: one type where a sequence of them belongs
OTHER = Kind("clinic", [int])  # wrong: no type of records
LATER = Kind("clinic", [], retired=Visit)  # wrong: one type where a sequence of them belongs
WAS = Was(5)  # wrong: a number for an older name
MOVED = Moved()  # wrong: it is not said how the field was annotated

Visit(number=7)  # wrong: the state is missing
Visit(number="7", state="open")  # wrong: a text for a number
Visit(number=7, state="shut")  # wrong: none of the states
Visit(number=7, state="open", nots="")  # wrong: no such field
Visit(number=7, state="open", ticket=5)  # wrong: a retired field is given to no record
Visit(number=7, state="open", memo="")  # wrong: an older name
Visit(7, "open")  # wrong: fields are given by name


def use(acting: Acting, clinic: TypedPartition, visit: Visit) -> str:
    """What is read is of its type, and may not be there."""
    visit.note = "x"  # wrong: a record is frozen
    len(visit.nots)  # wrong: no such field
    len(visit.memo)  # wrong: an older name
    abs(visit.ticket)  # wrong: only older records have it
    clinic.put({"number": 7})  # wrong: a dict is no record
    clinic.put(Visit)  # wrong: the type for a record
    len(clinic.get(Visit, number=7).note)  # wrong: there may be no such record
    clinic.get("visit#0007")  # wrong: a sort key where a type belongs
    clinic.read().all(Visit)  # wrong: there may be no such partition
    clinic.write(lambda before: before)  # wrong: a plan returns writes
    acting.partition(CLINIC, "c-1").get("visit#0007")  # wrong: the partition of a `Kind` is typed
    acting.find(CLINIC, "visit", note="x")  # wrong: of a `Kind` a type is found, not a name
    acting.find(CLINIC, Visit, note="x", limit="1")  # wrong: a text for a number
    acting.partition("clinic", "c-1")  # wrong: a kind's name is no kind
    return visit.number  # wrong: a number for text
