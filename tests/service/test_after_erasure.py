"""The API of what was erased: 410 with the time, and an import that may begin another dialogue at its place."""

import json

import pytest

from dialogues.entities import DIALOGUE
from tests.dialogues.samples import small
from tests.service.conftest import Service
from twinvault import now
from twinvault.erasure.act import Eraser
from twinvault.erasure.sweeping import Sweeping
from twinvault.scope import Scope
from twinvault_http.wiring import service as wired


def test_it_is_gone_and_another_one_comes_only_by_who_says_so(service: Service) -> None:
    assert service.call("POST /dialogues/import", body=json.dumps(small())).status == 201
    vault = wired().vault
    with vault.acting(tenant="acme", principal="u-1", action="test.erase") as acting:
        partition = acting.hidden_partition(DIALOGUE, small()["id"], create=False)
        assert partition
        scope = Scope("acme", DIALOGUE.kind, partition.scope.partition)
        erased = Eraser(vault).erase_partition(scope, DIALOGUE, activity=acting.activity)
    for answered in (
        service.call("GET /dialogues/{id}", id=small()["id"]),
        service.call("POST /dialogues/import", body=json.dumps(small())),
        service.call("POST /dialogues/import", body=json.dumps(small()), query={"after_erasure": "false"}),
    ):
        assert (answered.status, answered.body["type"]) == (410, "urn:twinvault:problem:erased"), answered.body
        assert answered.body["erased_at"] == erased.erased_at
    with vault.acting(tenant="acme", principal="u-1", action="test.sweep") as acting:
        sweeping = Sweeping(acting, kinds=[DIALOGUE], now=now)
        sweeping.drive(sweeping.begin(DIALOGUE.kind)[0].id)
    anew = service.call("POST /dialogues/import", body=json.dumps(small()), query={"after_erasure": "true"})
    assert anew.status == 201
    assert service.call("GET /dialogues/{id}", id=small()["id"]).status == 200


@pytest.mark.parametrize("said", ["yes", "", "True"])
def test_it_is_said_by_true_and_nothing_else(service: Service, said: str) -> None:
    answered = service.call("POST /dialogues/import", body=json.dumps(small()), query={"after_erasure": said})
    assert (answered.status, answered.body["field"]) == (400, "after_erasure")
