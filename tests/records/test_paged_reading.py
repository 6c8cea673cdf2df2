"""A partition of several pages: it is opened page by page, while the next page is on its way, and released whole."""

from collections import deque
from itertools import batched
from typing import Any

import pytest

from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World
from twinvault.errors import IntegrityError, Place
from twinvault.records.batches import MAX_DRAFTS

RECORDS = 600


@pytest.fixture
def asked(world: World) -> deque[dict[str, Any]]:
    """Every Query of the records, as it is sent."""
    asked = deque[dict[str, Any]]()

    def note(params: dict[str, Any], **_: object) -> None:
        if params["TableName"] == world.tables.records:
            asked.append(params)

    for batch in batched(range(1, RECORDS + 1), MAX_DRAFTS, strict=False):
        world.partition(SCOPE, LEDGER, world.activity()).write(puts(*map(line, batch)))
    world.client.meta.events.register("provide-client-params.dynamodb.Query", note)
    return asked


def change(world: World, number: int, **attributes: Any) -> None:
    key = {"pk": {"S": SCOPE.pk}, "sk": {"S": f"line#{number:04d}"}}
    item = world.client.get_item(TableName=world.tables.records, Key=key)["Item"]
    world.client.put_item(TableName=world.tables.records, Item={**item, **attributes})


def test_every_page_is_read_and_each_begins_where_the_one_before_ended(
    world: World, asked: deque[dict[str, Any]]
) -> None:
    snapshot = world.partition(SCOPE, LEDGER, world.activity()).read()
    assert snapshot is not None
    assert list(snapshot.records) == [f"line#{number:04d}" for number in range(1, RECORDS + 1)]
    begins = [one.get("ExclusiveStartKey", {}).get("sk", {}).get("S") for one in asked]
    assert begins == [None, "line#0255", "line#0511"]  # the head stands before all lines
    assert {one["ConsistentRead"] for one in asked} == {True}


@pytest.mark.parametrize("number", [1, 255, 256, 511, RECORDS])
@pytest.mark.usefixtures("asked")
def test_what_was_changed_or_deleted_on_any_page_is_noticed(world: World, number: int) -> None:
    change(world, number, amount={"N": "6"})
    with pytest.raises(IntegrityError) as refused:
        world.partition(SCOPE, LEDGER, world.activity()).read()
    assert (refused.value.check, refused.value.where) == (
        "5 commitment",
        Place("records", SCOPE.pk, f"line#{number:04d}"),
    )
    key = {"pk": {"S": SCOPE.pk}, "sk": {"S": f"line#{number:04d}"}}
    world.client.delete_item(TableName=world.tables.records, Key=key)
    with pytest.raises(IntegrityError, check=lambda error: error.check == "9 head: a record was deleted"):
        world.partition(SCOPE, LEDGER, world.activity()).read()


def test_no_request_goes_on_once_a_page_was_refused(world: World, asked: deque[dict[str, Any]]) -> None:
    answered = deque[object]()
    world.client.meta.events.register("after-call.dynamodb.Query", lambda parsed, **_: answered.append(parsed))
    change(world, 1, amount={"N": "6"})
    with pytest.raises(IntegrityError):
        world.partition(SCOPE, LEDGER, world.activity()).read()
    records = [one for one in answered if isinstance(one, dict) and one["ConsumedCapacity"]["TableName"]]
    assert len(asked) == 2
    assert sum(one["ConsumedCapacity"]["TableName"] == world.tables.records for one in records) == 2
