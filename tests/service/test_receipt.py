"""The receipt of an erasure over HTTP: signed by the stage's audit key, for whoever may ask, and honest."""

import json

import pytest

from service.handlers.erase import handler
from tests.dialogues.samples import SMALL
from tests.service.conftest import Service, answered
from tests.service.test_erasing import FINAL, NOBODYS, ask, asked
from twinvault.envelope.signature import public_key_of
from twinvault.erasure.receipt import verify_receipt

__all__ = ["asked"]  # a fixture
RECEIPT = "GET /erasures/{id}/receipt"


def test_an_erasure_that_was_made_final_has_a_receipt_that_anybody_verifies(service: Service, asked: str) -> None:
    before = ask(service, RECEIPT, id=asked)
    assert (before.status, before.body["type"]) == (409, "urn:twinvault:problem:conflict")
    final = answered(lambda: ask(service, FINAL, id=asked))
    assert final.status in {200, 202}, final.body
    answer = ask(service, RECEIPT, id=asked)
    assert answer.status == 200
    key = service.kms.get_public_key(KeyId=service.audit)["PublicKey"]
    content = verify_receipt(json.dumps(answer.body).encode(), public_key=public_key_of(key))
    assert (content["store"], content["tenant"], content["kind"]) == ("tested", "acme", "dialogue")
    assert (content["erasure"], content["audit_key"]) == (asked, service.audit)
    assert content["erased"]["event"] == final.body["erased"]["event_id"]
    assert content["records"] == final.body["erased"]["records"]
    assert (content["status"], content["irrecoverable_after"]) == ("refused by this store", None)
    assert SMALL["id"] not in json.dumps(content)
    assert service.entries()[-1]["action"] == "erase.receipt"


def test_what_is_not_there_and_who_may_not_ask(service: Service, asked: str) -> None:
    assert ask(service, RECEIPT, id=NOBODYS).status == 404
    token = service.issuer.token(permissions=["dialogues:read", "keys:read", "keys:revoke"])
    assert ask(service, RECEIPT, id=asked, token=token).status == 403


@pytest.mark.parametrize("permission", ["erase:request", "erase:final", "erase:hold"])
def test_whoever_may_do_anything_with_erasures_may_have_the_receipt(
    service: Service, asked: str, permission: str
) -> None:
    final = answered(lambda: ask(service, FINAL, id=asked))
    assert final.status in {200, 202}, final.body
    token = service.issuer.token(permissions=[permission])
    assert service.call(RECEIPT, id=asked, function=handler, token=token).status == 200
