"""Partitions that a tampering left unreadable, mended; killed at every call; against the real engine."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.maintenance.samples import NOTE, Killed, deadly, note, write_notes
from tests.records.attacks import Moments, key, partition, record
from tests.records.samples import HEAD_FIELDS, LEDGER, SCOPE, line, puts
from tests.stores import World
from twinvault.audit.elements import row_hash
from twinvault.dynamodb.marks import Mark, head_mark_key, mark_statement
from twinvault.dynamodb.table import Table
from twinvault.errors import Conflict, IntegrityError, InvalidInput, KeyRefused, NotFound, Undeclared
from twinvault.maintenance.recovery import Recovery
from twinvault.maintenance.report import RecoveryReport
from twinvault.records.mending import MAX_VERSION
from twinvault.records.partition import Snapshot
from twinvault.records.spec import EntitySpec, KindSpec
from twinvault.scope import Scope

MARK_PK = head_mark_key(SCOPE.pk)
ACTION = "maintain.accept"


@dataclass
class Mender:
    """An operator who mends partitions of one store, each time from an environment of its own."""

    world: World
    kind: KindSpec = LEDGER
    name: str = SCOPE.partition
    backup: str | None = None
    seconds: float = 30.0

    def do[T](self, what: Callable[[Recovery], T], *, world: World | None = None) -> T:
        there = world or self.world.another_environment()
        table = Table(there.client, self.backup, sleep=lambda _: None) if self.backup else None
        with there.vault.acting(tenant="acme", principal="ann", action=ACTION, seconds=self.seconds) as acting:
            return what(Recovery(acting, self.kind, self.name, table))

    def look(self) -> RecoveryReport:
        return self.do(lambda one: one.look())

    def mend(self, *, world: World | None = None, **more: Any) -> RecoveryReport:
        return self.do(lambda one: one.mend(**more), world=world)


def reading(world: World) -> Snapshot:
    found = partition(world.another_environment()).read()
    assert found is not None
    return found


def refused(world: World) -> str:
    with pytest.raises(IntegrityError) as caught:
        partition(world.another_environment()).read()
    return caught.value.check


def payees(world: World) -> dict[str, Any]:
    return {sk: one.fields["payee"] for sk, one in reading(world).records.items()}


def plant_mark(world: World, version: int) -> None:
    one = mark_statement(MARK_PK, Mark(version, bytes(32), "planted"), table=world.tables.marks)
    world.client.execute_transaction(TransactStatements=[{"Statement": one.text, "Parameters": list(one.parameters)}])


def mark_count(world: World) -> int:
    return sum(item["pk"]["S"] == MARK_PK for item in world.items(world.tables.marks))


def entries(world: World) -> list[dict[str, Any]]:
    found = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    return [one for one in found if one["action"] == ACTION]


def copy_of(world: World) -> str:
    """A table that holds what the records table holds now, as one that was restored from a backup does."""
    name = f"{world.tables.records}-restored"
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE"))]
    types = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    world.client.create_table(TableName=name, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")
    for item in world.items():
        world.client.put_item(TableName=name, Item=item)
    return name


@pytest.fixture
def world(world: World) -> World:
    world.begin()
    return world


@pytest.fixture
def moments(world: World) -> Moments:
    """Three lines; one changed and one added; a rotation; a change under the new key."""
    made = Moments(world)
    partition(world).write(puts(line(1, payee="YES"), line(2), line(3)))
    made.now()
    partition(world).write(puts(line(1, payee="NO"), line(4)))
    made.now()
    partition(world).new_dek()
    made.now()
    partition(world).write(puts(line(2, payee="Cy")))
    made.now()
    return made


# -- what opens is kept ------------------------------------------------------------------------------------------------


def test_what_is_whole_is_left_alone(moments: Moments) -> None:
    marks = mark_count(moments.world)
    report = Mender(moments.world).mend()
    assert (report.done, report.version, report.kept, report.refused, report.lost_versions) == (True, 4, 4, {}, None)
    assert mark_count(moments.world) == marks
    assert reading(moments.world) == moments.past[-1].snapshot


def test_above_a_mark_that_was_planted_ahead_it_is_sealed_anew(moments: Moments) -> None:
    plant_mark(moments.world, 4711)
    assert refused(moments.world) == "10 mark: the partition is older"
    looked = Mender(moments.world).look()
    assert (looked.done, looked.of, looked.mark, looked.lost_versions) == (False, 4, 4711, (5, 4711))
    report = Mender(moments.world).mend()
    assert (report.done, report.version) == (True, 4712)
    assert payees(moments.world) == {"line#0001": "NO", "line#0002": "Cy", "line#0003": "Bo", "line#0004": "Bo"}
    partition(moments.world.another_environment()).write(puts(line(5)))
    assert reading(moments.world).head.version == 4713


@pytest.mark.parametrize("version", [MAX_VERSION, MAX_VERSION + 1, 2**64 - 1, 10**20 - 1])
def test_above_a_mark_of_the_last_version_there_is_nothing(moments: Moments, version: int) -> None:
    plant_mark(moments.world, version)
    with pytest.raises(Conflict, match="no version above"):
        Mender(moments.world).mend()


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_partition_that_was_put_back_whole_is_taken_as_it_is(moments: Moments, moment: int) -> None:
    moments.become(moments.past[moment].rows)
    report = Mender(moments.world).mend()
    before = moments.past[moment].snapshot
    assert before is not None
    assert (report.done, report.of, report.mark, report.version) == (True, before.head.version, 4, 5)
    found = reading(moments.world)
    assert found.records == before.records
    assert found.head.fields == before.head.fields
    partition(moments.world.another_environment()).write(puts(line(9)))
    assert reading(moments.world).head.version == 6


def test_a_head_put_back_to_before_a_rotation_is_sealed_under_the_newest_key(moments: Moments) -> None:
    place = record("head")
    moments.put(place, moments.past[0].rows[place])
    # The records are newer than this head, so not what it counts.
    with pytest.raises(Conflict, match="1 or more are not as the head counts them"):
        Mender(moments.world).mend()
    assert Mender(moments.world).mend(lose=1).done
    found = reading(moments.world)
    assert found.state.dek_version == 2
    assert payees(moments.world)["line#0002"] == "Cy"


def test_a_record_that_was_taken_away_is_lost_and_the_others_are_kept(moments: Moments) -> None:
    moments.delete(record("line#0003"))
    before = moments.rows()
    looked = Mender(moments.world).look()
    assert (looked.kept, looked.lost, looked.unaccounted, looked.lost_versions) == (3, 0, 1, None)
    with pytest.raises(Conflict, match="0 rows do not open, 1 or more are not as the head counts them"):
        Mender(moments.world).mend()
    assert moments.rows() == before
    report = Mender(moments.world).mend(lose=1)
    assert (report.done, report.kept, report.refused) == (True, 3, {})
    assert sorted(payees(moments.world)) == ["line#0001", "line#0002", "line#0004"]


def test_a_record_that_was_put_back_to_an_older_state_is_not_sealed_over_in_silence(moments: Moments) -> None:
    changed = record("line#0001")
    partition(moments.world).put(line(1, payee="newer"))
    moments.put(changed, moments.past[-1].rows[changed])
    assert (Mender(moments.world).look().lost, Mender(moments.world).look().unaccounted) == (0, 1)
    with pytest.raises(Conflict, match="look first"):
        Mender(moments.world).mend()


def test_a_head_at_the_marks_place_that_the_mark_does_not_name_is_not_sealed_over_in_silence(moments: Moments) -> None:
    """Whoever has a key and no marks makes it."""
    newest = moments.past[-1].snapshot
    assert newest is not None
    place = {"pk": {"S": MARK_PK}, "sk": {"S": f"{newest.head.version:020d}"}}
    moments.world.client.delete_item(TableName=moments.world.tables.marks, Key=place)
    plant_mark(moments.world, newest.head.version)
    looked = Mender(moments.world).look()
    assert (looked.of, looked.mark, looked.lost_versions, looked.unaccounted) == (4, 4, None, 1)
    with pytest.raises(Conflict, match="look first"):
        Mender(moments.world).mend()


def test_an_edited_record_is_named_and_goes_only_if_that_is_said(moments: Moments) -> None:
    place = record("line#0003")
    moments.put(place, {**moments.past[-1].rows[place], "amount": {"N": "6"}})
    mender = Mender(moments.world)
    before = moments.rows()
    report = mender.look()
    assert (report.done, report.kept, report.refused) == (False, 3, {"line#0003": "5 commitment"})
    with pytest.raises(
        Conflict, match="1 row does not open, 0 or more are not as the head counts them, and 0 may be lost"
    ):
        mender.mend()
    assert moments.rows() == before
    report = mender.mend(lose=1)
    assert (report.done, report.refused, report.refused_count) == (True, {"line#0003": "5 commitment"}, 1)
    assert sorted(payees(moments.world)) == ["line#0001", "line#0002", "line#0004"]
    wrote = next(one["wrote"] for entry in entries(moments.world) for one in entry["partitions"] if "wrote" in one)
    assert wrote["deleted"] == [row_hash("records", pk=SCOPE.pk, sk="line#0003")]
    assert (wrote["version"], wrote["replaced"]["version"]) == (5, 4)
    # Whatever stands at its place later is a record like any other.
    partition(moments.world.another_environment()).add(line(3, payee="again"))
    assert payees(moments.world)["line#0003"] == "again"


HOSTILE: list[dict[str, Any]] = [
    {},
    {"key_commitment": {"S": "text"}},
    {"key_commitment": {"B": b"short"}},
    {"key_commitment": {"M": {"a": {"L": [{"NULL": True}]}}}},
    {'na"me': {"S": "x"}, "'; --": {"N": "1"}, "head": {"BOOL": True}},
    {"pk_": {"SS": ["a", "b"]}, "Ünï": {"B": b"\x00"}},
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_was_planted_goes(moments: Moments, hostile: dict[str, Any]) -> None:
    moments.put(record("line#0007"), hostile)
    moments.put(record("~ any thing"), hostile)
    report = Mender(moments.world).mend(lose=2)
    assert (report.done, sorted(report.refused)) == (True, ["line#0007", "~ any thing"])
    assert len(payees(moments.world)) == 4


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_a_head_that_does_not_open_needs_its_own_fields(moments: Moments, hostile: dict[str, Any]) -> None:
    moments.put(record("head"), hostile)
    mender = Mender(moments.world)
    assert mender.look().refused["head"]
    with pytest.raises(Conflict, match="head"):
        mender.mend()
    report = mender.mend(head=HEAD_FIELDS)
    assert (report.done, report.of, report.version) == (True, None, 5)
    found = reading(moments.world)
    assert found.head.fields["title"] == "Spring"
    assert found.records == moments.past[-1].snapshot.records  # type: ignore[union-attr]


def test_a_head_that_was_taken_away_is_made_anew(moments: Moments) -> None:
    moments.delete(record("head"))
    assert Mender(moments.world).mend(head=HEAD_FIELDS).done
    assert len(payees(moments.world)) == 4


def test_of_a_kind_whose_head_has_no_fields_of_its_own_none_are_needed(world: World) -> None:
    write_notes(world, 1)
    row = Scope("acme", "note", "n000").pk
    world.client.delete_item(TableName=world.tables.records, Key={"pk": {"S": row}, "sk": {"S": "head"}})
    assert Mender(world, NOTE, "n000").mend(lose=1).done
    found = note(world.another_environment(), "n000").read()
    assert found is not None
    assert len(found.records) == 3


def test_fields_of_a_head_are_not_taken_where_one_opens(moments: Moments) -> None:
    plant_mark(moments.world, 99)
    with pytest.raises(InvalidInput, match="head"):
        Mender(moments.world).mend(head={**HEAD_FIELDS, "title": "Another"})


def test_under_a_key_whose_row_is_gone_nothing_opens_and_what_another_sealed_is_kept(moments: Moments) -> None:
    moments.delete(key("dek#ledger#p1#000002"))
    report = Mender(moments.world).look()
    assert report.refused == {"head": "missing key", "line#0002": "missing key"}
    assert Mender(moments.world).mend(lose=1, head=HEAD_FIELDS).done
    assert sorted(payees(moments.world)) == ["line#0001", "line#0003", "line#0004"]
    assert reading(moments.world).state.dek_version == 1


def test_where_no_key_opens_nothing_is_given_up(moments: Moments) -> None:
    for version in (1, 2):
        moments.delete(key(f"dek#ledger#p1#00000{version}"))
    with pytest.raises(Conflict, match="none of this partition"):
        Mender(moments.world).mend(lose=9, head=HEAD_FIELDS)


def test_what_a_key_service_refuses_is_not_taken_for_lost(moments: Moments) -> None:
    moments.world.kms.refused.add("root-1")  # type: ignore[attr-defined]
    with pytest.raises(KeyRefused):
        Mender(moments.world).mend(lose=9, head=HEAD_FIELDS)


def test_what_a_newer_release_wrote_is_not_taken_for_lost(moments: Moments) -> None:
    plant_mark(moments.world, 99)
    older = KindSpec("ledger", (EntitySpec("line", LEDGER.entities[0].sk, {}, frozenset()),), LEDGER.head)
    with pytest.raises(Undeclared):
        Mender(moments.world, older).mend(lose=9)


def test_a_partition_that_never_was_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        Mender(world, name="never-was").mend()


def test_where_all_rows_are_gone_there_is_nothing_to_keep(moments: Moments) -> None:
    moments.become({place: item for place, item in moments.rows().items() if place[0] == "keys"})
    with pytest.raises(NotFound):
        Mender(moments.world).mend(head=HEAD_FIELDS)


def test_lost_answers_change_nothing(moments: Moments, faulty: World, line: Line) -> None:
    for fault in (Fault.LOSE_ANSWER, Fault.ERROR_AFTER, Fault.CONFLICT, Fault.LOSE_REQUEST):
        plant_mark(moments.world, reading(moments.world).head.version + 10)
        line.next(fault)
        report = Mender(moments.world).mend(world=faulty)
        assert report.done
        assert reading(moments.world).head.version == report.version


# -- more than one transaction -----------------------------------------------------------------------------------------

JUNK = 230


@pytest.mark.parametrize("after", [False, True], ids=["before the engine has it", "after the engine has it"])
def test_killed_at_any_call_it_is_refused_as_before_or_mended(moments: Moments, *, after: bool) -> None:
    world = moments.world
    for number in range(JUNK):
        moments.put(record(f"junk#{number:04d}"), {"x": {"S": "y"}})
    calls, killed = 0, True
    while killed:
        calls += 1
        dying, _ = deadly(world, at=calls, after=after)
        try:
            Mender(world).mend(world=dying, lose=JUNK)
            killed = False
        except Killed:
            left = sum(item["sk"]["S"].startswith("junk#") for item in world.items())
            assert left == 0 or refused(world)
        if calls == 1:
            assert len(moments.rows()) > 95
    assert payees(world) == {"line#0001": "NO", "line#0002": "Cy", "line#0003": "Bo", "line#0004": "Bo"}
    assert calls <= 6
    said = [one["wrote"] for entry in entries(world) for one in entry["partitions"] if "wrote" in one]
    assert len({row for one in said for row in one.get("deleted", [])}) == JUNK
    assert [one["version"] for one in sorted(said, key=lambda one: one["version"])] == list(range(5, 5 + len(said)))


def test_what_there_is_no_time_for_is_gone_on_with_by_the_next_call(moments: Moments) -> None:
    for number in range(JUNK):
        moments.put(record(f"junk#{number:04d}"), {"x": {"S": "y"}})
    mender = Mender(moments.world, seconds=3.0)
    assert not mender.mend(lose=JUNK).done
    mender.seconds = 30.0
    assert mender.mend(lose=JUNK).done
    assert len(payees(moments.world)) == 4


# -- put back from a backup --------------------------------------------------------------------------------------------


def test_a_partition_is_put_back_as_the_backup_has_it(moments: Moments) -> None:
    moments.become(moments.past[1].rows)
    backup = copy_of(moments.world)
    moments.become(moments.past[-1].rows)
    partition(moments.world.another_environment()).write(puts(line(5), title="Autumn"))
    mender = Mender(moments.world, backup=backup)
    report = mender.look()
    assert (report.of, report.mark, report.lost_versions) == (2, 5, (3, 5))
    assert report.replaced == ["line#0002", "line#0005"]
    assert (report.returned_count, report.removed_count) == (1, 1)
    assert not report.done
    report = mender.mend()
    assert (report.done, report.version) == (True, 6)
    before, found = moments.past[1].snapshot, reading(moments.world)
    assert before is not None
    assert found.records == before.records
    assert found.head.fields == before.head.fields
    assert found.state.dek_version == 2, "the newest key seals what is written from now on"
    assert mender.mend().version == 6
    partition(moments.world.another_environment()).write(puts(line(7)))
    assert reading(moments.world).head.version == 7


def test_a_partition_that_was_deleted_whole_is_put_back(moments: Moments) -> None:
    backup = copy_of(moments.world)
    moments.become({place: item for place, item in moments.rows().items() if place[0] == "keys"})
    assert refused(moments.world) == "missing partition"
    report = Mender(moments.world, backup=backup).mend()
    assert (report.done, report.kept, report.returned_count, report.removed_count) == (True, 4, 4, 0)
    assert reading(moments.world).records == moments.past[-1].snapshot.records  # type: ignore[union-attr]


def test_a_head_that_does_not_open_is_put_back_too(moments: Moments) -> None:
    backup = copy_of(moments.world)
    moments.put(record("head"), {**moments.past[-1].rows[record("head")], "title": {"S": "Winter"}})
    assert Mender(moments.world, backup=backup).mend().done
    assert reading(moments.world).head.fields["title"] == "Spring"


def test_rows_of_a_backup_that_do_not_open_are_named_and_left_out(moments: Moments) -> None:
    backup = copy_of(moments.world)
    bad = {**moments.past[-1].rows[record("line#0003")], "amount": {"N": "6"}}
    moments.world.client.put_item(TableName=backup, Item=bad)
    mender = Mender(moments.world, backup=backup)
    with pytest.raises(Conflict, match="lose"):
        mender.mend()
    report = mender.mend(lose=1)
    assert (report.done, report.refused, report.replaced) == (True, {"line#0003": "5 commitment"}, ["line#0003"])
    assert (report.returned_count, report.removed_count) == (0, 1)
    assert sorted(payees(moments.world)) == ["line#0001", "line#0002", "line#0004"]


def test_what_a_backup_does_not_have_is_not_there(moments: Moments) -> None:
    backup = copy_of(moments.world)
    partition(moments.world, Scope("acme", "ledger", "p2")).write(puts(line(1)))
    with pytest.raises(NotFound):
        Mender(moments.world, name="p2", backup=backup).mend()


@pytest.mark.parametrize("after", [False, True], ids=["before the engine has it", "after the engine has it"])
def test_killed_at_any_call_a_partition_is_refused_or_put_back(world: World, *, after: bool) -> None:
    numbers = range(1, 201)
    for part in (numbers[:90], numbers[90:180], numbers[180:]):
        partition(world).write(puts(*(line(number, payee="old") for number in part)))
    wanted, backup = reading(world).records, copy_of(world)
    for part in (numbers[:90], numbers[90:180]):
        partition(world).write(puts(*(line(number, payee="new") for number in part)))
    partition(world).delete(*(f"line#{number:04d}" for number in numbers[180:]))
    partition(world).add(line(900))
    mender = Mender(world, backup=backup)
    calls, killed = 0, True
    while killed:
        calls += 1
        dying, _ = deadly(world, at=calls, after=after)
        before = payees(world) if calls == 1 else None
        try:
            mender.mend(world=dying)
            killed = False
        except Killed:
            try:
                assert payees(world) == before or reading(world).records == wanted
            except IntegrityError:
                before = None
    assert reading(world).records == wanted


def test_who_writes_meanwhile_is_not_undone_unseen(moments: Moments) -> None:
    world = moments.world
    backup = copy_of(world)
    for number in range(10, 200):
        moments.put(record(f"line#{number:04d}"), {"x": {"S": "y"}})
    mine = world.another_environment()
    inner, calls = mine.transactor, []

    class Meanwhile:
        def execute(self, statements: Any, *, deadline: float) -> Any:
            calls.append(1)
            result = inner.execute(statements, deadline=deadline)
            if len(calls) == 1:
                partition(world.another_environment()).add(line(5, payee="meanwhile"))
            return result

    mine.audit._transactions = Meanwhile()
    with pytest.raises(Conflict, match="somebody else writes"):
        Mender(world, backup=backup).mend(world=mine)
    report = Mender(world, backup=backup).look()
    assert "line#0005" in report.replaced
    assert Mender(world, backup=backup).mend().done
    assert sorted(payees(world)) == ["line#0001", "line#0002", "line#0003", "line#0004"]
