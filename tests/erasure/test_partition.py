"""A partition is erased: in one transaction, once, for good, and told of."""

import itertools

import pytest

from tests.chains import entries
from tests.erasure.samples import erase, filled, key_rows, partition
from tests.records.samples import SCOPE, line, puts
from tests.stores import World
from twinvault.errors import Conflict, Gone, IntegrityError, NotFound
from twinvault.keys.rows import dek_name
from twinvault.scope import Scope


def test_what_was_erased_is_told(world: World) -> None:
    filled(world)
    partition(world).new_dek()
    erased = erase(world)
    assert (erased.kind, erased.partition, erased.head_version) == ("ledger", "p1", 2)
    assert [(one.name, one.version, one.epoch) for one in erased.keys] == [
        ("dek#ledger#p1#000001", 1, 1),
        ("dek#ledger#p1#000002", 2, 1),
    ]
    assert erased.records == {"line": 3, "note": 1}
    assert erased.refused_by == "integrity: missing key"
    assert erased.dynamodb_request_ids
    assert len(set(erased.dynamodb_request_ids)) == len(erased.dynamodb_request_ids)


def test_its_keys_and_its_head_are_gone_and_a_tombstone_stands(world: World) -> None:
    filled(world)
    erase(world)
    names = key_rows(world)
    assert dek_name(SCOPE, 1) not in names
    assert "dek#ledger#p1#erased" in names
    assert "head" not in {item["sk"]["S"] for item in world.items()}


def test_from_then_on_it_is_gone_whatever_rows_still_stand(world: World) -> None:
    filled(world)
    cursor = partition(world).query(limit=1).cursor
    erased = erase(world)
    for there in (world, world.another_environment()):
        for ask in (
            lambda there=there: partition(there).read(),
            lambda there=there: partition(there).get("line#0001"),
            lambda there=there: partition(there).get("line#0099"),
            lambda there=there: partition(there).query(),
            lambda there=there: partition(there).query("line#"),
            lambda there=there: partition(there).query(cursor=cursor),
            lambda there=there: partition(there).update("line#0001", {"amount": 6}),
            lambda there=there: partition(there).add(line(9)),
            lambda there=there: partition(there).add(line(9), idempotency_key="once"),
            lambda there=there: partition(there).put(line(1)),
            lambda there=there: partition(there).delete("line#0001"),
            lambda there=there: partition(there).new_dek(),
            lambda there=there: partition(there).write(puts(line(1))),
        ):
            with pytest.raises(Gone) as gone:
                ask()
            assert gone.value.erased_at == erased.erased_at


def test_of_what_never_was_there_is_nothing_to_erase(world: World) -> None:
    filled(world)
    with pytest.raises(NotFound):
        erase(world, Scope("acme", "ledger", "p2"))
    with pytest.raises(NotFound):
        erase(world, Scope("nobody", "ledger", "p1"))


def test_another_partition_and_another_kind_stay(world: World) -> None:
    others = [Scope("acme", "ledger", "p2"), Scope("acme", "ledger", "p10"), Scope("bcme", "ledger", "p1")]
    for scope in (SCOPE, *others):
        filled(world, scope)
    erase(world)
    for scope in others:
        assert partition(world, scope).read()


def test_asked_again_it_says_the_same(world: World) -> None:
    filled(world)
    first, second = erase(world), erase(world.another_environment())
    assert (second.erased_at, second.event_id, second.tombstone_digest) == (
        first.erased_at,
        first.event_id,
        first.tombstone_digest,
    )
    assert (second.keys, second.records, second.head_version) == (first.keys, first.records, first.head_version)


def test_the_audit_log_tells_of_it(world: World) -> None:
    filled(world)
    before = partition(world).read()
    assert before
    erased = erase(world)
    (entry,) = (one for one in entries(world) if one["event"] == erased.event_id)
    assert entry["keys"] == [{"op": "erase", "key": "dek#ledger#p1#000001"}]
    (told,) = (one for one in entry["partitions"] if "wrote" in one)
    assert told["wrote"]["version"] == before.head.version + 1
    assert told["wrote"]["digest"] == erased.tombstone_digest
    assert told["wrote"]["replaced"] == {"version": before.head.version, "digest": before.head.digest.hex()}
    assert told["saw"] == told["wrote"]["replaced"]
    assert len(told["wrote"]["deleted"]) == 2


def test_with_more_keys_than_one_transaction_takes_it_is_a_conflict(world: World) -> None:
    filled(world)
    row = key_rows(world)[dek_name(SCOPE, 1)]
    for version in range(2, 92):
        world.client.put_item(TableName=world.tables.keys, Item={**row, "sk": {"S": dek_name(SCOPE, version)}})
    with pytest.raises(Conflict, match="91 versions"):
        erase(world)
    world.client.delete_item(TableName=world.tables.keys, Key={"pk": row["pk"], "sk": {"S": dek_name(SCOPE, 91)}})
    assert len(erase(world).keys) == 90


@pytest.mark.parametrize("damage", ["record changed", "head gone", "head changed", "dek gone", "dek changed", "all"])
def test_what_cannot_be_opened_is_erased_all_the_same(world: World, damage: str) -> None:
    filled(world)
    tables = {"record": world.tables.records, "head": world.tables.records, "dek": world.tables.keys}
    places = {"record": (SCOPE.pk, "line#0001"), "head": (SCOPE.pk, "head"), "dek": (SCOPE.keys_pk, dek_name(SCOPE, 1))}
    wanted = list(itertools.product(tables, ["gone"])) if damage == "all" else [tuple(damage.split())]
    for what, how in wanted:
        key = dict(zip(("pk", "sk"), ({"S": one} for one in places[what]), strict=True))
        item = world.client.get_item(TableName=tables[what], Key=key)["Item"]
        if how == "gone":
            world.client.delete_item(TableName=tables[what], Key=key)
        else:
            item["content_encrypted"] = {"B": item["content_encrypted"]["B"][:-1] + b"\x00"}
            world.client.put_item(TableName=tables[what], Item=item)
    there = world.another_environment()
    with pytest.raises(IntegrityError):
        partition(there).read()
    erased = erase(there)
    assert erased.records is None
    with pytest.raises(Gone):
        partition(there).read()
    assert any(entry["outcome"] == "failure" and entry["problem"] == "integrity" for entry in entries(there))
