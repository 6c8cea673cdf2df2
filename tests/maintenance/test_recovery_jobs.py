"""Every partition looked at and mended by long work, and what whoever asked is told; against the real engine."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.maintenance.samples import LINE, NOTE, Clock, House, note, texts, write_notes
from tests.maintenance.test_recovery import copy_of
from tests.stores import World
from twinvault.audit.elements import row_hash
from twinvault.dynamodb.marks import Mark, head_mark_key, mark_statement
from twinvault.dynamodb.table import Table
from twinvault.errors import IntegrityError
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.jobs import JOBS
from twinvault.maintenance.recovery_jobs import recovery_jobs
from twinvault.maintenance.work import MAX_FINDINGS, RefusedPartition, Work, WorkState
from twinvault.records.record import Draft
from twinvault.records.spec import EntitySpec, KindSpec
from twinvault.scope import Scope


def house(world: World, *, backup: str | None = None) -> House:
    """An environment with the jobs that mend."""
    mine = world.another_environment()
    if backup is not None:
        table = Table(mine.client, backup, sleep=lambda _: None)
        mine = replace(mine, vault=replace(mine.vault, backup=table))
    return House(mine, Clock(), jobs=[*JOBS, *recovery_jobs(mine.vault)])


def run(world: World, job: str, **more: Any) -> Work:
    mine = house(world, **more)
    return mine.drive(mine.begin(job))


def pk(name: str) -> str:
    return Scope("acme", "note", name).pk


def edit(world: World, name: str, sk: str, **attributes: Any) -> None:
    key = {"pk": {"S": pk(name)}, "sk": {"S": sk}}
    item = world.client.get_item(TableName=world.tables.records, Key=key)["Item"]
    world.client.put_item(TableName=world.tables.records, Item=item | attributes)


def take(world: World, table: str, hash_key: str, sk: str) -> None:
    world.client.delete_item(TableName=table, Key={"pk": {"S": hash_key}, "sk": {"S": sk}})


def plant_mark(world: World, name: str, version: int) -> None:
    one = mark_statement(head_mark_key(pk(name)), Mark(version, bytes(32), "planted"), table=world.tables.marks)
    statement = {"Statement": one.text, "Parameters": list(one.parameters)}
    world.client.execute_transaction(TransactStatements=[statement])


def refusals(world: World) -> list[str]:
    """The rows that entries say of what was refused."""
    said = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    said = sorted((one for one in said if one["outcome"] == "failure"), key=lambda one: one["time"])
    return [one["row"] for one in said]


def test_where_all_is_well_nothing_is_found_and_nothing_is_written(world: World) -> None:
    write_notes(world, 3)
    before = world.items()
    done = run(world, "fsck")
    assert (done.state, done.counts, done.findings) == (WorkState.DONE, Counts(3, 0, 12, 0), ())
    assert world.items() == before


def test_each_partition_that_is_refused_is_a_finding(world: World) -> None:
    write_notes(world, 8)
    edit(world, "n001", "line#1", mark={"S": "other"})
    take(world, world.tables.records, pk("n002"), "line#2")
    plant_mark(world, "n003", 9)
    take(world, world.tables.keys, "tenant#acme", "dek#note#n004#000001")
    note(world, "n005").new_dek()
    take(world, world.tables.keys, "tenant#acme", "dek#note#n005#000001")
    dek = {"pk": {"S": "tenant#acme"}, "sk": {"S": "dek#note#n006#000001"}}
    row = world.client.get_item(TableName=world.tables.keys, Key=dek)["Item"]
    world.client.put_item(TableName=world.tables.keys, Item={**row, "sk": {"S": "dek#note#n006#000002"}})
    for sk in ("head", "line#0", "line#1", "line#2"):
        take(world, world.tables.records, pk("n007"), sk)
    found = run(world, "fsck")
    assert found.state is WorkState.FAILED
    # Without its DEK's row a partition is not known to be one.
    assert found.findings == (
        RefusedPartition("n001", "integrity", "5 commitment", "line#1"),
        RefusedPartition("n002", "integrity", "9 head: a record was deleted", ""),
        RefusedPartition("n003", "integrity", "10 mark: the partition is older", ""),
        RefusedPartition("n005", "integrity", "missing key", "dek#note#n005#000001"),
        RefusedPartition("n006", "integrity", "5 commitment", "dek#note#n006#000002"),
        RefusedPartition("n007", "integrity", "missing partition", ""),
    )
    assert found.counts == Counts(7, 0, 4, 6)
    assert house(world).get(found) == found


def test_a_key_that_is_refused_is_a_finding_and_holds_nothing_up(world: World) -> None:
    write_notes(world, 1)
    mine = house(world)
    work = mine.begin("fsck")
    world.kms.refused.add("root-1")  # type: ignore[attr-defined]
    (finding,) = mine.drive(work).findings
    assert (finding.partition, finding.problem) == ("n000", "key-refused")


def test_a_revoked_epoch_is_a_finding_of_those_alone_that_are_under_it(world: World) -> None:
    note(world, "old").put(Draft("line", "line#0", {"mark": "m", "text": "t"}))
    world.rotate()
    write_notes(world, 2)
    with world.vault.acting(tenant="acme", principal="ann", action="key.revoke") as acting:
        acting.keys.revoke(1)
    found = run(world, "fsck")
    assert [(one.partition, one.problem) for one in found.findings] == [("old", "key-refused")]
    assert found.counts == Counts(3, 0, 8, 1)


def test_where_all_epochs_are_revoked_each_partition_says_so(world: World) -> None:
    write_notes(world, 2)
    with world.vault.acting(tenant="acme", principal="ann", action="key.revoke") as acting:
        acting.keys.revoke()
    found = run(world, "fsck").findings
    assert [(one.partition, one.problem) for one in found] == [("n000", "key-refused"), ("n001", "key-refused")]


def test_what_is_found_of_the_tenants_keys_hides_no_partition(world: World) -> None:
    write_notes(world, 2)
    index = {"pk": {"S": "tenant#acme"}, "sk": {"S": "idx"}}
    row = world.client.get_item(TableName=world.tables.keys, Key=index)["Item"]
    world.client.put_item(TableName=world.tables.keys, Item={**row, "created_at": {"S": "2000"}})
    of_keys = RefusedPartition("n000", "integrity", "5 commitment", "idx")
    assert run(world, "fsck").findings == (of_keys,), "said of the first one, though that is whole"
    edit(world, "n000", "line#1", mark={"S": "other"})
    before = refusals(world)
    assert run(world, "fsck").findings == (replace(of_keys, row="line#1"),)
    told = refusals(world)[len(before) :]
    rows = [row_hash("keys", pk="tenant#acme", sk="idx"), row_hash("records", pk=pk("n000"), sk="line#1")]
    assert sorted(told) == sorted(rows), "the audit log has both"


def test_what_a_newer_release_wrote_is_a_finding_of_its_own(world: World) -> None:
    wider = KindSpec("note", (EntitySpec("line", LINE.sk, {**LINE.clear, "more": LINE.clear["mark"]}, LINE.sealed),))
    note(world, "n000", kind=wider).put(Draft("line", "line#0", {"mark": "m", "more": "x", "text": "t"}))
    for job in ("fsck", "accept"):
        assert run(world, job).findings == (RefusedPartition("n000", "undeclared", "more", "line#0"),)


def test_of_many_findings_the_first_are_told_and_all_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinvault.maintenance.holding.MAX_FINDINGS", 2)
    write_notes(world, 4, lines=1)
    for name in ("n000", "n001", "n003"):
        plant_mark(world, name, 9)
    found = run(world, "fsck")
    assert ([one.partition for one in found.findings], found.counts.failed) == (["n000", "n001"], 3)
    assert MAX_FINDINGS == 100


def test_partitions_are_accepted_as_they_are_where_every_row_of_them_opens(world: World) -> None:
    names = write_notes(world, 4)
    plant_mark(world, "n001", 9)
    take(world, world.tables.records, pk("n002"), "line#2")
    edit(world, "n003", "line#1", mark={"S": "other"})
    done = run(world, "accept")
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(4, 4, 4, 2))
    found = {one.partition: (one.problem, one.check) for one in done.findings}
    assert {name: problem for name, (problem, _) in found.items()} == {"n002": "conflict", "n003": "conflict"}
    assert "0 rows do not open, 1 or more" in found["n002"][1]
    assert "1 row does not open" in found["n003"][1]
    assert [len(texts(world, name)) for name in names[:2]] == [3, 3]
    for name in names[2:]:
        with pytest.raises(IntegrityError):
            texts(world, name)


def test_a_records_table_that_was_put_back_whole_is_accepted(world: World) -> None:
    names = write_notes(world, 3)
    backup = world.items()
    for name in names:
        note(world, name).put(Draft("line", "line#9", {"mark": "m", "text": "later"}))
    for item in world.items():
        take(world, world.tables.records, item["pk"]["S"], item["sk"]["S"])
    for item in backup:
        world.client.put_item(TableName=world.tables.records, Item=item)
    assert run(world, "fsck").counts.failed == 3
    assert run(world, "accept").counts == Counts(3, 12, 0, 0)
    assert run(world, "fsck").state is WorkState.DONE
    for name in names:
        assert texts(world, name) == [f"text {n} of {name}" for n in range(3)]
        note(world.another_environment(), name).put(Draft("line", "line#9", {"mark": "m", "text": "again"}))


def test_what_cannot_be_read_is_put_back_from_the_backup_and_all_else_stays(world: World) -> None:
    write_notes(world, 4)
    backup = copy_of(world)
    note(world, "n000").put(Draft("line", "line#9", {"mark": "m", "text": "later"}))
    edit(world, "n001", "line#1", mark={"S": "other"})
    for sk in ("head", "line#0", "line#1", "line#2"):
        take(world, world.tables.records, pk("n002"), sk)
    note(world, "n004").put(Draft("line", "line#0", {"mark": "m", "text": "newer than the backup"}))
    plant_mark(world, "n004", 9)
    done = run(world, "restore", backup=backup)
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(5, 8, 9, 1))
    assert [(one.partition, one.problem) for one in done.findings] == [("n004", "not-found")]
    assert [len(texts(world, name)) for name in ("n000", "n001", "n002", "n003")] == [4, 3, 3, 3]


def test_without_a_backup_there_is_no_such_work(world: World) -> None:
    assert [job.name for job in recovery_jobs(world.vault)] == ["fsck", "accept"]


def test_a_work_without_findings_is_written_as_it_always_was(world: World) -> None:
    write_notes(world, 1)
    work = house(world).begin("fsck")
    assert b"findings" not in work.encode()
    assert NOTE.kind.encode() in work.encode()
