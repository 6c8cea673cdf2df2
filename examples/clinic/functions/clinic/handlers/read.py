"""The function that only reads: one patient whole, and patients by their e-mail address."""

from typing import Any

from twinvault import InvalidInput, NotFound
from twinvault_http import Answer, Api, Request, problem_of

from clinic.patients import Patients
from clinic.permissions import READ
from clinic.records import Note, Patient, Visit
from clinic.requests import about, patient_in

api = Api()


@api.route("GET /patients", permission=READ, action="patient.find", query=("email", "cursor"))
def find_patients(request: Request) -> Answer:
    """The patients of an e-mail address, without their visits."""
    email = request.query.get("email")
    if not email:
        raise InvalidInput("email: must be given", field="email")
    page = Patients(request.acting).find(email, cursor=request.query.get("cursor"))
    document: dict[str, Any] = {"patients": [_shown(one) for one in page], "cursor": page.cursor}
    if page.refused:
        document["refused"] = [problem_of(one.error).slug for one in page.refused]
    return Answer(200, document, refused=[one.error for one in page.refused])


@api.route("GET /patients/{id}", permission=READ, action="patient.read", about=about)
def read_patient(request: Request) -> Answer:
    """A patient, whole."""
    found = Patients(request.acting).read(patient_in(request))
    patient = found.get(Patient)
    if patient is None:
        raise NotFound("there is no such patient")
    visits = [
        {"number": one.number, "state": one.state, "day": one.day.isoformat(), "reason": one.reason}
        for one in found.all(Visit)
    ]
    notes = [
        {"visit": one.visit, "number": one.number, "author": one.author, "text": one.text} for one in found.all(Note)
    ]
    return Answer(200, {**_shown(patient), "visits": visits, "notes": notes, "version": found.version})


def _shown(patient: Patient) -> dict[str, Any]:
    return {"id": patient.id, "name": patient.name, "email": patient.email, "born": patient.born.isoformat()}


handler = api
