"""The tables looked at without a key: what whoever may read them can tell; against the real engine."""

from typing import Any

import pytest

from tests.faults import Line
from tests.maintenance.samples import note, write_notes
from tests.maintenance.test_indexes import open_ledger, row
from tests.maintenance.test_recovery_jobs import edit, pk, plant_mark, take
from tests.records.samples import LEDGER, SCOPE, puts
from tests.records.samples import line as ledger_line
from tests.stores import World
from twinvault.dynamodb.table import Table
from twinvault.fsck import look
from twinvault.maintenance.inspecting import Inspector
from twinvault.scope import Scope


def inspector(world: World) -> Inspector:
    tables = world.tables
    return Inspector(
        *(Table(world.client, name, sleep=lambda _: None) for name in (tables.records, tables.keys, tables.marks))
    )


def found(world: World, tenant: str | None = "acme") -> Any:
    return look(inspector(world), tenant=tenant)


def checks(world: World) -> list[tuple[str, str, str]]:
    return [(one["partition"], one["check"], one["row"]) for one in found(world)["findings"]]


def test_where_all_is_well_nothing_is_found(world: World) -> None:
    write_notes(world, 3)
    write_notes(world, 1, tenant="others")
    world.partition(SCOPE, LEDGER, world.activity()).write(puts(ledger_line(1)))
    note(world, "n001").new_dek()
    acme, others = {"partitions": 4, "findings": 0}, {"partitions": 1, "findings": 0}
    nothing = {"findings": [], "unanswered_marks": None}
    assert found(world) == {"tenants": 1, "partitions": 4, "by_tenant": {"acme": acme}, **nothing}
    seen = {"tenants": 2, "partitions": 5, "by_tenant": {"acme": acme, "others": others}}
    assert found(world, None) == {**seen, **nothing, "unanswered_marks": 0}


def test_what_does_not_fit_is_named(world: World) -> None:
    write_notes(world, 8)
    edit(world, "n000", "head", updated_at={"S": "2001-01-01T00:00:00Z"})
    edit(world, "n001", "line#1", content_nonce={"B": b"short"})
    plant_mark(world, "n002", 9)
    take(world, world.tables.records, pk("n003"), "head")
    note(world, "n004").new_dek()
    take(world, world.tables.keys, "tenant#acme", "dek#note#n004#000001")
    edit(world, "n005", "line#0", version={"N": "7"})
    for sk in ("head", "line#0", "line#1", "line#2"):
        take(world, world.tables.records, pk("n006"), sk)
    dek = {"pk": {"S": "tenant#acme"}, "sk": {"S": "dek#note#n007#000001"}}
    row = world.client.get_item(TableName=world.tables.keys, Key=dek)["Item"]
    world.client.put_item(TableName=world.tables.keys, Item={**row, "key_id": {"S": "idx"}})
    newest = "10 mark: the head is not the one that was written last"
    assert checks(world) == [
        ("n007", "2 key id", "dek#note#n007#000001"),
        ("n000", newest, ""),
        ("n001", "3 lengths", "line#1"),
        ("n002", newest, ""),
        ("n003", "9 head: there is no head", ""),
        *(("n004", "missing key", f"line#{number}") for number in range(3)),
        ("n005", "9 head: it is newer than the head", "line#0"),
        ("n006", "missing partition", ""),
    ]


@pytest.mark.parametrize("name", ["idx", "kek#000001", "register", "register-key"])
def test_a_key_row_that_was_taken_away_is_found(world: World, name: str) -> None:
    write_notes(world, 1)
    take(world, world.tables.keys, "tenant#acme", name)
    findings = found(world)["findings"]
    # Which epochs there are is sealed in the register: without its key a KEK's row is not missed.
    assert [(one["partition"], one["row"]) for one in findings] == ([] if name == "kek#000001" else [("", name)])


def test_marks_that_nothing_answers_for_are_counted_where_all_is_looked_at(world: World) -> None:
    write_notes(world, 2)
    for sk in ("head", "line#0", "line#1", "line#2"):
        take(world, world.tables.records, pk("n001"), sk)
    take(world, world.tables.keys, "tenant#acme", "dek#note#n001#000001")
    plant_mark(world, "never", 1)
    assert found(world)["unanswered_marks"] is None
    assert found(world, None)["unanswered_marks"] == 2


def test_findings_are_counted_of_each_tenant(world: World) -> None:
    write_notes(world, 1)
    write_notes(world, 2, tenant="others")
    edit(world, "n000", "line#0", version={"N": "7"})
    counts = found(world, None)["by_tenant"]
    assert counts == {"acme": {"partitions": 1, "findings": 1}, "others": {"partitions": 2, "findings": 0}}


def test_of_one_tenant_a_partition_without_keys_is_seen_where_its_head_is_listed(world: World) -> None:
    for name in ("p1", "p2"):
        open_ledger(world, name)
    take(world, world.tables.keys, "tenant#acme", "dek#ledger#p2#000001")
    missing = [("p2", "missing key", sk) for sk in ("head", "line#0001")]
    assert checks(world) == missing
    assert found(world)["partitions"] == 2


def test_what_the_list_shows_and_no_row_carries_is_found(line: Line, faulty: World) -> None:
    for name in ("p1", "p2"):
        open_ledger(faulty, name)
    line.lag(faulty.tables.records, "ByList")
    take(faulty, faulty.tables.records, Scope("acme", "ledger", "p2").pk, "head")
    said = "model: the index ByList has it where it does not stand"
    assert checks(faulty) == [("p2", "9 head: there is no head", ""), ("p2", said, "head")]


def test_a_row_that_claims_a_place_in_a_list_is_found(world: World) -> None:
    open_ledger(world)
    planted = {**row(world, "p1"), "pk": {"S": "tenant#others#ledger#p1"}, "sk": {"S": "mine"}}
    world.client.put_item(TableName=world.tables.records, Item=planted)
    assert checks(world) == [("", "0 place: it claims a place that is not its own", "mine")]
