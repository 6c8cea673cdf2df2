"""Attacks on a whole partition, each named after what is done, and by whom (docs/limitations.md says what is left).

The table writer changes rows of `records` and `keys` at will, and holds no key. Marks take inserts alone, from a
function's role. What the tables' policies deny is done here by the engine's operator: an administrator.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.records.attacks import Moments, RowKey, key, partition, record, without
from tests.records.samples import HEAD_FIELDS, LEDGER, SCOPE, line, puts
from tests.stores import World
from twinvault.dynamodb.marks import Mark, head_mark_key, mark_statement
from twinvault.envelope.item import SALT
from twinvault.errors import IntegrityError, Place, Step
from twinvault.records.changes import Changes
from twinvault.records.head import STORE
from twinvault.records.partition import Snapshot
from twinvault.records.record import Draft
from twinvault.records.sealing import Put, Sealing
from twinvault.records.spec import HEAD
from twinvault.scope import Scope

MARK_PK = head_mark_key(SCOPE.pk)
DEK_1, DEK_2 = key("dek#ledger#p1#000001"), key("dek#ledger#p1#000002")


def refused(world: World, scope: Scope = SCOPE) -> str:
    """The check by which every fresh reader refuses, and every writer, whether or not it looked before."""
    with pytest.raises(IntegrityError) as caught:
        partition(world.another_environment(), scope).read()
    with pytest.raises(IntegrityError) as written:
        partition(world.another_environment(), scope).write(puts(line(9)))
    assert written.value.check == caught.value.check
    return caught.value.check


def marks(world: World) -> list[dict[str, Any]]:
    items = [item for item in world.items(world.tables.marks) if item["pk"]["S"] == MARK_PK]
    return sorted(items, key=lambda item: item["sk"]["S"])


def run(world: World, *statements: Any) -> None:
    world.client.execute_transaction(
        TransactStatements=[{"Statement": one.text, "Parameters": list(one.parameters)} for one in statements]
    )


# -- the table writer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_whole_partition_put_back_is_refused_at_once(moments: Moments, moment: int) -> None:
    """Every row of both tables, as it was: rows, head, DEKs and all agree."""
    moments.become(moments.past[moment].rows)
    assert refused(moments.world) == "10 mark: the partition is older"


def test_a_partition_put_back_to_before_a_rotation_is_refused(moments: Moments) -> None:
    """It used to read 200, although the row of the newer DEK was there."""
    before = {place: item for place, item in moments.past[2].rows.items() if place[0] == "records"}
    later = {place: item for place, item in moments.past[4].rows.items() if place[0] == "keys"}
    moments.become({**before, **later})
    assert refused(moments.world) == "10 mark: the partition is older"
    with pytest.raises(IntegrityError):
        partition(moments.world.another_environment()).new_dek()


def test_a_whole_partition_deleted_is_no_404(moments: Moments) -> None:
    moments.become({})
    assert refused(moments.world) == "missing partition"


def test_a_partition_deleted_with_its_keys_alone_is_no_404(moments: Moments) -> None:
    moments.become(without(moments.past[-1].rows, lambda place: place[1] == SCOPE.pk or "#p1#" in place[2]))
    assert refused(moments.world) == "missing partition"


def test_a_partition_that_never_was_is_an_authentic_404(moments: Moments) -> None:
    other = Scope("acme", "ledger", "p2")
    assert partition(moments.world.another_environment(), other).read() is None


def test_a_fork_is_refused_at_its_first_write(moments: Moments) -> None:
    """A writer who is shown the state before the last one would continue it: the mark of its head is taken."""
    world = moments.world
    moments.become(moments.past[-2].rows)
    with pytest.raises(IntegrityError) as caught:
        # It holds the earlier state already, and does not look before it writes.
        partition(world.another_environment()).write(puts(line(9)), base=moments.past[-2].snapshot)
    assert caught.value.check == "10 mark: the partition is older"
    assert len(marks(world)) == 4


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(lambda rows: {record("line#0005"): rows[record("line#0001")]}, id="a copy of a record"),
        pytest.param(lambda rows: {record("head2"): rows[record("head")]}, id="a second head"),
        pytest.param(lambda rows: {record("note#0001"): {"entity_type": {"S": "note"}}}, id="a row of no content"),
    ],
)
def test_a_planted_row_is_refused(moments: Moments, planted: Callable[[Any], dict[RowKey, Any]]) -> None:
    rows = moments.past[-1].rows
    for place, item in planted(rows).items():
        moments.put(place, item)
    refused(moments.world)


def test_a_planted_first_key_is_tampering_and_not_others_who_keep_writing(moments: Moments) -> None:
    other = Scope("acme", "ledger", "p2")
    moments.put(key("dek#ledger#p2#000001"), moments.past[-1].rows[DEK_1])
    with pytest.raises(IntegrityError) as caught:
        partition(moments.world.another_environment(), other).write(puts(line(1)))
    assert (caught.value.step, caught.value.where) == (Step.PLACE_TAKEN, Place("records", other.pk))


def test_a_planted_next_key_is_tampering_and_not_others_who_keep_writing(moments: Moments) -> None:
    """A rotation used to answer 409 for ever."""
    moments.put(key("dek#ledger#p1#000003"), moments.past[-1].rows[DEK_2])
    with pytest.raises(IntegrityError) as caught:
        partition(moments.world.another_environment()).new_dek()
    assert caught.value.step is Step.PLACE_TAKEN
    assert partition(moments.world.another_environment()).read() == moments.past[-1].snapshot


def test_a_key_row_put_in_anothers_place_is_refused(moments: Moments) -> None:
    moments.put(DEK_2, moments.past[-1].rows[DEK_1])
    refused(moments.world)


def test_an_old_record_put_back_is_served_by_a_point_read(moments: Moments) -> None:
    """The limit of a point read: it looks at neither head nor mark."""
    moments.put(record("line#0001"), moments.past[1].rows[record("line#0001")])
    found = partition(moments.world.another_environment()).get("line#0001")
    assert found is not None
    assert found.fields["payee"] == "YES"
    assert refused(moments.world) == "9 head: a record was rolled back"


# -- who holds a DEK -------------------------------------------------------------------------------------------------


class Holder:
    """Holds the partition's current DEK and can write the tables: a taken-over function, or a reader's KMS rights."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        activity = moments.world.activity()
        assert moments.past[-1].snapshot is not None
        self.now: Snapshot = moments.past[-1].snapshot
        self.key = moments.world.keys.dek(SCOPE, self.now.head.key_id, observer=activity)

    def seal(self, draft: Draft, *, version: int, salt: bytes | None = None) -> Put:
        drawn = (salt or os.urandom(32)) + os.urandom(12)
        sealing = Sealing(SCOPE, LEDGER, self.key, version, "2026-11-23T09:00:00Z", lambda size: drawn[:size])
        return sealing.put(draft, None)

    def head_over(self, forged: Put, *, version: int) -> Put:
        """A head that counts the forged record for the one that was there."""
        state = self.now.state.after(
            added=[forged.record.row],
            removed=[self.now.records[forged.record.sk].row],
            dek_version=self.now.state.dek_version,
            event_id="forged",
        )
        return self.seal(Draft(HEAD, HEAD, {**HEAD_FIELDS, STORE: state.to_fields()}), version=version)

    def put(self, *forged: Put) -> None:
        for one in forged:
            self.moments.put(record(one.record.sk), dict(one.item))


@pytest.fixture
def holder(moments: Moments) -> Holder:
    return Holder(moments)


def test_other_content_under_the_same_commitment_is_refused(moments: Moments, holder: Holder) -> None:
    """The salt and all that is in the clear stay, so does the commitment: "votes YES" became "votes NO", unseen."""
    item = moments.past[-1].rows[record("line#0002")]
    there = holder.now.records["line#0002"]
    drawn = item[SALT]["B"] + os.urandom(12)
    sealing = Sealing(SCOPE, LEDGER, holder.key, there.version, there.updated_at, lambda size: drawn[:size])
    forged = sealing.put(line(2, payee="Eve"), there)
    assert forged.record.commitment == there.commitment
    holder.put(forged)
    assert refused(moments.world) == "9 head: a record was rolled back"


@pytest.mark.parametrize("later", [0, 1], ids=["in the place of the last write", "as if it were a write"])
def test_other_content_with_a_head_that_counts_it_is_refused(moments: Moments, holder: Holder, later: int) -> None:
    version = holder.now.head.version + later
    forged = holder.seal(line(2, payee="Eve"), version=version)
    holder.put(forged, holder.head_over(forged, version=version))
    assert refused(moments.world).startswith("10 mark: ")


# -- a writer's role -------------------------------------------------------------------------------------------------


def test_a_planted_mark_makes_a_partition_unreadable_and_nothing_else(moments: Moments) -> None:
    planted = Mark(6, os.urandom(32), "01934a5e-0000-7000-8000-000000000000")
    run(moments.world, mark_statement(MARK_PK, planted, table=moments.world.tables.marks))
    assert refused(moments.world) == "10 mark: the partition is older"


def test_a_mark_planted_for_a_partition_that_never_was_makes_it_unreadable(moments: Moments) -> None:
    other = Scope("acme", "ledger", "p2")
    planted = Mark(1, os.urandom(32), "01934a5e-0000-7000-8000-000000000000")
    run(moments.world, mark_statement(head_mark_key(other.pk), planted, table=moments.world.tables.marks))
    assert refused(moments.world, other) == "missing partition"


def test_a_mark_planted_after_a_writers_look_is_no_lost_race(moments: Moments) -> None:
    planted = Mark(5, os.urandom(32), "01934a5e-0000-7000-8000-000000000000")
    world = moments.world.another_environment()

    def plan(_before: Snapshot | None) -> Changes:
        run(world, mark_statement(MARK_PK, planted, table=world.tables.marks))
        return Changes(HEAD_FIELDS, [line(9)])

    with pytest.raises(IntegrityError) as caught:
        partition(world).write(plan)
    assert caught.value.check == "10 mark: the partition is older"


def test_a_writers_role_with_a_dek_writes_what_it_likes(moments: Moments, holder: Holder) -> None:
    """It is what a function is for. The audit log has no entry of it, and CloudTrail shows the KEK that was opened."""
    version = holder.now.head.version + 1
    forged = holder.seal(line(2, payee="Eve"), version=version)
    head = holder.head_over(forged, version=version)
    holder.put(forged, head)
    mark = Mark(version, head.record.digest, "forged")
    run(moments.world, mark_statement(MARK_PK, mark, table=moments.world.tables.marks))
    snapshot = partition(moments.world.another_environment()).read()
    assert snapshot is not None
    assert snapshot.records["line#0002"].fields["payee"] == "Eve"


# -- an administrator, who can take away the policy that protects the marks ------------------------------------------


def take_marks(world: World, *, above: int) -> None:
    for item in marks(world):
        if int(item["sk"]["S"]) > above:
            world.client.delete_item(TableName=world.tables.marks, Key={"pk": item["pk"], "sk": item["sk"]})


def test_a_mark_taken_away_is_noticed(moments: Moments) -> None:
    take_marks(moments.world, above=3)
    assert refused(moments.world) == "10 mark: the partition is newer"
    take_marks(moments.world, above=0)
    assert refused(moments.world) == "10 mark: there is no mark"


@pytest.mark.parametrize("moment", [0, 1, 2, 3])
def test_marks_taken_away_with_all_that_they_name_are_not_noticed_by_a_read(moments: Moments, moment: int) -> None:
    """The limit of marks: an administrator of the account. Audit entries still name the later heads."""
    take_marks(moments.world, above=moment)
    moments.become(moments.past[moment].rows)
    assert partition(moments.world.another_environment()).read() == moments.past[moment].snapshot
