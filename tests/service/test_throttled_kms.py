"""KMS throttles for longer than the SDK tries again: a 503 that says when to come again, and no tampering."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.dialogues.samples import SMALL
from tests.service.conftest import Service
from twinvault_http import wiring

READ, LIST = "GET /dialogues/{id}", "GET /dialogues"
ALWAYS = 1_000


def forget() -> None:
    """From here on it is another environment, which has no keys in memory."""
    wiring.service.cache_clear()


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("code", ["ThrottlingException", "LimitExceededException", "RequestLimitExceeded"])
@pytest.mark.parametrize("route", [READ, LIST])
def test_a_read_is_a_503_and_opens_again_when_kms_does(
    service: Service,
    kms_fault: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    *,
    code: str,
    route: str,
) -> None:
    assert service.load(SMALL).status == 201
    forget()
    capsys.readouterr()
    asked = {"id": SMALL["id"]} if route == READ else {}
    kms_fault(operation="Decrypt", times=ALWAYS, error=code)
    answered = service.call(route, **asked)
    assert (answered.status, answered.body["type"]) == (503, "urn:twinvault:problem:unavailable")
    assert int(answered.headers["retry-after"]) > 0
    assert code not in json.dumps(answered.body)
    logged = told(capsys)
    (cause,) = [one["cause"] for one in logged if "cause" in one]
    assert (cause["trouble"], cause["operation"], cause["code"]) == ("Throttled", "Decrypt", code)
    assert [one["KmsErrors"] for one in logged if "KmsErrors" in one]
    assert not [one for one in logged if {"OpenFailed", "StoreErrors", "FailedAnswers"} & one.keys()]
    (entry,) = [entry for entry in service.entries() if entry["outcome"] == "failure"]
    assert (entry["problem"], entry.get("step")) == ("unavailable", None)


def test_it_is_served_again_afterwards(service: Service, kms_fault: Callable[..., None]) -> None:
    assert service.load(SMALL).status == 201
    forget()
    kms_fault(operation="Decrypt", times=3, error="ThrottlingException")
    assert service.call(READ, id=SMALL["id"]).status == 503
    assert service.call(READ, id=SMALL["id"]).status == 200


def test_a_new_tenants_import_is_a_503_and_leaves_nothing(service: Service, kms_fault: Callable[..., None]) -> None:
    kms_fault(operation="GenerateDataKey", times=ALWAYS, error="ThrottlingException")
    answered = service.load(SMALL)
    assert (answered.status, int(answered.headers["retry-after"]) > 0) == (503, True)
    assert service.client.scan(TableName=service.tables.records)["Count"] == 0
    assert service.client.scan(TableName=service.tables.keys)["Count"] == 0


def test_what_kms_answers_at_a_further_try_of_the_sdk_is_served(
    service: Service, kms_fault: Callable[..., None]
) -> None:
    assert service.load(SMALL).status == 201
    forget()
    kms_fault(operation="Decrypt", times=2, error="ThrottlingException")
    assert service.call(READ, id=SMALL["id"]).status == 200
