"""What a clinic does with its patients' records. Knows records, and nothing of HTTP."""

from dataclasses import dataclass
from datetime import date

from twinvault import Acting, NotFound, Page, Records, TypedPartition, Writes

from clinic.records import PATIENT, Note, Patient, State, Visit


@dataclass(frozen=True, slots=True)
class Patients:
    """The patients of one tenant, for one request of one caller."""

    acting: Acting

    def name(self, patient_id: str) -> None:
        """Tells the audit log who is asked for, and does nothing else."""
        self.acting.hidden_partition(PATIENT, patient_id, create=False)

    def add(self, patient: Patient, *, idempotency_key: str | None = None) -> Records:
        """Stores a patient who is new.

        Raises:
            Conflict: there is one of this id.
        """
        partition = self.acting.hidden_partition(PATIENT, patient.id, create=True)
        return partition.add(patient, idempotency_key=idempotency_key)

    def read(self, patient_id: str) -> Records:
        """A patient with all visits and notes: complete, authentic, and nothing put back.

        Raises:
            NotFound: there is no such patient.
        """
        found = self._partition(patient_id).read()
        if found is None:
            raise NotFound("there is no such patient")
        return found

    def find(self, email: str, *, cursor: str | None) -> Page[Patient]:
        """The patients of this e-mail address."""
        return self.acting.find(PATIENT, Patient, email=email, limit=20, cursor=cursor)

    def move(self, patient_id: str, email: str) -> Records:
        """Gives a patient another e-mail address; the other fields stay.

        Raises:
            NotFound, Conflict: there is no such patient.
        """
        return self._partition(patient_id).update(Patient, {"email": email})

    def plan(self, patient_id: str, *, day: date, reason: str) -> Visit:
        """Plans a visit, under the next number that is free.

        Raises:
            NotFound: there is no such patient.
        """
        planned: list[Visit] = []

        def add(before: Records | None) -> Writes:
            # Asked anew whenever somebody else was faster: it returns what to write, and does nothing else that lasts.
            numbers = [visit.number for visit in _there(before).all(Visit)]
            planned[:] = [Visit(number=max(numbers, default=0) + 1, day=day, reason=reason)]
            return Writes(add=planned)

        self._partition(patient_id).write(add)
        return planned[0]

    def change(self, patient_id: str, number: int, *, state: State) -> Records:
        """Says how a visit stands.

        Raises:
            NotFound: there is no such patient.
            Conflict: there is no such visit.
        """
        return self._partition(patient_id).update(Visit, {"state": state}, number=number)

    def note(self, patient_id: str, visit: int, *, author: str, text: str) -> Note:
        """Writes something down about a visit.

        Raises:
            NotFound: there is no such patient, or no such visit.
        """
        written: list[Note] = []

        def add(before: Records | None) -> Writes:
            there = _there(before)
            if there.get(Visit, number=visit) is None:
                raise NotFound("there is no such visit")
            numbers = [note.number for note in there.all(Note) if note.visit == visit]
            written[:] = [Note(visit=visit, number=max(numbers, default=0) + 1, author=author, text=text)]
            return Writes(add=written)

        self._partition(patient_id).write(add)
        return written[0]

    def forget(self, patient_id: str, visit: int, number: int) -> Records:
        """Deletes one note, for good.

        Raises:
            NotFound: there is no such patient.
            Conflict: there is no such note.
        """
        partition = self._partition(patient_id)
        note = partition.get(Note, visit=visit, number=number)
        if note is None:
            raise NotFound("there is no such note")
        return partition.delete(note)

    def _partition(self, patient_id: str) -> TypedPartition:
        partition = self.acting.hidden_partition(PATIENT, patient_id, create=False)
        if partition is None:
            raise NotFound("there is no such patient")
        return partition


def _there(before: Records | None) -> Records:
    if before is None:
        raise NotFound("there is no such patient")
    return before
