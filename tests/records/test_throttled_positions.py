"""Load, wherever in a write it shows: it is waited for, it is no lost race and no tampering, and then it is a 503.

Which of a cancelled transaction's statements failed says what it means (docs/design.md, "Life of a write"), and load is
no failure. What AWS says of it the local engine never does: the gate does, by order.
"""

from typing import Any

import pytest

from tests.faults import Fault, Line, cancelled
from tests.records.attacks import partition
from tests.records.samples import LEDGER, SCOPE, puts
from tests.records.samples import line as entry
from tests.records.test_cancellations import meanwhile, putting, row
from tests.stores import BEGINNING, World
from twinvault.audit.activity import Activity
from twinvault.causes import Trouble
from twinvault.dynamodb.marks import head_mark_key
from twinvault.errors import Conflict, Contention, DependencyError, IntegrityError, OutcomeUnknown
from twinvault.records.changes import Changes
from twinvault.records.partition import Look, Snapshot
from twinvault.records.requests import Idempotency

POSITIONS = ("head", "new record", "changed record", "deleted record", "request", "mark", "key", "audit entry")
BEGINS = ("UPDATE", "INSERT", "UPDATE", "DELETE", "INSERT", "INSERT", "INSERT", "INSERT")
LOAD = ("ThrottlingError", "ProvisionedThroughputExceeded")
OF_THE_CALL = (Fault.THROTTLE, Fault.TOO_MUCH, Fault.OVER_THE_ACCOUNTS_LIMIT)
ONCE = Idempotency("once", bytes(32))


def reasons(**codes: str) -> dict[str, Any]:
    """A cancellation with these codes at these positions, whose spaces are written `_`."""
    return cancelled(*(codes.get(name.replace(" ", "_"), "None") for name in POSITIONS))


def at_position(position: str, code: str) -> dict[str, Any]:
    return reasons(**{position.replace(" ", "_"): code})


def changes(_before: Look | None) -> Changes:
    """A write with everything in it."""
    return Changes(put=[entry(1, amount=2)], add=[entry(5)], delete=["line#0002"], new_dek=True)


def write(world: World, activity: Activity, base: Look | None = None) -> Look | None:
    here = world.partition(SCOPE, LEDGER, activity)
    return here.write_rows(["line#0001", "line#0002"], changes, base=base, idempotency=ONCE)


def counting(world: World, counted: list[str], *, seconds: float = 20.0) -> Activity:
    return world.activity(seconds=seconds, count=lambda name, value: counted.extend([name] * value))


def require_cause(error: DependencyError, line: Line, trouble: Trouble, *, operation: str) -> None:
    """It says when to come again, and why; of a machine that had no time to send anything there is nothing to say."""
    assert error.retry_after > 0
    if line.sent(operation):
        assert error.cause is not None
        assert (error.cause.trouble, error.cause.operation) == (trouble, operation)


@pytest.fixture
def before(world: World) -> Snapshot:
    written = partition(world).write(puts(entry(1, amount=1), entry(2)))
    assert written is not None
    return written


def test_the_positions_are_these(faulty: World, line: Line, before: Snapshot) -> None:
    assert write(faulty, faulty.activity())
    statements = [one["Statement"] for one in line.sent()[-1]["TransactStatements"]]
    assert tuple(text.partition(" ")[0] for text in statements) == BEGINS
    tables = [faulty.tables.records] * 5 + [faulty.tables.marks, faulty.tables.keys, faulty.tables.audit]
    assert all(f'"{table}"' in text for table, text in zip(tables, statements, strict=True))


@pytest.mark.parametrize("code", [*LOAD, "TransactionConflict"])
@pytest.mark.parametrize("position", POSITIONS)
def test_load_at_any_position_is_waited_for_and_nothing_else(
    world: World, faulty: World, line: Line, before: Snapshot, *, position: str, code: str
) -> None:
    counted: list[str] = []
    line.next(*[at_position(position, code)] * 3)
    written = write(faulty, counting(faulty, counted))
    assert written is not None
    assert written.head.version == 2
    assert len({body["ClientRequestToken"] for body in line.sent()}) == 1, "one write, sent again"
    assert not {"HeadConflict", "OpenFailed", "AuditAppendFailed"} & set(counted)
    whole = partition(world.another_environment()).read()
    assert whole is not None
    assert list(whole.records) == ["line#0001", "line#0005"]


@pytest.mark.parametrize(("position", "code"), [*zip(POSITIONS, LOAD * 4, strict=True)])
def test_load_at_any_position_that_does_not_end_is_a_503_that_says_when_to_come_again(
    world: World, faulty: World, line: Line, before: Snapshot, *, position: str, code: str
) -> None:
    counted: list[str] = []
    line.always(at_position(position, code))
    with pytest.raises(DependencyError) as caught:
        write(faulty, counting(faulty, counted, seconds=1.0))
    assert not isinstance(caught.value, OutcomeUnknown | Contention), "nothing is stored, and nobody else wrote"
    require_cause(caught.value, line, Trouble.THROTTLED, operation="ExecuteTransaction")
    assert not {"HeadConflict", "OpenFailed"} & set(counted)
    assert partition(world).read() == before


def test_another_transaction_that_does_not_end_is_a_503_too_and_not_called_load(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    line.always(at_position("head", "TransactionConflict"))
    with pytest.raises(DependencyError) as caught:
        write(faulty, faulty.activity(seconds=1.0))
    require_cause(caught.value, line, Trouble.OTHER, operation="ExecuteTransaction")
    assert partition(world).read() == before


@pytest.mark.parametrize("fault", OF_THE_CALL)
def test_a_call_that_is_throttled_is_waited_for_and_then_a_503(
    world: World, faulty: World, line: Line, before: Snapshot, fault: Fault
) -> None:
    line.always(fault)
    with pytest.raises(DependencyError) as caught:
        write(faulty, faulty.activity(seconds=1.0))
    require_cause(caught.value, line, Trouble.THROTTLED, operation="ExecuteTransaction")
    line.clear()
    line.next(*[fault] * 3)
    assert partition(world).read() == before
    assert write(faulty, faulty.activity())


def test_looks_after_a_lost_race_that_are_throttled_are_a_503_and_no_conflict(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    meanwhile(line, ExecuteTransaction=lambda: partition(world).write(puts(entry(3))))
    line.always(Fault.THROTTLE, operation="TransactGetItems")
    with pytest.raises(DependencyError) as caught:
        write(faulty, faulty.activity(seconds=1.0), base=_look(before))
    require_cause(caught.value, line, Trouble.THROTTLED, operation="TransactGetItems")


# -- a statement that failed, and load beside it ----------------------------------------------------------------------


def _look(snapshot: Snapshot) -> Look:
    return Look(snapshot.head, snapshot.state, dict(snapshot.records))


def beside(position: str, code: str) -> list[Any]:
    """This statement's failure, with load at any other position."""
    return [
        pytest.param(
            reasons(**{position.replace(" ", "_"): code, other.replace(" ", "_"): load}), id=f"{load}, {other}"
        )
        for other, load in zip((one for one in POSITIONS if one != position), LOAD * 4, strict=False)
    ]


@pytest.mark.parametrize("cancellation", beside("head", "ConditionalCheckFailed"))
def test_a_head_that_failed_beside_load_is_a_lost_race(
    world: World, faulty: World, line: Line, before: Snapshot, cancellation: dict[str, Any]
) -> None:
    counted: list[str] = []
    meanwhile(line, ExecuteTransaction=lambda: partition(world).write(puts(entry(3))))
    line.next(cancellation)
    written = write(faulty, counting(faulty, counted), base=_look(before))
    assert written is not None
    assert (written.head.version, counted.count("HeadConflict")) == (3, 1)


@pytest.mark.parametrize("cancellation", beside("new record", "DuplicateItem"))
def test_a_new_record_that_failed_beside_load_is_a_conflict_where_it_is_there(
    world: World, faulty: World, line: Line, cancellation: dict[str, Any]
) -> None:
    partition(world).write(puts(entry(1, amount=1), entry(2), entry(5)))
    whole = partition(world).read()
    line.next(cancellation)
    with pytest.raises(Conflict, match="line#0005: there is such a record already"):
        write(faulty, faulty.activity())
    assert partition(world).read() == whole


@pytest.mark.parametrize("cancellation", beside("changed record", "ConditionalCheckFailed"))
def test_a_changed_record_that_failed_beside_load_is_tampering_where_the_head_held(
    world: World, faulty: World, line: Line, before: Snapshot, cancellation: dict[str, Any]
) -> None:
    other = row(world, "line#0001")
    base = partition(world).write(puts(entry(1, amount=3)))
    assert base is not None
    meanwhile(line, ExecuteTransaction=putting(world, other))
    line.next(cancellation)
    with pytest.raises(IntegrityError):
        write(faulty, faulty.activity(), base=_look(base))


@pytest.mark.parametrize("cancellation", beside("deleted record", "ConditionalCheckFailed"))
def test_a_deleted_record_that_failed_beside_load_is_tampering_where_the_head_held(
    world: World, faulty: World, line: Line, before: Snapshot, cancellation: dict[str, Any]
) -> None:
    other = row(world, "line#0002")
    base = partition(world).write(puts(entry(2, amount=3)))
    assert base is not None
    meanwhile(line, ExecuteTransaction=putting(world, other))
    line.next(cancellation)
    with pytest.raises(IntegrityError):
        write(faulty, faulty.activity(), base=_look(base))


@pytest.mark.parametrize("cancellation", beside("request", "DuplicateItem"))
def test_a_request_that_was_answered_meanwhile_has_its_first_answer_whatever_load_there_was(
    world: World, faulty: World, line: Line, before: Snapshot, cancellation: dict[str, Any]
) -> None:
    meanwhile(line, ExecuteTransaction=lambda: write(world, world.activity()))
    line.next(cancellation)
    found = write(faulty, faulty.activity(), base=_look(before))
    assert found is not None
    assert found.answered is not None
    assert found.answered.version == 2
    whole = partition(world).read()
    assert whole is not None
    assert whole.head.version == 2


@pytest.mark.parametrize("cancellation", beside("mark", "DuplicateItem"))
def test_a_mark_that_is_taken_beside_load_is_tampering(
    world: World, faulty: World, line: Line, before: Snapshot, cancellation: dict[str, Any]
) -> None:
    (mark,) = [one for one in world.items(world.tables.marks) if one["pk"]["S"] == head_mark_key(SCOPE.pk)]
    planted = mark | {"sk": {"S": f"{2:020d}"}}
    meanwhile(line, ExecuteTransaction=lambda: world.client.put_item(TableName=world.tables.marks, Item=planted))
    line.next(cancellation)
    with pytest.raises(IntegrityError):
        write(faulty, faulty.activity(), base=_look(before))


@pytest.mark.parametrize("cancellation", beside("key", "DuplicateItem"))
def test_a_key_that_is_there_already_beside_load_is_tampering(
    world: World, faulty: World, line: Line, before: Snapshot, cancellation: dict[str, Any]
) -> None:
    (dek,) = [one for one in world.items(world.tables.keys) if one["sk"]["S"].startswith("dek#")]
    planted = dek | {"sk": {"S": dek["sk"]["S"].replace("#000001", "#000002")}}
    meanwhile(line, ExecuteTransaction=lambda: world.client.put_item(TableName=world.tables.keys, Item=planted))
    line.next(cancellation)
    with pytest.raises(IntegrityError):
        write(faulty, faulty.activity(), base=_look(before))


@pytest.mark.parametrize("cancellation", beside("audit entry", "DuplicateItem"))
def test_a_place_in_the_chain_that_is_taken_beside_load_costs_the_chain_and_not_the_write(
    world: World, faulty: World, line: Line, before: Snapshot, cancellation: dict[str, Any]
) -> None:
    line.next(cancellation)
    activity = faulty.activity()
    written = write(faulty, activity)
    assert written is not None
    assert written.head.version == 2
    assert len({one["ClientRequestToken"] for one in line.sent()}) == 2
    chains = {item["pk"]["S"] for item in world.items(world.tables.audit) if BEGINNING not in item["entry"]["S"]}
    assert len(chains) == 2
