"""New epochs and versions: used from now on, while what is old still opens."""

import re

import pytest
from fakes import FakeKms
from stores import World, make_client, make_world

from twinvault.envelope.names import tenant_key
from twinvault.errors import NotFound
from twinvault.keys.rotation import KeyRotation
from twinvault.records.freezing import Changes
from twinvault.records.record import Draft
from twinvault.records.spec import TEXT, EntitySpec, KindSpec
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope

LINE = EntitySpec("line", re.compile(r"line#[0-9]+"), {"mark": TEXT}, frozenset({"text"}))
NOTE = KindSpec("note", (LINE,))


@pytest.fixture
def world(dynamodb_endpoint: str, aws: dict) -> World:
    return make_world(make_client(dynamodb_endpoint, aws), FakeKms())


def rotation(world: World) -> KeyRotation:
    return KeyRotation(world.keys, world.keys._table)


def note(world: World, name: str) -> PartitionStore:
    return world.partition(Scope("acme", "note", name), NOTE, world.activity())


def put(partition: PartitionStore, number: int) -> None:
    partition.write(lambda _: Changes({}, [Draft("line", f"line#{number}", {"mark": "m", "text": f"text {number}"})]))


def test_a_new_epoch_wraps_new_keys_and_the_old_ones_still_open(world: World) -> None:
    put(note(world, "before"), 1)
    first = world.keys.index_key("acme", "other", observer=world.activity(), create=True)
    assert rotation(world).new_epoch("acme", world.activity()) == 2
    put(note(world, "after"), 1)
    rows = {item["sk"]["S"]: item for item in world.items(world.tables.keys)}
    assert rows["dek#note#before#000001"]["key_id"] == {"S": "kek#000001"}
    assert rows["dek#note#after#000001"]["key_id"] == {"S": "kek#000002"}
    assert rows["idx#000002"]["key_id"] == {"S": "kek#000002"}
    fresh = world.another_environment()
    for name in ("before", "after"):
        snapshot = note(fresh, name).read()
        assert snapshot is not None
        assert snapshot.records["line#1"].fields["text"] == "text 1"
    again = fresh.keys.index_key("acme", "other", observer=fresh.activity(), create=False)
    assert first is not None
    assert again is not None
    assert (again.name, again.key) == ("idx#000002", first.key), "the index key never changes"


def test_a_new_version_seals_new_records_and_the_old_ones_still_open(world: World) -> None:
    partition = note(world, "n")
    put(partition, 1)
    assert partition.new_dek().state.dek_version == 2
    put(partition, 2)
    snapshot = note(world.another_environment(), "n").read()
    assert snapshot is not None
    assert [record.key_id for record in snapshot.records.values()] == ["dek#note#n#000001", "dek#note#n#000002"]
    assert snapshot.head.key_id == "dek#note#n#000002"


def test_an_environment_with_the_old_keys_goes_on_writing(world: World) -> None:
    other = world.another_environment()
    put(note(world, "shared"), 1)
    put(note(other, "shared"), 2)
    rotation(world).new_epoch("acme", world.activity())
    note(world, "shared").new_dek()
    put(note(other, "shared"), 3)
    snapshot = note(world, "shared").read()
    assert snapshot is not None
    assert snapshot.records["line#3"].key_id == "dek#note#shared#000002", (
        "the sealed head says which version is current"
    )


def test_what_is_not_there_is_not_rotated(world: World) -> None:
    with pytest.raises(NotFound):
        rotation(world).new_epoch("acme", world.activity())
    with pytest.raises(NotFound):
        note(world, "nothing").new_dek()
    assert world.items(world.tables.keys) == []


def test_two_rotations_at_once_end_with_whole_epochs(world: World) -> None:
    put(note(world, "n"), 1)
    other = world.another_environment()
    made = {rotation(one).new_epoch("acme", one.activity()) for one in (world, other)}
    assert made == {2, 3}
    assert len([row for row in rotation(world).overview("acme") if row.name.startswith("kek#")]) == 3


def test_the_overview_says_what_is_used_for_what_is_new(world: World) -> None:
    put(note(world, "a"), 1)
    rotation(world).new_epoch("acme", world.activity())
    note(world, "a").new_dek()
    rows = {row.name: row for row in rotation(world).overview("acme")}
    assert {name: row.current for name, row in rows.items()} == {
        "kek#000001": False,
        "kek#000002": True,
        "dek#note#a#000001": False,
        "dek#note#a#000002": True,
        "idx#000001": False,
        "idx#000002": False,
    }
    assert rows["kek#000001"].uses == 2
    assert rows["kek#000002"].uses == 2
    assert {row.state for row in rows.values()} == {"active"}
    assert all(tenant_key("acme") not in row.name for row in rows.values())
