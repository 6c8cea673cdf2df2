"""How a tenant's keys stand: counted by tier, the oldest first, whatever somebody plants."""

import pytest

from tests.fakes import FakeKms
from tests.keys.test_changing import note, put
from tests.keys.test_epochs import do
from tests.stores import World, make_world
from twinvault.keys import deks
from twinvault.keys.deks import DekVersionUse
from twinvault.keys.status import EpochUse, KeyStatus, RootKeyUse


def status(world: World, tenant: str = "acme") -> KeyStatus:
    return do(world.another_environment(), lambda one: one.status(), tenant=tenant)


def told(found: KeyStatus) -> list[tuple[int, str, int, bool, bool]]:
    return [(one.epoch, one.state, one.deks, one.index, one.current) for one in found.epochs]


def test_each_epoch_says_how_many_deks_are_under_it(world: World) -> None:
    for name in ("a", "b"):
        put(note(world, name), 1)
    world.rotate()
    put(note(world, "c"), 1)
    note(world, "a").new_dek()
    world.rotate()
    do(world, lambda one: one.revoke(2))
    found = status(world)
    assert told(found) == [
        (1, "active", 2, False, False),
        (2, "revoked", 2, False, False),
        (3, "active", 0, True, True),
    ]
    assert (found.lowest_epoch, found.unlisted) == (1, 0)
    (root,) = found.root_keys
    assert (root.root_key_id, root.keks, root.register_key, root.current) == ("root-1", 3, True, True)
    assert root.oldest == min(one.created_at for one in found.epochs)


def test_versions_of_deks_say_how_many_partitions_have_an_older_one_beside_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deks, "_PAGE", 2)
    for name in ("a", "b", "b.c", "d"):
        put(note(world, name), 1)
    for name in ("a", "b", "b"):
        note(world, name).new_dek()
    made = {row["sk"]["S"]: row["created_at"]["S"] for row in world.items(world.tables.keys)}
    assert status(world).deks == [
        DekVersionUse(1, 4, 2, made["dek#note#a#000001"]),
        DekVersionUse(2, 2, 1, made["dek#note#a#000002"]),
        DekVersionUse(3, 1, 1, made["dek#note#b#000003"]),
    ]


def test_the_oldest_root_key_comes_first_and_the_one_for_new_keys_is_named(world: World, kms: FakeKms) -> None:
    put(note(world, "a"), 1)
    kms.roots["root-2"] = bytes(32)
    moved = make_world(world.client, kms, world.tables, roots=("root-2", "root-1"))
    moved.rotate()
    found = status(moved)
    assert [(one.root_key_id, one.keks, one.register_key, one.current) for one in found.root_keys] == [
        ("root-1", 1, True, False),
        ("root-2", 1, False, True),
    ]
    assert isinstance(found.root_keys[0], RootKeyUse)
    assert isinstance(found.epochs[0], EpochUse)


def test_no_epoch_is_for_new_keys_where_all_are_revoked(world: World) -> None:
    put(note(world, "a"), 1)
    do(world, lambda one: one.revoke())
    assert told(status(world)) == [(1, "revoked", 1, True, False)]


def test_a_row_under_an_epoch_that_there_is_not_is_counted_apart(world: World) -> None:
    put(note(world, "a"), 1)
    row = next(item for item in world.items(world.tables.keys) if item["sk"]["S"].startswith("dek#"))
    planted = {**row, "sk": {"S": "dek#note#planted#000001"}, "key_id": {"S": "kek#000009"}}
    world.client.put_item(TableName=world.tables.keys, Item=planted)
    assert status(world).unlisted == 1
    assert told(status(world))[0][2] == 1


def test_a_tenant_without_keys_has_none(world: World) -> None:
    assert status(world) == KeyStatus([], [], 0, [], 0)


def test_more_rows_than_a_page_holds_are_all_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deks, "_PAGE", 2)
    for number in range(5):
        put(note(world, f"n{number}"), 1)
    assert told(status(world))[0][2] == 5
