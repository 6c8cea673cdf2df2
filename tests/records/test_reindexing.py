"""Partitions indexed anew: what is outdated is written again and found, and nothing else is touched."""

import re
from dataclasses import replace
from typing import Any, cast

import pytest

from tests.records.clubs import ADA, CLUB, EMAIL, GUEST, PERSON, acting, find, person, put, renew, stored
from tests.stores import World
from twinvault.errors import IntegrityError, InvalidInput
from twinvault.records.blind import Blind
from twinvault.records.changes import Changes
from twinvault.records.partition import Snapshot
from twinvault.records.record import Draft
from twinvault.records.spec import KindSpec, head_spec

PLAIN = KindSpec("club", (replace(PERSON, searchable={}), replace(GUEST, searchable={})), CLUB.head)


def reindex(world: World, partition: str = "north", *, kind: KindSpec = CLUB) -> int:
    with acting(world) as one:
        return one.partition(kind, partition).reindex()


def read(world: World, partition: str = "north", *, kind: KindSpec = CLUB) -> Snapshot:
    with acting(world) as one:
        snapshot = one.partition(kind, partition).read()
    assert snapshot
    return snapshot


def club(**searchable: Blind) -> KindSpec:
    return KindSpec("club", (replace(PERSON, searchable=searchable), GUEST), CLUB.head)


def test_records_from_before_a_field_was_searchable_are_found_afterwards(world: World) -> None:
    put(world, "north", person(1), person(2, email="bo@example.com"), kind=PLAIN)
    before = read(world)
    assert find(world, email=ADA) == []
    assert reindex(world) == 2
    assert find(world, email=ADA) == [("north", "person#0001")]
    after = read(world)
    for sk, record in after.records.items():
        assert record.fields == before.records[sk].fields
        assert record.created_at == before.records[sk].created_at


def test_only_what_is_outdated_is_written_again(world: World) -> None:
    put(world, "north", person(1), kind=PLAIN)
    put(world, "north", person(2), Draft("person", "person#0003", {"state": "in"}))
    assert reindex(world) == 1
    versions = {sk: one.version for sk, one in read(world).records.items()}
    assert versions == {"person#0001": 3, "person#0002": 2, "person#0003": 2}
    assert reindex(world) == 0
    assert read(world).head.version == 3


@pytest.mark.parametrize(
    ("now", "email"),
    [
        pytest.param(club(email=Blind(slot=3)), ADA, id="another slot and another normalizer"),
        pytest.param(club(email=Blind(slot=1, bits=20)), ADA, id="fewer bits"),
        pytest.param(club(email=EMAIL, note=Blind(slot=2)), ADA.lower(), id="a field more"),
        pytest.param(club(email=Blind(slot=1, name="address")), ADA, id="another stable name"),
    ],
)
def test_after_a_change_of_the_declaration_records_have_the_indexes_that_it_says(
    world: World, now: KindSpec, email: str
) -> None:
    put(world, "north", person(1, note="tall"))
    assert reindex(world, kind=now) == 1
    (entity, _) = now.entities
    held = {name for name in stored(world, "north") if name.startswith("bi_")}
    assert held == {blind.attribute for blind in entity.searchable.values()}
    assert find(world, kind=now, email=email) == [("north", "person#0001")]


def test_what_is_no_longer_searchable_loses_its_index(world: World) -> None:
    put(world, "north", person(1, number=7))
    assert reindex(world, kind=PLAIN) == 1
    assert not [name for name in stored(world, "north") if name.startswith("bi_")]


def test_a_new_generation_is_reached_by_every_record_and_the_head(world: World) -> None:
    with acting(world) as one:
        partition = one.partition(CLUB, "north")
        partition.write(lambda _before: Changes({"state": "on", "title": "Ada's"}, [person(1), person(2)]))
    renewed = renew(renew(world))
    assert find(renewed, email=ADA) == []
    assert reindex(renewed) == 3
    assert find(renewed, email=ADA) == [("north", "person#0001"), ("north", "person#0002")]
    assert find(renewed, "head", title="ada's") == [("north", "head")]
    assert read(renewed).head.fields == {"state": "on", "title": "Ada's"}


def test_a_head_alone_is_indexed_anew(world: World) -> None:
    untitled = KindSpec("club", CLUB.entities, head_spec(CLUB.head.clear, frozenset({"title"})))
    with acting(world) as one:
        one.partition(untitled, "north").write(lambda _before: Changes({"state": "on", "title": "Ada's"}, [person()]))
    assert reindex(world) == 1
    assert find(world, "head", title="ADA'S") == [("north", "head")]
    assert reindex(world) == 0


def test_more_records_than_one_write_holds_are_written_by_several(world: World) -> None:
    for batch in (range(1, 91), range(91, 181)):
        put(world, "north", *(person(number) for number in batch), kind=PLAIN)
    assert reindex(world) == 180
    assert read(world).head.version == 4
    assert len(find(world, email=ADA, limit=1000)) == 180


def test_where_there_is_nothing_nothing_is_indexed(world: World) -> None:
    assert reindex(world) == 0
    assert world.items() == []


def test_what_another_writer_changed_meanwhile_stays_as_they_left_it(world: World) -> None:
    put(world, "north", person(1), person(2), kind=PLAIN)
    other, late = world.another_environment(), world.another_environment()

    class Overtaken:
        """A client whose first write of records comes second."""

        waiting = True

        def __getattr__(self, name: str) -> Any:
            return getattr(world.client, name)

        def execute_transaction(self, **request: Any) -> Any:
            if self.waiting and len(request["TransactStatements"]) > 1:
                self.waiting = False
                put(other, "north", person(1, email="new@example.com"))
            return world.client.execute_transaction(**request)

    late.transactor._client = cast("Any", Overtaken())
    assert reindex(late) == 2
    assert read(world).records["person#0001"].fields["email"] == "new@example.com"
    assert find(world, email="new@example.com") == [("north", "person#0001")]
    assert find(world, email=ADA) == [("north", "person#0002")]


def test_a_value_that_cannot_be_searched_by_is_named_with_its_record_before_anything_is_written(world: World) -> None:
    put(world, "north", person(1), person(2, email=["a list"]), kind=PLAIN)
    with pytest.raises(InvalidInput, match=re.escape("person#0002: person.email: only text")) as refused:
        reindex(world)
    assert refused.value.field == "email"
    assert "a list" not in refused.value.message
    assert read(world).head.version == 1


def test_a_record_that_was_changed_behind_the_stores_back_is_not_indexed_anew(world: World) -> None:
    put(world, "north", person(1), person(2), kind=PLAIN)
    world.client.put_item(TableName=world.tables.records, Item=stored(world, "north") | {"bi_1": {"S": "a" * 51}})
    with pytest.raises(IntegrityError):
        reindex(world)
