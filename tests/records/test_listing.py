"""Lists over the index, whose rows are hints: what they lead to is opened before it is returned."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes import OUTAGE, FakeKms
from tests.faults import Fault, Line
from tests.keys.test_hierarchy import restate
from tests.records.samples import LEDGER, line, puts
from tests.stores import World
from twinvault.errors import DependencyError, IntegrityError, InvalidInput, KeyRefused, Place, Step
from twinvault.keys.register import State
from twinvault.keys.rows import NamedKey
from twinvault.records.listing import Hits, Listing, Opened, Refused
from twinvault.records.opaque import opaque_id
from twinvault.records.spec import HEAD
from twinvault.scope import Scope

KEY = NamedKey("idx#000001", bytes(32))


def fill(world: World, partition: str, *, tenant: str = "acme", **head: Any) -> None:
    scope = Scope(tenant, "ledger", partition)
    world.partition(scope, LEDGER, world.activity(tenant)).write(puts(line(1), **head))


def listing(
    world: World,
    tenant: str = "acme",
    *,
    seconds: float = 20.0,
    count: Callable[[str, int], None] | None = None,
) -> Listing:
    activity = world.activity(tenant, seconds=seconds, count=count)
    return Listing(
        world.vault.records,
        world.vault.reader,
        kind=LEDGER,
        key=KEY,
        activity=activity,
        refused=lambda error: world.audit.refused(activity, error),
        randomness=os.urandom,
    )


def page(world: World, tenant: str = "acme", *, status: str | None = "open", cursor: str | None = None) -> Hits:
    return listing(world, tenant).page(status=status, limit=2, cursor=cursor)


def test_pages_follow_one_another_newest_first(world: World) -> None:
    for number in range(5):
        fill(world, f"p{number}", list_at=f"202{number}")
    fill(world, "closed", list_status="closed")
    fill(world, "p1", tenant="bolt")
    first = page(world)
    second = page(world, cursor=first.cursor)
    third = page(world, cursor=second.cursor)
    found = [scope.partition for hits in (first, second, third) for scope in hits.scopes]
    assert found == ["p4", "p3", "p2", "p1", "p0"]
    assert third.cursor is None


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_that_is_none_is_refused(world: World, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit: must be a whole number from 1 to 1000"):
        listing(world).page(status="open", limit=limit, cursor=None)


@pytest.mark.parametrize("status", ["", "x" * 513, "\ud800"], ids=["empty", "long", "no text"])
def test_a_status_that_no_head_can_have_is_refused(world: World, status: str) -> None:
    with pytest.raises(InvalidInput, match=r"^status: ") as refused:
        page(world, status=status)
    assert refused.value.field == "status"


def test_an_empty_cursor_is_not_the_first_page(world: World) -> None:
    fill(world, "p1")
    with pytest.raises(InvalidInput, match=r"^cursor: was not given out"):
        page(world, cursor="")


def test_what_an_index_takes_of_each_attribute_it_takes_of_all_of_them_together(world: World) -> None:
    for name in ("a", "b", "c"):
        fill(world, name, list_status="s" * 512, list_at="t" * 512)
    first = page(world, status="s" * 512)
    assert len(first.scopes) == 2
    assert len(page(world, status="s" * 512, cursor=first.cursor).scopes) == 1


def test_more_partitions_than_a_call_fetches_are_opened(world: World) -> None:
    for number in range(60):
        fill(world, f"p{number:02d}", list_at=f"20{number:02d}")
    hits = listing(world).page(status="open", limit=60, cursor=None)
    assert len(listing(world).open_each(hits.scopes, ("head", "line#0001"))) == 60


def test_without_a_status_all_are_listed(world: World) -> None:
    fill(world, "a")
    fill(world, "b", list_status="closed")
    assert {scope.partition for scope in page(world, status=None).scopes} == {"a", "b"}


def edit(world: World, partition: str, **change: Any) -> None:
    key = {"pk": {"S": f"tenant#acme#ledger#{partition}"}, "sk": {"S": "head"}}
    item = world.client.get_item(TableName=world.tables.records, Key=key)["Item"]
    world.client.put_item(TableName=world.tables.records, Item=item | change)


def test_a_row_that_claims_another_tenant_is_tampering(world: World) -> None:
    fill(world, "a")
    edit(world, "a", tenant_id={"S": "bolt"})
    with pytest.raises(IntegrityError):
        page(world, "bolt")


def test_a_row_listed_under_another_status_does_not_open(world: World) -> None:
    fill(world, "a", list_status="closed")
    edit(world, "a", list_status={"S": "open"})
    hits = page(world)
    with pytest.raises(IntegrityError):
        listing(world).open_each(hits.scopes, (HEAD,))


def test_a_partition_that_is_listed_twice_is_opened_once(world: World) -> None:
    """A second row that claims the same list place must not make the call fail, nor the partition appear twice."""
    fill(world, "a")
    key = {"pk": {"S": "tenant#acme#ledger#a"}, "sk": {"S": "line#0001"}}
    item = world.client.get_item(TableName=world.tables.records, Key=key)["Item"]
    listed = {"list_kind": {"S": "ledger"}, "list_status": {"S": "open"}, "list_at": {"S": "2027"}}
    world.client.put_item(TableName=world.tables.records, Item=item | listed)
    hits = page(world)
    assert [scope.partition for scope in hits.scopes] == ["a"]
    assert len(listing(world).open_each(hits.scopes, (HEAD,))) == 1


def test_a_partition_that_is_gone_is_left_out(world: World) -> None:
    fill(world, "a")
    hits = Hits((Scope("acme", "ledger", "a"), Scope("acme", "ledger", "gone")), None)
    opened = listing(world).open_each(hits.scopes, (HEAD, "line#0001", "line#0077"))
    assert [(one.scope.partition, sorted(one.records)) for one in opened] == [("a", ["head", "line#0001"])]


def test_fifty_partitions_of_two_records_are_one_call(world: World) -> None:
    scopes = tuple(Scope("acme", "ledger", f"p{number}") for number in range(50))
    assert listing(world).open_each(scopes, (HEAD, "line#0001")) == []


# -- records that every partition has --------------------------------------------------------------------------------

BOTH = (HEAD, "line#0001")
SCOPES = tuple(Scope("acme", "ledger", name) for name in ("a", "b", "c"))


def take(world: World, *sks: str) -> list[dict[str, Any]]:
    """Sets these records of the partition b aside; returns them."""
    taken = [item for item in world.items() if item["pk"]["S"] == SCOPES[1].pk and item["sk"]["S"] in sks]
    for item in taken:
        world.client.delete_item(TableName=world.tables.records, Key={"pk": item["pk"], "sk": item["sk"]})
    return taken


@pytest.fixture
def three(world: World) -> World:
    for scope in SCOPES:
        fill(world, scope.partition)
    return world


def take_the_line(world: World) -> None:
    take(world, "line#0001")


def take_the_head(world: World) -> None:
    take(world, HEAD)


def change_the_head(world: World) -> None:
    edit(world, "b", title={"S": "Autumn"})


def take_the_key(world: World) -> None:
    for item in world.items(world.tables.keys):
        if item["sk"]["S"].startswith("dek#ledger#b#"):
            world.client.delete_item(TableName=world.tables.keys, Key={"pk": item["pk"], "sk": item["sk"]})


@pytest.mark.parametrize(
    ("damage", "step"),
    [
        pytest.param(take_the_line, Step.HEAD, id="one of two is gone"),
        pytest.param(take_the_head, Step.HEAD, id="the head is gone"),
        pytest.param(change_the_head, Step.COMMITMENT, id="the head was changed"),
        pytest.param(take_the_key, Step.MISSING_KEY, id="its key is gone"),
    ],
)
def test_a_partition_that_does_not_open_is_named_and_recorded_and_hides_no_other(
    three: World, damage: Callable[[World], None], step: Step
) -> None:
    damage(three)
    other, counted = three.another_environment(), list[str]()
    found = listing(other, count=lambda name, value: counted.extend([name] * value)).open_complete(SCOPES, BOTH)
    assert [(type(one), one.scope.partition) for one in found] == [(Opened, "a"), (Refused, "b"), (Opened, "c")]
    assert isinstance(found[1], Refused)
    assert found[1].error.step is step
    assert counted.count("OpenFailed") == 1
    entries = [json.loads(item["entry"]["S"]) for item in three.items(three.tables.audit)]
    (refused,) = [entry for entry in entries if entry["outcome"] == "failure"]
    assert (refused["problem"], refused["step"]) == ("integrity", found[1].error.check)


def test_a_partition_whose_key_is_revoked_is_named_and_hides_no_other(world: World) -> None:
    for name in ("a", "c"):
        fill(world, name)
    world.rotate()
    fill(world, "b")
    restate(world, State.REVOKED)
    found = listing(world.another_environment()).open_complete(SCOPES, BOTH)
    assert [(type(one), one.scope.partition) for one in found] == [(Opened, "a"), (Refused, "b"), (Opened, "c")]
    assert isinstance(found[1], Refused)
    assert isinstance(found[1].error, KeyRefused)
    entries = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    assert [entry["problem"] for entry in entries if entry["outcome"] == "failure"] == ["key-refused"]


def test_a_key_service_that_does_not_answer_refuses_no_partition_but_the_list(world: World, kms: FakeKms) -> None:
    fill(world, "a")
    fresh = world.another_environment()
    kms.fault = OUTAGE
    with pytest.raises(DependencyError):
        listing(fresh).open_complete(SCOPES[:1], BOTH)


def test_half_of_a_write_that_was_seen_is_looked_at_again_and_opens(three: World, faulty: World, line: Line) -> None:
    """Reads of single records see a transaction half done; the look at the whole does not."""
    taken = take(three, "line#0001")

    def written(operation: str) -> None:
        if operation == "TransactGetItems":
            for item in taken:
                three.client.put_item(TableName=three.tables.records, Item=item)

    line.before = written
    found = listing(faulty).open_complete(SCOPES, BOTH)
    assert [sorted(one.records) for one in found if isinstance(one, Opened)] == [sorted(BOTH)] * 3


def test_what_was_deleted_since_is_left_out(three: World) -> None:
    take(three, *BOTH)
    assert [one.scope.partition for one in listing(three).open_complete(SCOPES, BOTH)] == ["a", "c"]


def test_a_record_that_every_partition_has_and_a_whole_one_has_not_is_damage(three: World) -> None:
    found = listing(three).open_complete(SCOPES[:1], (HEAD, "line#0077"))
    assert isinstance(found[0], Refused)
    assert (found[0].error.step, found[0].error.where) == (
        Step.MODEL,
        Place("records", SCOPES[0].pk, "line#0077"),
    )


def test_what_a_check_refuses_is_damaged(three: World) -> None:
    def check(one: Opened) -> None:
        if one.scope.partition == "b":
            raise IntegrityError(Step.MODEL)

    found = listing(three).open_complete(SCOPES, BOTH, check=check)
    assert [type(one) for one in found] == [Opened, Refused, Opened]


def test_nothing_is_named_whose_refusal_cannot_be_recorded(three: World, faulty: World, line: Line) -> None:
    take(three, "line#0001")
    line.always(Fault.ERROR_BEFORE)
    with pytest.raises(DependencyError):
        listing(faulty, seconds=1).open_complete(SCOPES, BOTH)


def test_an_id_belongs_to_one_partition_and_no_other(world: World) -> None:
    here = listing(world)
    scope = Scope("acme", "ledger", opaque_id("mine", kind="ledger", index_key=KEY.key))
    here.require_id(scope, "mine")
    with pytest.raises(IntegrityError):
        here.require_id(Scope("acme", "ledger", opaque_id("None", kind="ledger", index_key=KEY.key)), None)
    for other in ("yours", "", "x" * 257, "\ud800", None, 5):
        with pytest.raises(IntegrityError) as refused:
            here.require_id(scope, other)
        assert refused.value.step is Step.MODEL
