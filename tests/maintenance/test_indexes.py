"""`fsck` and the indexes: what they leave out, show wrongly or hold of no record; against the real engine.

An index that lags behind is the gate's; all else is done to the tables themselves.
"""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest

from tests.faults import Line
from tests.maintenance.samples import Clock, House
from tests.maintenance.test_recovery_jobs import take
from tests.records.clubs import CLUB, GUEST, HEAD, PERSON, acting, person, put, renew, stored
from tests.records.samples import LEDGER, line, puts
from tests.stores import World, make_world
from twinvault.audit.elements import row_hash
from twinvault.maintenance import indexes, listed
from twinvault.maintenance.jobs import JOBS
from twinvault.maintenance.recovery_jobs import recovery_jobs
from twinvault.maintenance.work import Counts, RefusedPartition
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope

PLAIN = KindSpec("club", (replace(PERSON, searchable={}), replace(GUEST, searchable={})), replace(HEAD, searchable={}))


def open_ledger(world: World, name: str = "p1", **head: Any) -> None:
    scope = Scope("acme", "ledger", name)
    world.partition(scope, LEDGER, world.activity()).write(puts(line(1), **head))


def fsck(world: World, kind: str = "ledger") -> tuple[RefusedPartition, ...]:
    vault = world.vault
    house = House(world, Clock(), jobs=[*JOBS, *recovery_jobs(vault)], kinds=(LEDGER, CLUB))
    work = house.drive(house.begin("fsck", kind))
    assert not work.is_running
    assert work.counts.failed == len(work.findings)
    return work.findings


@pytest.fixture
def patient(line: Line, faulty: World) -> World:
    """An environment at the end of the line, for which every index catches up while it waits."""
    return make_world(faulty.client, faulty.kms, faulty.tables, sleep=lambda _: line.stale.clear())


def row(world: World, name: str, sk: str = "head") -> Any:
    key = {"pk": {"S": Scope("acme", "ledger", name).pk}, "sk": {"S": sk}}
    return world.client.get_item(TableName=world.tables.records, Key=key)["Item"]


def test_where_all_stands_in_its_place_nothing_is_found(world: World) -> None:
    open_ledger(world)
    open_ledger(world, "p2", list_status="closed")
    put(world, "north", person(1, phone="1", number=7), person(2, phone="2"))
    assert (fsck(world), fsck(world, "club")) == ((), ())


def test_what_an_index_leaves_out_is_found(line: Line, faulty: World) -> None:
    open_ledger(faulty)
    line.lag(faulty.tables.records, "ByList")
    open_ledger(faulty, "p2")
    assert fsck(faulty) == (RefusedPartition("p2", "integrity", "model: the index ByList does not have it", "head"),)


def test_what_a_blind_index_leaves_out_is_found(line: Line, faulty: World) -> None:
    put(faulty, "north", person(1))
    line.lag(faulty.tables.records, "ByBlind1")
    put(faulty, "north", person(2, email="bo@example.com"))
    said = "model: the index ByBlind1 does not have it"
    assert fsck(faulty, "club") == (RefusedPartition("north", "integrity", said, "person#0002"),)


def test_what_an_index_shows_and_no_record_carries_is_found(line: Line, faulty: World) -> None:
    put(faulty, "north", person(1), person(2))
    line.lag(faulty.tables.records, "ByBlind1")
    with acting(faulty) as one:
        one.partition(CLUB, "north").update("person#0002", {}, remove=["email"])
    said = "model: the index ByBlind1 has it where it does not stand"
    assert fsck(faulty, "club") == (RefusedPartition("north", "integrity", said, "person#0002"),)


def test_a_partition_of_which_the_index_alone_still_tells_is_found(line: Line, faulty: World) -> None:
    open_ledger(faulty)
    line.lag(faulty.tables.records, "ByList")
    for sk in ("head", "line#0001"):
        take(faulty, faulty.tables.records, Scope("acme", "ledger", "p1").pk, sk)
    take(faulty, faulty.tables.keys, "tenant#acme", "dek#ledger#p1#000001")
    (found,) = fsck(faulty)
    assert (found.partition, found.check) == ("p1", "missing partition")


@pytest.mark.parametrize("index", ["ByList", "ByBlind1"])
def test_an_index_that_only_comes_after_is_no_finding(line: Line, patient: World, index: str) -> None:
    line.lag(patient.tables.records, index)
    open_ledger(patient)
    put(patient, "north", person(1))
    assert fsck(patient, "ledger" if index == "ByList" else "club") == ()
    assert line.stale.orders() == [], "it waited"


def test_a_partition_that_is_written_meanwhile_is_looked_at_another_time(
    line: Line, faulty: World, aws: dict[str, Any]
) -> None:
    line.lag(faulty.tables.records, "ByList")
    open_ledger(faulty)
    writing = boto3.client("dynamodb", endpoint_url=line.endpoint, **aws)
    other, waited = make_world(writing, faulty.kms, faulty.tables), list[float]()

    def others_write(seconds: float) -> None:
        waited.append(seconds)

    def at_the_last_look(operation: str) -> None:
        if operation == "TransactGetItems" and len(waited) == 2:
            waited.append(0)
            open_ledger(other)

    line.before = at_the_last_look
    mine = make_world(faulty.client, faulty.kms, faulty.tables, sleep=others_write)
    house = House(mine, Clock(), jobs=recovery_jobs(mine.vault), kinds=(LEDGER,))
    work = house.begin("fsck", "ledger")
    with pytest.raises(Exception, match="keeps changing"):
        house.drive(work)
    line.stale.clear()
    assert house.drive(work).findings == ()


def test_a_blind_index_of_an_older_declaration_is_found_until_it_is_made_anew(world: World) -> None:
    put(world, "north", person(1), person(2, email="bo@example.com"), kind=PLAIN)
    said = "bi_1: not what the sealed field yields now: reindex"
    assert fsck(world, "club") == (RefusedPartition("north", "conflict", said, "person#0001"),)
    with acting(world) as one:
        one.partition(CLUB, "north").reindex()
    assert fsck(world, "club") == ()


def test_blind_indexes_of_the_generation_before_stand_until_they_are_made_anew(world: World) -> None:
    put(world, "north", person(1))
    once = renew(world)
    assert fsck(once, "club") == ()
    twice = renew(once)
    (found,) = fsck(twice, "club")
    assert (found.problem, found.row) == ("conflict", "person#0001")
    with acting(twice) as one:
        one.partition(CLUB, "north").reindex()
    assert fsck(twice, "club") == ()


def test_a_partition_whose_keys_are_all_gone_is_seen_where_its_head_is_listed(world: World) -> None:
    for name in ("p1", "p2", "p3"):
        open_ledger(world, name)
    take(world, world.tables.keys, "tenant#acme", "dek#ledger#p2#000001")
    mine = world.another_environment()
    assert fsck(mine) == (RefusedPartition("p2", "integrity", "missing key", "dek#ledger#p2#000001"),)


def test_of_many_partitions_each_is_looked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinvault.maintenance.stepping.STEP_PARTITIONS", 2)
    for name in ("p1", "p1-a", "p1.b", "p10", "p2"):
        open_ledger(world, name)
    take(world, world.tables.keys, "tenant#acme", "dek#ledger#p1.b#000001")
    mine = world.another_environment()
    house = House(mine, Clock(), jobs=recovery_jobs(mine.vault), kinds=(LEDGER,))
    work = house.drive(house.begin("fsck", "ledger"))
    assert work.counts == Counts(5, 0, 8, 1)
    assert [one.partition for one in work.findings] == ["p1.b"]


def test_a_row_that_claims_a_place_in_the_list_is_found_and_not_named(world: World) -> None:
    open_ledger(world)
    planted = {**row(world, "p1"), "pk": {"S": "tenant#others#ledger#p1"}, "sk": {"S": "secret#1"}}
    world.client.put_item(TableName=world.tables.records, Item=planted)
    said = "0 place: it claims a place that is not its own"
    assert fsck(world) == (RefusedPartition("p1", "integrity", said, ""),)
    entries = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    hidden = row_hash("records", pk="tenant#others#ledger#p1", sk="secret#1")
    assert hidden in {one.get("row") for one in entries}, "the audit log says which"


def test_a_row_that_claims_a_records_value_is_found(world: World) -> None:
    put(world, "north", person(1))
    planted = {**stored(world, "north"), "pk": {"S": "tenant#others#club#north"}}
    world.client.put_item(TableName=world.tables.records, Item=planted)
    said = "0 place: it claims a place that is not its own"
    assert fsck(world, "club") == (RefusedPartition("north", "integrity", said, ""),)


def test_of_more_places_than_are_looked_for_some_are_drawn(
    line: Line, faulty: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "MAX_PLACES", 2)
    put(faulty, "north", *(person(number, email=f"{number}@example.com") for number in range(1, 6)))
    line.requests.clear()
    assert fsck(faulty, "club") == ()
    assert len([one for one in line.sent("Query") if one.get("IndexName", "").startswith("ByBlind")]) == 2
    assert (listed.MAX_HITS, listed.MAX_HITS % 1000) == (100_000, 0)
