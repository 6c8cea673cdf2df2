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
from twinvault.audit.elements import row_hash
from twinvault.errors import DependencyError, IntegrityError, InvalidInput, KeyRefused, Place, Step
from twinvault.keys.register import State
from twinvault.keys.rows import NamedKey
from twinvault.records.hits import Hits, Opened, OpenedPage
from twinvault.records.listing import Listing
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


def failures(world: World) -> list[dict[str, Any]]:
    """What the audit log says of what did not open."""
    entries = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    return [entry for entry in entries if entry["outcome"] == "failure"]


def plant(world: World, pk: str, *, tenant: str = "bolt") -> None:
    """Puts a row of this key behind the store's back, which claims a place in the tenant's list of open ledgers."""
    key = {"pk": {"S": "tenant#acme#ledger#a"}, "sk": {"S": "head"}}
    item = world.client.get_item(TableName=world.tables.records, Key=key)["Item"]
    world.client.put_item(TableName=world.tables.records, Item=item | {"pk": {"S": pk}, "tenant_id": {"S": tenant}})


@pytest.mark.parametrize(
    ("pk", "named"),
    [
        pytest.param("tenant#acme#ledger#z", None, id="another tenant's"),
        pytest.param("tenant#bolt#diary#z", Scope("bolt", "diary", "z"), id="another kind's"),
        pytest.param("tenant#bolt#ledger#Z", None, id="no id"),
        pytest.param("tenant#bolt#ledger#z#requests", None, id="a part more"),
        pytest.param("x", None, id="anything"),
    ],
)
def test_a_row_at_no_place_of_the_tenant_is_named_and_recorded_and_hides_no_other(
    world: World, pk: str, named: Scope | None
) -> None:
    fill(world, "a")
    fill(world, "mine", tenant="bolt")
    plant(world, pk)
    hits = page(world, "bolt")
    opened = listing(world, "bolt").open_page((HEAD,), status="open", limit=9, cursor=None)
    assert [scope.partition for scope in hits.scopes] == [one.scope.partition for one in opened] == ["mine"]
    for (refused,) in (hits.refused, opened.refused):
        assert (refused.scope, refused.problem) == (named, "integrity")
    assert [(entry["step"], entry["row"]) for entry in failures(world)] == [
        (f"{Step.PLACE}: it claims a place that is not its own", row_hash("records", pk=pk, sk="head"))
    ] * 2


def test_a_row_listed_under_another_status_does_not_open(world: World) -> None:
    fill(world, "a", list_status="closed")
    fill(world, "b")
    edit(world, "a", list_status={"S": "open"})
    opened = listing(world).open_each(page(world).scopes, (HEAD,))
    assert [one.scope.partition for one in opened] == ["b"]
    assert [(one.scope, one.problem) for one in opened.refused] == [(Scope("acme", "ledger", "a"), "integrity")]


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


WAYS: dict[str, Callable[[Listing], OpenedPage]] = {
    "open_each": lambda here: here.open_each(SCOPES, BOTH),
    "open_complete": lambda here: here.open_complete(SCOPES, BOTH),
    "open_page": lambda here: here.open_page(BOTH, status="open", limit=9, cursor=None),
}


def found(page: OpenedPage) -> tuple[list[str], list[str]]:
    """The partitions that opened, and those that did not."""
    return sorted(one.scope.partition for one in page), [one.scope.partition for one in page.refused if one.scope]


@pytest.mark.parametrize("way", WAYS)
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
    three: World, damage: Callable[[World], None], step: Step, way: str
) -> None:
    damage(three)
    counted = list[str]()
    other = listing(three.another_environment(), count=lambda name, value: counted.extend([name] * value))
    opened = WAYS[way](other)
    if (damage, way) == (take_the_line, "open_each"):
        assert found(opened) == (["a", "b", "c"], []), "nobody said that every partition has it"
        return
    if (damage, way) == (take_the_head, "open_page"):
        assert found(opened) == (["a", "c"], []), "with its head the index has lost it"
        return
    assert found(opened) == (["a", "c"], ["b"])
    (refused,) = opened.refused
    assert isinstance(refused.error, IntegrityError)
    assert (refused.error.step, refused.problem) == (step, "integrity")
    assert counted.count("OpenFailed") == 1
    assert [(one["problem"], one["step"]) for one in failures(three)] == [("integrity", refused.error.check)]


@pytest.mark.parametrize("way", WAYS)
def test_a_partition_whose_key_is_revoked_is_named_and_hides_no_other(world: World, way: str) -> None:
    for name in ("a", "c"):
        fill(world, name)
    world.rotate()
    fill(world, "b")
    restate(world, State.REVOKED)
    opened = WAYS[way](listing(world.another_environment()))
    assert found(opened) == (["a", "c"], ["b"])
    assert [type(one.error) for one in opened.refused] == [KeyRefused]
    assert [one["problem"] for one in failures(world)] == ["key-refused"]


@pytest.mark.parametrize("sks", [BOTH, (HEAD,)], ids=["head and record", "head alone"])
@pytest.mark.parametrize("way", ["open_each", "open_complete", "open_page"])
def test_a_partition_that_was_taken_away_and_that_the_index_still_shows_is_named(
    three: World, faulty: World, line: Line, way: str, sks: tuple[str, ...]
) -> None:
    """The index is read before the rows are taken: it lags behind."""

    def late(operation: str) -> None:
        if operation == "BatchGetItem":
            take(three, *BOTH)

    line.before = late
    here = listing(faulty)
    opened = {
        "open_each": lambda: here.open_each(SCOPES, sks),
        "open_complete": lambda: here.open_complete(SCOPES, sks),
        "open_page": lambda: here.open_page(sks, status="open", limit=9, cursor=None),
    }[way]()
    assert found(opened) == (["a", "c"], ["b"])
    assert [one["step"] for one in failures(three)] == [Step.MISSING_PARTITION]


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
    opened = listing(faulty).open_complete(SCOPES, BOTH)
    assert [sorted(one.records) for one in opened] == [sorted(BOTH)] * 3


def test_a_head_and_a_key_that_are_seen_one_by_one_are_looked_at_again(three: World, faulty: World, line: Line) -> None:
    """A partition's first write brings its key along: single reads may see its records and not yet the key."""
    keys = [item for item in three.items(three.tables.keys) if item["sk"]["S"].startswith("dek#ledger#b#")]
    take_the_key(three)

    def written(operation: str) -> None:
        if operation == "TransactGetItems":
            for item in keys:
                three.client.put_item(TableName=three.tables.keys, Item=item)

    line.before = written
    assert found(listing(faulty).open_each(SCOPES, BOTH)) == (["a", "b", "c"], [])


def test_a_partition_that_never_was_is_left_out(three: World) -> None:
    never = Scope("acme", "ledger", "never")
    for sks in (BOTH, (HEAD,), ("line#0001",)):
        for opened in (listing(three).open_each((*SCOPES, never), sks), listing(three).open_complete((never,), sks)):
            assert "never" not in str(found(opened))


def test_a_record_that_every_partition_has_and_a_whole_one_has_not_is_damage(three: World) -> None:
    (refused,) = listing(three).open_complete(SCOPES[:1], (HEAD, "line#0077")).refused
    assert isinstance(refused.error, IntegrityError)
    assert (refused.error.step, refused.error.where) == (Step.MODEL, Place("records", SCOPES[0].pk, "line#0077"))


def test_what_a_check_refuses_is_damaged(three: World) -> None:
    def check(one: Opened) -> None:
        if one.scope.partition == "b":
            raise IntegrityError(Step.MODEL)

    assert found(listing(three).open_complete(SCOPES, BOTH, check=check)) == (["a", "c"], ["b"])


def test_nothing_is_named_whose_refusal_cannot_be_recorded(three: World, faulty: World, line: Line) -> None:
    take(three, "line#0001")
    line.always(Fault.ERROR_BEFORE)
    with pytest.raises(DependencyError):
        listing(faulty, seconds=1).open_complete(SCOPES, BOTH)


# -- pages of a size -----------------------------------------------------------------------------------------------


def opened_pages(world: World, *, limit: int = 50, status: str | None = "open") -> list[OpenedPage]:
    pages, cursor = list[OpenedPage](), None
    while True:
        pages.append(listing(world).open_page(BOTH, status=status, limit=limit, cursor=cursor))
        cursor = pages[-1].cursor
        if cursor is None:
            return pages


def test_a_page_ends_where_a_mebibyte_of_records_is_full_and_the_next_one_goes_on(world: World) -> None:
    for number in range(9):
        scope = Scope("acme", "ledger", f"p{number}")
        memo = "x" * (380_000 if number < 8 else 10)
        head = {"list_at": f"202{number}"}
        world.partition(scope, LEDGER, world.activity()).write(puts(line(1, memo=memo), **head))
    pages = opened_pages(world)
    assert [[one.scope.partition for one in page] for page in pages] == [
        ["p8", "p7", "p6"],
        ["p5", "p4"],
        ["p3", "p2"],
        ["p1", "p0"],
    ]


def test_what_is_over_a_mebibyte_by_itself_has_a_page_by_itself(world: World) -> None:
    drafts = [line(number, memo="x" * 380_000) for number in (1, 2, 3)]
    for name in ("a", "b"):
        scope = Scope("acme", "ledger", name)
        world.partition(scope, LEDGER, world.activity()).write(puts(*drafts))
    sks = (HEAD, *(draft.sk for draft in drafts))
    first = listing(world).open_page(sks, status="open", limit=9, cursor=None)
    second = listing(world).open_page(sks, status="open", limit=9, cursor=first.cursor)
    assert sorted(one.scope.partition for one in (*first, *second)) == ["a", "b"]
    assert (len(first), len(second), second.cursor) == (1, 1, None)


def test_pages_that_are_opened_follow_one_another_as_the_index_has_them(world: World) -> None:
    for number in range(7):
        fill(world, f"p{number}", list_at=f"202{number}")
    for limit in (1, 3, 7, 50):
        pages = opened_pages(world, limit=limit)
        assert [one.scope.partition for page in pages for one in page] == [f"p{n}" for n in reversed(range(7))]


def test_a_small_page_is_fetched_in_few_calls(world: World, faulty: World, line: Line) -> None:
    for number in range(50):
        fill(world, f"p{number:02d}")
    assert len(listing(faulty).open_page(BOTH, status="open", limit=50, cursor=None)) == 50
    assert len(line.sent("BatchGetItem")) == 3


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
