"""What is counted is what DynamoDB charges: the engine's own word where it gives one, AWS's rules where it does not."""

import pytest

from benchmarks.counting import Counter, size_of, units, value_size
from benchmarks.place import Bench, line
from benchmarks.record import LEDGER, SK_FORM
from twinvault import Scope
from twinvault.dynamodb.transaction import delete, insert, replace

PK = "counted"


@pytest.fixture(scope="module")
def counter(bench: Bench) -> Counter:
    counter = Counter()
    counter.watch(bench.dynamodb, kms=bench.kms)
    return counter


def item(sk, size):
    return {"pk": {"S": PK}, "sk": {"S": sk}, "blob": {"B": bytes(size)}, "number": {"N": "12"}}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "tea"}, 3),
        ({"S": "\u00e4"}, 2),
        ({"B": b"12345"}, 5),
        ({"N": "1"}, 2),
        ({"N": "-12.50"}, 3),
        ({"N": "1000"}, 2),
        ({"N": "0"}, 1),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 3 + 2 + 3),
        ({"M": {"ab": {"S": "c"}}}, 3 + 1 + 3),
    ],
)
def test_a_value_has_the_size_that_aws_documents(value, size):
    assert value_size(value) == size


def test_units_are_begun():
    assert [units(size, 1024) for size in (0, 1, 1024, 1025)] == [1, 1, 1, 2]


def test_reads_and_plain_writes_are_counted_as_the_engine_counts_them(bench: Bench, counter: Counter):
    table, client, say = bench.tables.records, bench.dynamodb, {"ReturnConsumedCapacity": "TOTAL"}
    key = {"pk": {"S": PK}, "sk": {"S": "b"}}
    nowhere = {"pk": {"S": PK}, "sk": {"S": "none"}}
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": PK}}}
    requests = [
        lambda: client.put_item(TableName=table, Item=item("a", 1500), **say),
        lambda: client.put_item(TableName=table, Item=item("a", 10), **say),  # charged as the item before it
        lambda: client.put_item(TableName=table, Item=item("b", 5000), **say),
        lambda: client.get_item(TableName=table, Key=key, ConsistentRead=True, **say),
        lambda: client.get_item(TableName=table, Key=key, **say),
        lambda: client.get_item(TableName=table, Key=nowhere, ConsistentRead=True, **say),
        lambda: client.query(TableName=table, ConsistentRead=True, **query, **say),
        lambda: client.transact_get_items(
            TransactItems=[{"Get": {"TableName": table, "Key": one}} for one in (key, nowhere)], **say
        ),
        lambda: client.batch_get_item(
            RequestItems={table: {"Keys": [key, {**key, "sk": {"S": "a"}}], "ConsistentRead": True}}, **say
        ),
        lambda: client.delete_item(TableName=table, Key=key, **say),
    ]
    for number, request in enumerate(requests):
        with counter.during() as count:
            consumed = request()["ConsumedCapacity"]
        (one,) = consumed if isinstance(consumed, list) else [consumed]
        assert count.read_units + count.write_units == one["CapacityUnits"], number
        assert (count.requests, count.kms_calls) == (1, 0)


def test_what_a_transaction_writes_is_read_off_its_statements(bench: Bench, counter: Counter):
    table = bench.tables.records

    def execute(*statements):
        with counter.during() as count:
            bench.dynamodb.execute_transaction(
                TransactStatements=[{"Statement": one.text, "Parameters": list(one.parameters)} for one in statements]
            )
        return count.write_units

    def row(sk, size):
        return item(sk, size) | {"key_commitment": {"B": b"c"}}

    assert execute(insert(table, row("s1", 10)), insert(table, row("s2", 3000))) == 2 * (1 + 3)
    assert execute(replace(table, row("s1", 1500), remove=["old"], commitment=b"c")) == 2 * 2
    assert execute(replace(table, row("s1", 10), remove=[], commitment=b"c")) == 2 * 2, "as the larger one before it"
    assert execute(delete(table, pk=PK, sk="s2", commitment=b"c")) == 2 * 3
    found = bench.dynamodb.get_item(TableName=table, Key={"pk": {"S": PK}, "sk": {"S": "s1"}})["Item"]
    assert size_of(found) == size_of(row("s1", 10))


def test_a_write_of_ours_costs_what_it_leaves_in_the_tables(bench: Bench, counter: Counter):
    tenant, scope = "counting", Scope("counting", LEDGER.kind, "one")
    bench.fill("other", 1, tenant=tenant)
    with counter.during() as count, bench.partition("one", tenant=tenant) as partition:
        partition.add(line(1), line(2))
    assert count.kms_calls == 0
    rows = bench.vault.records.query(scope.pk)
    assert [row["sk"]["S"] for row in rows] == ["head", SK_FORM.format(1), SK_FORM.format(2)]
    of_rows = sum(units(size_of(row), 1024) for row in rows)
    # Beside them a mark, the DEK and the audit entry, of a unit or two each.
    assert 2 * (of_rows + 3) <= count.write_units <= 2 * (of_rows + 6)


def test_calls_of_the_kms_are_counted(bench: Bench, counter: Counter):
    with counter.during() as count:
        bench.fill("first", 1, tenant="unseen")
    assert count.kms_calls >= 2, "a tenant's first keys"
