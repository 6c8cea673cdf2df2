"""Engines that die while the service serves: what callers get, what `status` says, and that `up` heals it."""

import os
import signal

import pytest
from samples import canonical, dialogue
from vaults import Vault

from twinvault_local import status, tokens
from twinvault_local.errors import NotRunningError
from twinvault_local.machine import processes, waiting
from twinvault_local.status import Health

pytestmark = pytest.mark.xdist_group("end_to_end")

GONE = ("issuer", "kms", "dynamodb", "gate")


def kill(vault: Vault, engine: str) -> None:
    slot = vault.twin.state.slot(engine)
    pid = processes.running(slot)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert waiting.until(lambda: processes.running(slot) is None, seconds=10)


def test_what_needs_a_dead_engine_is_a_503_and_the_next_up_heals_it_without_loss(vault: Vault) -> None:
    document = dialogue("outlives-its-engines", perspectives=3, words=5)
    assert vault.load(document).status_code == 201
    port = int(vault.facts.url.rpartition(":")[2])
    mine, newcomer = vault.token(), vault.token("comes-too-late")
    try:
        kill(vault, "issuer")
        with pytest.raises(NotRunningError, match="issuer") as caught:
            tokens.mint_token(vault.twin.state, tenant="acme")
        assert "twinvault up" in caught.value.next_step
        kill(vault, "kms")
        refused = vault.load(document, token=newcomer)  # a tenant whose keys are in no worker's memory
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert int(refused.headers["retry-after"]) > 0
        for engine in ("dynamodb", "gate"):
            kill(vault, engine)
            refused = vault.export("outlives-its-engines", token=mine)
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
            assert not any(str(address) in refused.text for address in vault.facts.endpoints.values())
        services = status.look(vault.twin.state).services
        assert services == dict.fromkeys(GONE, Health.DIED) | {"server": Health.WELL}
    finally:
        facts, started = vault.twin.up(lambda _: vault.made, port=port, progress=lambda _: None)
        vault.facts = facts
    assert started
    assert status.look(vault.twin.state).running
    assert canonical(vault.export("outlives-its-engines").json()) == canonical(document)
    assert vault.load(document, token=vault.token("comes-too-late")).status_code == 201
