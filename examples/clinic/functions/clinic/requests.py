"""What requests say: the patient in the path, numbers in it, and the bodies."""

from datetime import date

import msgspec
from twinvault import InvalidInput
from twinvault_http import Request, id_from_path

from clinic.patients import Patients
from clinic.records import State


class NewPatient(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /patients`."""

    id: str
    name: str
    email: str
    born: date


class NewEmail(msgspec.Struct, forbid_unknown_fields=True):
    """`PATCH /patients/{id}`."""

    email: str


class NewVisit(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /patients/{id}/visits`."""

    day: date
    reason: str


class NewState(msgspec.Struct, forbid_unknown_fields=True):
    """`PATCH /patients/{id}/visits/{number}`."""

    state: State


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /patients/{id}/visits/{number}/notes`."""

    text: str


def patient_in(request: Request) -> str:
    """The patient's id, as the clinic calls them."""
    return id_from_path(request.parameters["id"])


def number_in(request: Request, name: str, *, most: int = 9_999) -> int:
    """A number in the path.

    Raises:
        InvalidInput: it is none from 1 to `most`.
    """
    text = request.parameters[name]
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        raise InvalidInput(f"{name}: must be a number from 1 to {most}", field=name)
    return int(text)


def about(request: Request) -> None:
    """Tells the audit log who is asked for, where the token does not allow it."""
    Patients(request.acting).name(patient_in(request))
