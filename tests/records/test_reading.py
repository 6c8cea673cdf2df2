"""Reads of a partition changed behind the store's back: each change is refused, and named where it can be."""

from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World
from twinvault.errors import DependencyError, IntegrityError, InvalidInput, Place, Step, Undeclared
from twinvault.records.changes import Changes
from twinvault.records.record import Draft
from twinvault.records.spec import KindSpec
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope

OTHER = Scope("acme", "ledger", "p2")
THEIRS = Scope("bolt", "ledger", "p1")


@pytest.fixture
def reader(world: World) -> World:
    """Another environment, which has cached nothing."""
    return world.another_environment()


def partition(world: World, scope: Scope = SCOPE) -> PartitionStore:
    return world.partition(scope, LEDGER, world.activity(scope.tenant))


def put(world: World, item: dict[str, Any]) -> None:
    world.client.put_item(TableName=world.tables.records, Item=item)


def get(world: World, sk: str, scope: Scope = SCOPE) -> dict[str, Any]:
    key = {"pk": {"S": scope.pk}, "sk": {"S": sk}}
    item: dict[str, Any] = world.client.get_item(TableName=world.tables.records, Key=key)["Item"]
    return item


def delete(world: World, sk: str, table: str | None = None, pk: str | None = None) -> dict[str, Any]:
    key = {"pk": {"S": pk or SCOPE.pk}, "sk": {"S": sk}}
    name = table or world.tables.records
    old: dict[str, Any] = world.client.delete_item(TableName=name, Key=key, ReturnValues="ALL_OLD")["Attributes"]
    return old


def refusal(reader: World, scope: Scope = SCOPE) -> IntegrityError:
    with pytest.raises(IntegrityError) as refused:
        partition(reader, scope).read()
    assert str(refused.value) == "integrity check failed"
    return refused.value


@pytest.fixture(autouse=True)
def filled(world: World) -> None:
    """Three lines, the first of them written twice."""
    partition(world).write(puts(line(1, amount=1), line(2), line(3)))


def test_what_was_written_is_read_whole_and_in_order(reader: World) -> None:
    snapshot = partition(reader).read()
    assert snapshot is not None
    assert list(snapshot.records) == ["line#0001", "line#0002", "line#0003"]
    assert snapshot.head.fields["owner"] == "Ada"


def test_a_partition_that_never_was_is_nothing(reader: World) -> None:
    assert partition(reader, OTHER).read() is None
    assert partition(reader, THEIRS).read() is None


def test_a_deleted_record_is_missed(world: World, reader: World) -> None:
    delete(world, "line#0002")
    assert refusal(reader).check == "9 head: a record was deleted"


def test_a_record_put_back_to_an_older_version_is_noticed(world: World, reader: World) -> None:
    old = get(world, "line#0001")
    partition(world).write(puts(line(1, amount=2)))
    put(world, old)
    assert refusal(reader).check == "9 head: a record was rolled back"


def test_a_record_put_back_after_it_was_replaced_elsewhere_is_noticed_by_a_warm_reader_too(
    world: World, reader: World
) -> None:
    partition(reader).read()
    old = get(world, "line#0001")
    partition(world).write(puts(line(1, amount=2)))
    put(world, old)
    refusal(reader)


def test_an_added_record_is_named(world: World, reader: World) -> None:
    """A record that its writer sealed truly, and whose head did not stay."""
    head = get(world, "head")
    partition(world).write(puts(line(9)))
    put(world, head)
    refused = refusal(reader)
    assert refused.check == "9 head: a record was added"
    assert refused.where == Place("records", SCOPE.pk, "line#0009")


def test_a_head_put_back_is_noticed(world: World, reader: World) -> None:
    head = get(world, "head")
    partition(world).write(puts(line(1, amount=7)))
    put(world, head)
    assert refusal(reader).check == "9 head: a record was rolled back"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param("line#0001", "line#0004", id="a record copied to another place"),
        pytest.param("line#0001", "line#0002", id="a record over another"),
        pytest.param("head", "line#0004", id="the head as a record"),
        pytest.param("line#0001", "head", id="a record as the head"),
        pytest.param("head", "head2", id="a second head"),
    ],
)
def test_a_row_does_not_open_at_another_place(world: World, reader: World, source: str, target: str) -> None:
    put(world, get(world, source) | {"sk": {"S": target}})
    refusal(reader)


def test_two_rows_that_change_places_are_noticed(world: World, reader: World) -> None:
    one, other = get(world, "line#0001"), get(world, "line#0002")
    put(world, one | {"sk": {"S": "line#0002"}})
    put(world, other | {"sk": {"S": "line#0001"}})
    refused = refusal(reader)
    assert refused.step is Step.COMMITMENT
    assert refused.where == Place("records", SCOPE.pk, "line#0001")


def test_a_row_of_another_partition_of_the_tenant_does_not_open(world: World, reader: World) -> None:
    partition(world, OTHER).write(puts(line(1)))
    put(world, get(world, "line#0001", OTHER) | {"pk": {"S": SCOPE.pk}})
    assert refusal(reader).step is Step.KEY_ID


def test_a_whole_partition_copied_to_another_tenant_does_not_open(world: World, reader: World) -> None:
    """Its DEK row with it: the KEK that wraps it is the other tenant's, and bound to that tenant by KMS."""
    partition(world, THEIRS).write(puts(line(1)))
    for item in world.items():
        if item["pk"]["S"] == SCOPE.pk:
            put(world, item | {"pk": {"S": THEIRS.pk}})
    refusal(reader, THEIRS)
    for item in world.items(world.tables.keys):
        if item["pk"]["S"] == "tenant#acme":
            world.client.put_item(TableName=world.tables.keys, Item=item | {"pk": {"S": "tenant#bolt"}})
    refusal(world.another_environment(), THEIRS)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"amount": {"N": "6"}}, id="a number edited"),
        pytest.param({"amount": {"S": "5"}}, id="a number retyped"),
        pytest.param({"paid": {"BOOL": True}}, id="a declared field added"),
        pytest.param({"extra": {"S": "x"}}, id="an undeclared field added"),
        pytest.param({"paid": {"NULL": True}}, id="null for absent"),
        pytest.param({"version": {"N": "2"}}, id="another version"),
        pytest.param({"updated_at": {"S": "2030"}}, id="another time"),
        pytest.param({"entity_type": {"S": "note"}}, id="another entity"),
        pytest.param({"entity_type": {"S": "head"}}, id="the head's entity"),
        pytest.param({"entity_type": {"S": "page"}}, id="an unknown entity"),
        pytest.param({"entity_type": {"L": []}}, id="a list as entity"),
        pytest.param({"tenant_id": {"S": "bolt"}}, id="another tenant"),
        pytest.param({"format": {"N": "2"}}, id="an unknown format"),
        pytest.param({"format": {"S": "1"}}, id="a format in text"),
        pytest.param({"format": None}, id="no format"),
        pytest.param({"key_id": {"S": "dek#ledger#p2#000001"}}, id="another partition's key"),
        pytest.param({"key_id": {"S": "dek#ledger#p1#000002"}}, id="a key that is not there"),
        pytest.param({"key_id": {"S": "kek#000001"}}, id="the KEK as key"),
        pytest.param({"key_id": {"S": ""}}, id="an empty key id"),
        pytest.param({"key_id": {"N": "1"}}, id="a number as key id"),
        pytest.param({"key_id": None}, id="no key id"),
        pytest.param({"content_encrypted": None}, id="no content"),
        pytest.param({"content_encrypted": {"S": "x"}}, id="content in text"),
        pytest.param({"content_encrypted": {"B": b"x"}}, id="content too short"),
        pytest.param({"content_nonce": {"B": bytes(11)}}, id="a short nonce"),
        pytest.param({"content_salt": {"B": bytes(32)}}, id="another salt"),
        pytest.param({"key_commitment": {"B": bytes(32)}}, id="another commitment"),
        pytest.param({"tenant_id": None}, id="a common field taken away"),
    ],
)
def test_an_edited_row_does_not_open(world: World, reader: World, change: dict[str, Any]) -> None:
    for sk in ("line#0002", "head"):
        item = get(world, sk)
        edited = {name: value for name, value in {**item, **change}.items() if value is not None}
        if edited == item:
            continue  # the head is a head
        put(world, edited)
        refusal(reader)
        with pytest.raises(IntegrityError):
            partition(reader).get(sk)
        put(world, item)
    assert partition(reader).read() is not None


def test_a_number_that_the_engine_writes_otherwise_still_opens(world: World, reader: World) -> None:
    put(world, get(world, "line#0001") | {"amount": {"N": "1.000"}})
    assert partition(reader).read() is not None


def test_rows_without_a_head_are_tampering(world: World, reader: World) -> None:
    delete(world, "head")
    assert refusal(reader).check == "9 head: there is no head"


def test_a_mark_without_rows_is_tampering(world: World, reader: World) -> None:
    for item in world.items():
        delete(world, item["sk"]["S"])
    assert refusal(reader).step is Step.MISSING_PARTITION


def test_a_head_without_its_key_is_tampering(world: World, reader: World) -> None:
    delete(world, "dek#ledger#p1#000001", world.tables.keys, "tenant#acme")
    refused = refusal(reader)
    assert (refused.step, refused.where) == (
        Step.MISSING_KEY,
        Place("keys", SCOPE.keys_pk, "dek#ledger#p1#000001"),
    )


def test_a_kek_that_was_taken_away_is_tampering(world: World, reader: World) -> None:
    delete(world, "kek#000001", world.tables.keys, "tenant#acme")
    assert refusal(reader).step is Step.KEY_ROWS
    with pytest.raises(IntegrityError):
        partition(reader, OTHER).write(puts(line(1)))


def test_a_point_read_opens_what_is_there_and_nothing_else(world: World, reader: World) -> None:
    found = partition(reader).get("line#0001")
    assert found is not None
    assert found.fields == {"amount": 1, "payee": "Bo"}
    assert partition(reader).get("line#0099") is None
    put(world, get(world, "line#0001") | {"sk": {"S": "line#0002"}})
    with pytest.raises(IntegrityError):
        partition(reader).get("line#0002")


def test_a_refusal_is_counted_and_recorded_with_the_check_and_no_place_in_clear(world: World, reader: World) -> None:
    counted: list[str] = []
    activity = reader.activity(count=lambda name, _value: counted.append(name))
    delete(world, "line#0002")
    with pytest.raises(IntegrityError), reader.audit.recording(activity):
        reader.partition(SCOPE, LEDGER, activity).read()
    assert counted.count("OpenFailed") == 1
    entry = next(item["entry"]["S"] for item in world.items(world.tables.audit) if "deleted" in item["entry"]["S"])
    assert SCOPE.pk not in entry


def test_a_partition_of_many_pages_is_read_whole(world: World, reader: World) -> None:
    """A Query answers with at most 1 MB."""
    for start in (10, 20):
        partition(world).write(puts(*(line(start + n, memo="x" * 150_000) for n in range(9))))
    snapshot = partition(reader).read()
    assert snapshot is not None
    assert len(snapshot.records) == 21


def test_a_store_that_cannot_be_read_is_no_tampering(faulty: World, line: Line) -> None:
    for fault in (Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.CUT_ANSWER, Fault.ERROR_BEFORE):
        for operation in ("Query", "GetItem", "BatchGetItem"):
            line.clear()
            line.always(fault, operation)
            here = faulty.another_environment()
            ask = partition(here).read if operation == "Query" else lambda here=here: partition(here).get("line#0001")
            with pytest.raises(DependencyError):
                ask()


def test_a_scope_of_another_kind_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.partition(Scope("acme", "other", "p1"), LEDGER, world.activity())


def test_a_record_of_an_entity_that_the_kind_lost_is_undeclared_and_no_tampering(world: World, reader: World) -> None:
    partition(world).write(lambda before: Changes(_head_fields(before), [Draft("note", "note#0001", {"text": "hi"})]))
    poorer = KindSpec(LEDGER.kind, LEDGER.entities[:1], LEDGER.head)
    with pytest.raises(Undeclared) as refused:
        reader.partition(SCOPE, poorer, reader.activity()).read()
    assert (refused.value.names, refused.value.where) == (("entity_type",), Place("records", SCOPE.pk, "note#0001"))


def _head_fields(before: Any) -> dict[str, Any]:
    return {name: before.head.fields[name] for name in ("title", "list_kind", "list_status", "list_at", "owner")}
