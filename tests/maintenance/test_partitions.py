"""Which partitions there are: from the names of DEKs, page by page, whatever else stands between them."""

from typing import Any

import pytest

from tests.maintenance.samples import note, write_notes
from tests.stores import World
from twinvault.maintenance import partitions as module
from twinvault.maintenance.partitions import partitions


def plant(world: World, *names: str) -> None:
    for name in names:
        item: Any = {"pk": {"S": "tenant#acme"}, "sk": {"S": name}}
        world.client.put_item(TableName=world.tables.keys, Item=item)


def found(world: World, kind: str = "note", after: str = "") -> list[str]:
    return list(partitions(world.vault.key_table, "acme", kind=kind, after=after))


@pytest.mark.parametrize("page", [1, 2, 3, 100])
def test_each_partition_is_named_once_in_order(world: World, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(module, "_PAGE", page)
    plant(world, *(f"dek#note#{one}#{version:06d}" for one in ("a", "a-b", "a.b", "ab", "b") for version in (1, 2, 3)))
    plant(world, "dek#no#x#000001", "dek#note-2#x#000001", "dek#notes#x#000001", "work#x", "idx", "register")
    names = ["a", "a-b", "a.b", "ab", "b"]
    assert found(world) == names
    for place, name in enumerate(names):
        assert found(world, after=name) == names[place + 1 :]
    assert found(world, kind="no") == ["x"]
    assert found(world, kind="nothing") == []


@pytest.mark.parametrize("page", [1, 2, 100])
def test_what_is_no_dek_is_passed_over(world: World, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(module, "_PAGE", page)
    plant(world, "dek#note#A#000001", "dek#note#a#1", "dek#note#a#b#000001", "dek#note##000001", "dek#note#!")
    plant(world, "dek#note#gone#erased", "dek#note#again#000002", "dek#note#again#erased", "dek#note#z#000001")
    assert found(world) == ["again", "z"]


def test_a_partition_that_was_made_is_found(world: World) -> None:
    names = write_notes(world, 3, lines=1)
    note(world, names[1]).new_dek()
    assert found(world) == names
