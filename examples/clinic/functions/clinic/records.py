"""What is stored: a partition for each patient, and in it their visits, and the notes about these.

A patient is written, read and erased together, under keys of their own. What is marked `Clear` is what staff must see
without opening anything: a visit's number and how it stands. All else is sealed; the e-mail address can be searched by.
"""

from datetime import date
from typing import Literal

from twinvault import Clear, Kind, Record, Searchable

State = Literal["planned", "held", "cancelled"]


class Patient(Record, sk="patient"):
    """Who it is. The id is what the clinic calls them; the partition's own id hides it."""

    id: str
    name: str
    email: Searchable[str]
    born: date


class Visit(Record, sk="visit#{number:04d}"):
    """One visit."""

    number: Clear[int]
    state: Clear[State] = "planned"
    day: date
    reason: str


class Note(Record, sk="note#{visit:04d}#{number:02d}"):
    """What somebody wrote down about a visit."""

    visit: Clear[int]
    number: Clear[int]
    author: str
    text: str


PATIENT = Kind("patient", [Patient, Visit, Note])
