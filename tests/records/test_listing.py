"""Lists over the index, whose rows are hints: what they lead to is opened before it is returned."""

import os
from typing import Any

import pytest

from tests.records.samples import LEDGER, line, puts
from tests.stores import World
from twinvault.errors import IntegrityError
from twinvault.keys.rows import NamedKey
from twinvault.records.listing import Hits, Listing
from twinvault.records.spec import HEAD
from twinvault.scope import Scope

KEY = NamedKey("idx#000001", bytes(32))


def fill(world: World, partition: str, *, tenant: str = "acme", **head: Any) -> None:
    scope = Scope(tenant, "ledger", partition)
    world.partition(scope, LEDGER, world.activity(tenant)).write(puts(line(1), **head))


def listing(world: World, tenant: str = "acme") -> Listing:
    return Listing(
        world.vault.records,
        world.vault.reader,
        kind=LEDGER,
        key=KEY,
        activity=world.activity(tenant),
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
