"""What the clinic does with records, against real engines in this process."""

from datetime import date
from typing import TYPE_CHECKING

import pytest
from twinvault import Acting, Conflict, NotFound

from clinic.patients import Patients
from clinic.records import Note, Patient, Visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twinvault import Vault
    from twinvault_testing import OwnStore

ADA = Patient(id="Ada Lovelace / 17", name="Ada Lovelace", email="Ada@Example.com", born=date(1815, 12, 10))


@pytest.fixture
def acting(vault: "Vault") -> "Iterator[Acting]":
    with vault.acting(tenant="north", principal="u-17", action="test") as acting:
        yield acting


@pytest.fixture
def patients(acting: Acting) -> Patients:
    made = Patients(acting)
    made.add(ADA)
    return made


def test_a_patient_is_found_by_the_address(patients: Patients) -> None:
    assert list(patients.find("Ada@Example.com", cursor=None)) == [ADA]
    assert list(patients.find("bo@example.com", cursor=None)) == []


def test_a_patient_who_moved_is_found_by_the_new_address_alone(patients: Patients) -> None:
    patients.move(ADA.id, "ada@example.org")
    (found,) = patients.find("ada@example.org", cursor=None)
    assert (found.name, found.born) == (ADA.name, ADA.born)
    assert not patients.find(ADA.email, cursor=None)


def test_visits_are_numbered_and_change(patients: Patients) -> None:
    for reason in ("a cough", "the cough again"):
        patients.plan(ADA.id, day=date(2026, 12, 1), reason=reason)
    patients.change(ADA.id, 2, state="held")
    visits = patients.read(ADA.id).all(Visit)
    assert [(one.number, one.state, one.reason) for one in visits] == [
        (1, "planned", "a cough"),
        (2, "held", "the cough again"),
    ]


def test_a_note_is_deleted_and_the_others_stay(patients: Patients) -> None:
    patients.plan(ADA.id, day=date(2026, 12, 1), reason="a cough")
    for text in ("wrong patient", "no fever"):
        patients.note(ADA.id, 1, author="u-17", text=text)
    patients.forget(ADA.id, 1, 1)
    assert [one.text for one in patients.read(ADA.id).all(Note)] == ["no fever"]
    with pytest.raises(NotFound):
        patients.forget(ADA.id, 1, 1)


def test_there_is_one_patient_of_an_id(patients: Patients) -> None:
    with pytest.raises(Conflict):
        patients.add(ADA)


@pytest.mark.parametrize("patient", ["nobody", "Ada Lovelace"])
def test_who_is_not_there_is_not_found(patients: Patients, patient: str) -> None:
    for ask in (
        lambda: patients.read(patient),
        lambda: patients.plan(patient, day=date(2026, 12, 1), reason="x"),
        lambda: patients.note(patient, 1, author="u-17", text="x"),
    ):
        with pytest.raises(NotFound):
            ask()


def test_the_tables_show_how_visits_stand_and_no_more(store: "OwnStore") -> None:
    with store.vault.acting(tenant="north", principal="u-17", action="test") as acting:
        patients = Patients(acting)
        patients.add(ADA)
        patients.plan(ADA.id, day=date(2026, 12, 1), reason="a cough")
    shown = repr(store.items("records"))
    assert "planned" in shown
    assert not [secret for secret in ("Ada", "Example.com", "1815", "cough") if secret in shown]
