"""The three functions for several kinds: each is named by its own name, and a partition's own id with its kind."""

import json
from typing import Any

import pytest

from tests.service.conftest import Answered, Service
from twinvault import Clear, ConfigurationError, Kind, Record
from twinvault_http import Answer, Api, Request, ServedKind, erasure_handler, keys_handler, maintenance_handler


class Visit(Record, sk="visit"):
    day: Clear[str]


class Terms(Record, sk="terms"):
    price: int


class ContractHead(Record, sk="head"):
    state: Clear[str]
    note: str = ""


PATIENT, CONTRACT = Kind("patient", [Visit]), Kind("contract", [Terms], ContractHead)
KINDS = [PATIENT, ServedKind(CONTRACT, hidden=False)]
keys, maintain, erase = keys_handler(KINDS), maintenance_handler(KINDS), erasure_handler(KINDS)
EVERYTHING = [
    "keys:read",
    "keys:rotate",
    "keys:revoke",
    "maintain:*",
    "erase:request",
    "erase:final",
    "erase:hold",
    "any",
]
fill = Api()


@fill.route("POST /fill", permission="any", action="test.fill")
def filled(request: Request) -> Answer:
    acting = request.acting
    acting.hidden_partition(PATIENT, "Ada", create=True).put(Visit(day="Monday"))
    acting.partition(CONTRACT, "c-1").put(Terms(price=1), ContractHead(state="signed"))
    return Answer(200, {"patient": acting.hidden_partition(PATIENT, "Ada", create=True).pk.rsplit("#", 1)[1]})


def call(service: Service, function: Any, route: str, body: Any = None, **more: Any) -> Answered:
    token = service.issuer.token(permissions=EVERYTHING)
    sent = None if body is None else json.dumps(body)
    return service.call(route, function=function, token=token, body=sent, **more)


@pytest.fixture
def patient(service: Service) -> str:
    """Both are there; the id of the patient's partition."""
    return str(call(service, fill, "POST /fill").body["patient"])


def test_what_is_erased_is_named_by_its_kind(service: Service, patient: str) -> None:
    asked = call(service, erase, "POST /erasures", {"patient": "Ada"}).body
    assert (asked["kind"], asked["partition"], asked["patient"], asked["contract"]) == ("patient", patient, "Ada", None)
    asked = call(service, erase, "POST /erasures", {"contract": "c-1"}).body
    assert (asked["kind"], asked["partition"], asked["contract"]) == ("contract", "c-1", None)
    held = call(service, erase, "POST /holds", {"partition": patient, "kind": "patient", "reason": "case 17"})
    assert (held.status, held.body["kind"], held.body["partition"]) == (201, "patient", patient)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"partition": "c-1"}, id="of which kind"),
        pytest.param({"partition": "c-1", "kind": "visit"}, id="a kind that there is not"),
        pytest.param({"contract": "c-1", "kind": "contract"}, id="a kind twice"),
        pytest.param({"contract": "c-1", "patient": "Ada"}, id="two things"),
    ],
)
def test_what_names_no_one_partition_is_refused(service: Service, patient: str, body: dict[str, Any]) -> None:
    assert call(service, erase, "POST /erasures", body).status == 400
    assert call(service, maintain, "POST /recovery/accept", body).status == 400


def test_keys_are_rotated_by_either_kind(service: Service, patient: str) -> None:
    assert call(service, keys, "POST /keys/rotate", {"contract": "c-1"}).body == {"contract": "c-1", "version": 2}
    assert call(service, keys, "POST /keys/rotate", {"patient": "Ada"}).body == {"patient": "Ada", "version": 2}
    assert call(service, keys, "POST /keys/rotate", {"patient": "Ada", "contract": "c-1"}).status == 400
    told = call(service, keys, "GET /keys/status", query={"contract": "c-1"})
    assert (told.status, told.body["contract"], len(told.body["deks"])) == (200, "c-1", 2)
    assert call(service, keys, "GET /keys/status", query={"patient": "Ada", "contract": "c-1"}).status == 400
    assert call(service, keys, "POST /keys/destroy", {"patient": "nobody"}).status == 404


def test_work_is_on_a_partition_of_its_own_kind(service: Service, patient: str) -> None:
    begin = "POST /maintenance"
    assert call(service, maintain, begin, {"work": "rewrite", "kind": "patient", "contract": "c-1"}).status == 400
    begun = call(service, maintain, begin, {"work": "rewrite", "kind": "contract", "contract": "c-1"})
    assert (begun.status, begun.body["partition"]) == (202, "c-1")


def test_a_head_that_is_given_anew_has_what_its_type_needs(service: Service, patient: str) -> None:
    looked = call(service, maintain, "POST /recovery/accept", {"contract": "c-1", "head": {"note": "x"}})
    assert (looked.status, looked.body["field"], looked.body["detail"]) == (400, "head", "head: state must be there")
    looked = call(service, maintain, "POST /recovery/accept", {"partition": "c-1", "kind": "contract"})
    assert (looked.status, looked.body["partition"]) == (200, "c-1")


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param([], id="none"),
        pytest.param([PATIENT, Kind("patient", [Visit])], id="two of one name"),
        pytest.param([Kind("partition", [Visit])], id="a name that requests have"),
    ],
)
def test_kinds_that_requests_could_not_name_are_refused_when_they_are_declared(kinds: list[Kind]) -> None:
    for made in (keys_handler, maintenance_handler, erasure_handler):
        with pytest.raises(ConfigurationError):
            made(kinds)
