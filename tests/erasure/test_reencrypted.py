"""Erasure and re-encryption of one partition: what the one does, the other neither undoes nor is held up by."""

import pytest

from tests.chains import entries
from tests.erasure.samples import erase, filled, key_rows, partition
from tests.erasure.test_beginning import begun
from tests.records.samples import LEDGER, SCOPE
from tests.stores import World
from twinvault.errors import Gone
from twinvault.keys.rows import dek_name
from twinvault.maintenance.reencrypting import Reencrypt
from twinvault.records.dek_life import DeksDestroyed


def reencrypt(world: World) -> None:
    with world.vault.acting(tenant="acme", principal="u-1", action="maintain.reencrypt") as acting:
        step = Reencrypt(world.vault).step(acting.partition(LEDGER, "p1"), since="2999", is_over=lambda: False)
    assert step.is_complete


def destroy(world: World) -> DeksDestroyed:
    world.changes.now = lambda: "2999-01-01T00:00:00.000000Z"
    with world.vault.acting(tenant="acme", principal="u-1", action="key.destroy") as acting:
        return acting.keys.destroy_deks(acting.partition(LEDGER, "p1"))


def test_an_erasure_takes_the_retired_keys_along(world: World) -> None:
    filled(world)
    reencrypt(world)
    done = erase(world)
    assert [one.name for one in done.keys] == [dek_name(SCOPE, 1), dek_name(SCOPE, 2)]
    assert not {dek_name(SCOPE, 1), dek_name(SCOPE, 2)} & key_rows(world).keys()


def test_of_what_was_erased_no_key_is_made_and_none_is_told(world: World) -> None:
    filled(world)
    erase(world)
    before = key_rows(world)
    for what in (reencrypt, destroy):
        with pytest.raises(Gone):
            what(world)
    assert key_rows(world) == before


def test_one_that_was_begun_anew_counts_on_and_retires_only_what_it_had(world: World) -> None:
    begun(world)
    born = next(one for one in reversed(entries(world)) if one["keys"])
    assert born["keys"] == [{"key": dek_name(SCOPE, 3), "op": "make_dek"}], "nothing of the one that was erased"
    reencrypt(world)
    assert destroy(world) == DeksDestroyed([3], 4, 4)
    snapshot = partition(world.another_environment()).read()
    assert snapshot is not None
    assert (snapshot.state.lowest_dek_version, list(snapshot.records)) == (4, ["line#0007"])
    assert "dek#ledger#p1#erased" in key_rows(world), "its tombstone stays"
