"""The receipt of an erasure that was asked for: none before it is done, and more to say after its epochs are gone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.chains import entries
from tests.erasure.samples import erase, filled
from tests.erasure.test_finalizing import Finalhouse
from tests.erasure.test_proof import KEPT
from tests.erasure.test_settling import asked, done, get
from tests.fakes import FakeSigner, Recorder
from tests.keys.test_destroying import LONGEST, WAIT
from tests.keys.test_epochs import do
from tests.maintenance.test_rekeying import Keyhouse
from tests.records.samples import SCOPE
from tests.stores import World
from twinvault.erasure.proof import Receipts
from twinvault.erasure.receipt import ErasureStanding, standing, verify_receipt
from twinvault.errors import Conflict, IntegrityError, InvalidInput, NotFound

SIGNER = FakeSigner()


@pytest.fixture
def house(world: World) -> Finalhouse:
    filled(filled(world), replace(SCOPE, partition="p2"))
    return Finalhouse(world)


def receipt(house: Finalhouse, erasure_id: str) -> dict[str, Any]:
    vault = replace(house.world.another_environment().vault, signer=SIGNER)
    with vault.acting(tenant="acme", principal="eve", action="erase.receipt") as acting:
        file = Receipts(acting, KEPT, house.clock).of(erasure_id)
    return verify_receipt(json.dumps(file).encode(), public_key=SIGNER.public_key(observer=Recorder()))


def test_it_says_who_asked_who_did_it_and_what_and_later_that_it_is_final(house: Finalhouse) -> None:
    one = asked(house, SCOPE.partition)
    erased = erase(house.world)
    one = done(house, one, erased)
    said = receipt(house, one.id)
    assert (said["erasure"], said["requested"], said["erased"]["by"]) == (
        one.id,
        {"by": one.requested.principal, "at": one.requested.at},
        "ann",
    )
    assert said["keys"] == [{"name": key.name, "version": key.version, "epoch": key.epoch} for key in erased.keys]
    assert (said["records"], said["negative_test"]) == ({"line": 3, "note": 1}, "integrity: missing key")
    assert said["requests"]["dynamodb"] == list(erased.dynamodb_request_ids)
    assert said["status"] == "refused by this store"
    house.through(house.begin())
    final = receipt(house, one.id)
    assert (final["status"], final["finalized_at"]) == ("erased", house.clock())
    assert standing(final, now=house.clock()) is ErasureStanding.NOT_YET
    only = {"status", "finalized_at", "bounds", "irrecoverable_after", "issued_at"}
    assert {name for name in said if said[name] != final[name]} == only


def test_its_audit_entry_names_the_event_that_erased_it(house: Finalhouse) -> None:
    one = done(house, asked(house, SCOPE.partition), erase(house.world))
    event = receipt(house, one.id)["erased"]["event"]
    (entry,) = [said for said in entries(house.world) if said["event"] == event and said["keys"]]
    assert {"op": "erase", "key": "dek#ledger#p1#000001"} in entry["keys"]


def test_before_anything_is_erased_there_is_no_receipt(house: Finalhouse) -> None:
    one = asked(house, SCOPE.partition)
    with pytest.raises(Conflict, match="nothing was erased yet"):
        receipt(house, one.id)
    with pytest.raises(NotFound):
        receipt(house, "0193587d-2a00-7000-8000-000000000001")
    with pytest.raises(InvalidInput):
        receipt(house, "not an id")


def test_epochs_that_were_destroyed_by_hand_are_noticed_and_written_down_once(house: Finalhouse) -> None:
    one = done(house, asked(house, SCOPE.partition), erase(house.world))
    house.world.rotate()
    do(house.world, lambda keys: keys.retire(1))
    keys = Keyhouse(house.world)
    keys.drive(keys.begin())
    house.clock.pass_on(WAIT)
    do(house.world, lambda keys: keys.destroy(1, longest_seconds=LONGEST))
    said = receipt(house, one.id)
    assert (said["status"], said["finalized_at"]) == ("erased", house.clock())
    house.clock.pass_on(60)
    assert receipt(house, one.id)["finalized_at"] == said["finalized_at"] == get(house, one).finalized_at


def test_a_row_that_was_put_back_gives_no_receipt(house: Finalhouse) -> None:
    one = done(house, asked(house, SCOPE.partition), erase(house.world))
    table = house.world.tables.keys
    (row,) = [item for item in house.world.items(table) if item["sk"]["S"] == f"erasure#{one.id}"]
    house.through(house.begin())
    house.world.client.put_item(TableName=table, Item=row)
    with pytest.raises(IntegrityError):
        receipt(house, one.id)
