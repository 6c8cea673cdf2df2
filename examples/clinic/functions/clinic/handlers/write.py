"""The function that writes: patients, visits and notes."""

from twinvault_http import Answer, Api, Request

from clinic.patients import Patients
from clinic.permissions import WRITE
from clinic.records import Patient
from clinic.requests import (
    NewEmail,
    NewNote,
    NewPatient,
    NewState,
    NewVisit,
    about,
    number_in,
    patient_in,
)

api = Api()


@api.route("POST /patients", permission=WRITE, action="patient.add")
def add_patient(request: Request) -> Answer:
    """A patient who is new: 201, or 200 for the same request once more; 409 where there is one of this id."""
    asked = request.read(NewPatient)
    patient = Patient(id=asked.id, name=asked.name, email=asked.email, born=asked.born)
    done = Patients(request.acting).add(patient, idempotency_key=request.header("idempotency-key"))
    return Answer(200 if done.repeated else 201, {"id": asked.id, "version": done.version})


@api.route("PATCH /patients/{id}", permission=WRITE, action="patient.move", about=about)
def move_patient(request: Request) -> Answer:
    """Another e-mail address."""
    done = Patients(request.acting).move(patient_in(request), request.read(NewEmail).email)
    return Answer(200, {"version": done.version})


@api.route("POST /patients/{id}/visits", permission=WRITE, action="visit.plan", about=about)
def plan_visit(request: Request) -> Answer:
    """A visit, under the next number."""
    asked = request.read(NewVisit)
    visit = Patients(request.acting).plan(patient_in(request), day=asked.day, reason=asked.reason)
    return Answer(201, {"number": visit.number})


@api.route("PATCH /patients/{id}/visits/{number}", permission=WRITE, action="visit.change", about=about)
def change_visit(request: Request) -> Answer:
    """How a visit stands."""
    number, state = number_in(request, "number"), request.read(NewState).state
    done = Patients(request.acting).change(patient_in(request), number, state=state)
    return Answer(200, {"version": done.version})


@api.route("POST /patients/{id}/visits/{number}/notes", permission=WRITE, action="note.add", about=about)
def add_note(request: Request) -> Answer:
    """What the caller writes down about a visit."""
    number, text = number_in(request, "number"), request.read(NewNote).text
    note = Patients(request.acting).note(patient_in(request), number, author=request.principal, text=text)
    return Answer(201, {"number": note.number})


@api.route("DELETE /patients/{id}/visits/{number}/notes/{note}", permission=WRITE, action="note.delete", about=about)
def delete_note(request: Request) -> Answer:
    """Takes a note away, for good."""
    number, note = number_in(request, "number"), number_in(request, "note", most=99)
    done = Patients(request.acting).forget(patient_in(request), number, note)
    return Answer(200, {"version": done.version})


handler = api
