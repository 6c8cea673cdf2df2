"""The library as another team meets it: one call, over the real engines."""

import json
import re
import time
import uuid
from functools import partial
from typing import Any

import boto3
import pytest

from twinvault import (
    TEXT,
    Changes,
    Draft,
    EntitySpec,
    IntegrityError,
    InvalidInput,
    KeyRefused,
    KindSpec,
    NotFound,
    TableNames,
    TooLarge,
    head_spec,
    open_vault,
)

NOTE = EntitySpec("note", re.compile("note#[0-9]"), {"colour": TEXT}, frozenset({"text"}))
PLAIN = KindSpec("plain", [NOTE], head_spec({"state": TEXT}))
LONG = KindSpec("long", [EntitySpec("line", re.compile("line#[0-9]{3}"), {}, frozenset({"text"}))])
LIST = {"list_kind": TEXT, "list_status": TEXT, "list_at": TEXT}
LISTED = KindSpec("listed", [NOTE], head_spec(LIST))


class World:
    """The plugin's store, and what its audit log says."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        return getattr(self.store, name)

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(one["entry"]["S"]) for one in sorted(self.items("audit"), key=lambda one: one["sk"]["S"])]


@pytest.fixture
def world(store):
    return World(store)


def act(vault, **options):
    return vault.acting(**{"tenant": "acme", "principal": "u-1", "action": "note.test", **options})


def note(number=1, text="a secret"):
    return Draft("note", f"note#{number}", {"colour": "red", "text": text})


def test_a_vault_goes_by_the_clock_that_it_is_given(world):
    days = [0.0]
    vault = world.open(clock=lambda: 1_800_000_000 + days[0] * 86400)
    with act(vault) as acting:
        acting.partition(PLAIN, "p").put(note())
    days[0] = 2.0
    with act(vault) as acting:
        acting.partition(PLAIN, "p").put(note(2))
    rows = {item["sk"]["S"]: item for item in world.dynamodb.scan(TableName=world.tables.records)["Items"]}
    created = [rows[name]["created_at"]["S"] for name in ("note#1", "note#2")]
    assert created == ["2027-01-15T08:00:00.000000Z", "2027-01-17T08:00:00.000000Z"]
    assert {entry["time"][:10] for entry in world.audited()} == {"2027-01-15", "2027-01-17"}
    keys = world.dynamodb.scan(TableName=world.tables.keys)["Items"]
    assert {item["created_at"]["S"][:10] for item in keys} == {"2027-01-15"}


def test_keys_in_memory_grow_old_by_the_given_clock(world):
    moved = [0.0]
    vault = world.open(clock=lambda: time.time() + moved[0])
    with act(vault) as acting:
        acting.partition(PLAIN, "p").put(note())
    world.kms.disable_key(KeyId=world.root_key)
    with act(vault) as acting:
        assert acting.partition(PLAIN, "p").get("note#1")
    moved[0] = 301.0
    with pytest.raises(KeyRefused), act(vault) as acting:
        acting.partition(PLAIN, "p").get("note#1")
    world.kms.enable_key(KeyId=world.root_key)


def test_opening_calls_nobody():
    dead = partial(boto3.Session("made", "up").client, region_name="eu-central-1", endpoint_url="http://127.0.0.1:1")
    nobody, requests = dead("dynamodb"), []
    nobody.meta.events.register("before-send.dynamodb.*", lambda **request: requests.append(request))
    open_vault(store="s", dynamodb=nobody, kms=dead("kms"), tables=TableNames("r", "k", "m", "a"), root_keys=["root"])
    assert not requests


def test_what_one_vault_wrote_another_reads(world):
    with act(world.open()) as acting:
        acting.partition(PLAIN, "p").put(note(1), note(2))
    with act(world.open()) as acting:
        assert set(acting.partition(PLAIN, "p").read().records) == {"note#1", "note#2"}


def test_put_replaces_a_record_and_keeps_the_heads_own_fields(world):
    with act(world.open()) as acting:
        partition = acting.partition(PLAIN, "p")
        partition.write(lambda _before: Changes({"state": "open"}, [note(1)]))
        partition.put(note(1, "another secret"))
        snapshot = partition.read()
    assert snapshot.head.fields["state"] == "open"
    assert (snapshot.records["note#1"].version, snapshot.records["note#1"].fields["text"]) == (2, "another secret")


def test_what_fails_within_an_action_is_audited_before_the_error_leaves(world):
    with pytest.raises(InvalidInput), act(world.open(), principal="u-7", action="note.wrong") as acting:
        acting.partition(PLAIN, "p").put(Draft("note", "note#1", {"unknown": 1}))
    _keys, entry = world.audited()  # the tenant's first keys have an entry of their own
    assert "note.wrong" in json.dumps(entry)
    assert "u-7" in json.dumps(entry)
    assert "failure" in json.dumps(entry)


def test_an_entry_names_the_trace_that_the_service_logs(world):
    with act(world.open(), trace_id="1-abc", span_id="def") as acting:
        acting.release()
    (entry,) = world.audited()
    assert (entry["trace"], entry["span"]) == ("1-abc", "def")


def test_keys_are_looked_at_and_rotated_for_the_activitys_own_tenant_and_audited(world):
    with act(world.open()) as acting:
        acting.partition(PLAIN, "p").put(note())
        assert [row.name for row in acting.keys.overview() if row.current] == ["dek#plain#p#000001", "kek#000001"]
        assert acting.keys.rotate() == 2
        assert [row.name for row in acting.keys.overview() if row.current] == ["dek#plain#p#000001", "kek#000002"]
    assert [[event["op"] for event in entry["keys"]] for entry in world.audited() if entry["keys"]] == [
        ["make_register", "make_kek", "make_index_key"],
        ["make_dek"],
        ["rotate"],
    ]
    with pytest.raises(NotFound), act(world.open(), tenant="bolt") as acting:
        acting.keys.rotate()


def test_what_fits_into_one_write_is_known_before_it_is_written(world):
    drafts = [Draft("line", f"line#{number:03d}", {}) for number in range(200)]
    with act(world.open()) as acting:
        partition = acting.partition(LONG, "p")
        batch = next(partition.batches(drafts))
        assert len(partition.put(*batch).records) == len(batch) == 95
        with pytest.raises(InvalidInput):
            partition.put(*drafts[: len(batch) + 1])
        with pytest.raises(TooLarge):
            partition.size(Draft("line", "line#000", {"text": "x" * 410_000}))


def test_metrics_reach_whoever_asks(world):
    counted: dict[str, int] = {}
    with act(world.open(), count=lambda name, value: counted.update({name: counted.get(name, 0) + value})) as acting:
        acting.partition(PLAIN, "p").put(note())
    assert counted["KmsCalls"] == 4  # of register key and KEK: GenerateDataKey, and Decrypt of what was read back


def test_an_edited_clear_field_does_not_open(world):
    with act(world.open()) as acting:
        partition = acting.partition(PLAIN, "p")
        partition.put(note())
    item = world.dynamodb.get_item(
        TableName=world.tables.records, Key={"pk": {"S": partition.pk}, "sk": {"S": "note#1"}}
    )
    world.dynamodb.put_item(TableName=world.tables.records, Item={**item["Item"], "colour": {"S": "blue"}})
    with pytest.raises(IntegrityError), act(world.open()) as acting:
        acting.partition(PLAIN, "p").get("note#1")


def test_a_disabled_root_key_is_a_refusal(world):
    with act(world.open()) as acting:
        acting.partition(PLAIN, "p").put(note())
    world.kms.disable_key(KeyId=world.root_key)
    with pytest.raises(KeyRefused), act(world.open()) as acting:
        acting.partition(PLAIN, "p").get("note#1")


def test_a_hidden_partition_is_found_by_its_text_and_does_not_show_it(world):
    title = f"What we pay Initech {uuid.uuid4().hex}"
    with act(world.open()) as acting:
        assert acting.hidden_partition(PLAIN, title, create=False) is None
        hidden = acting.hidden_partition(PLAIN, title, create=True)
        hidden.put(note())
    with act(world.open()) as acting:
        assert acting.hidden_partition(PLAIN, title, create=False).pk == hidden.pk
        assert acting.hidden_partition(PLAIN, title, create=False).get("note#1").fields["text"] == "a secret"
    held = repr([world.dynamodb.scan(TableName=name)["Items"] for name in (world.tables.records, world.tables.keys)])
    assert title not in held


@pytest.mark.parametrize("hidden", [pytest.param(True, id="hidden ids"), pytest.param(False, id="plain ids")])
def test_a_kind_is_listed_whether_its_ids_are_hidden_or_not(world, hidden):
    head = {"list_kind": "listed", "list_status": "open", "list_at": "2026-11-23"}
    with act(world.open()) as acting:
        assert acting.listing(LISTED) is None
        partition = acting.hidden_partition(LISTED, "P", create=True) if hidden else acting.partition(LISTED, "p")
        partition.write(lambda _before: Changes(head, [note()]))
    with act(world.open()) as acting:
        listing = acting.listing(LISTED)
        hits = listing.page(status="open", limit=10, cursor=None)
        (one,) = listing.open_each(hits.scopes, ("head", "note#1"))
        acting.release()
    assert one.records["note#1"].fields["text"] == "a secret"


def test_a_kind_that_declares_no_list_cannot_be_listed(world):
    with pytest.raises(InvalidInput, match="declares no list_kind"), act(world.open()) as acting:
        acting.listing(PLAIN)


@pytest.mark.parametrize(
    "partition", [pytest.param("", id="empty"), pytest.param("A", id="capital"), pytest.param("a#b", id="a separator")]
)
def test_an_id_that_cannot_stand_in_a_key_is_refused(world, partition):
    with pytest.raises(InvalidInput), act(world.open()) as acting:
        acting.partition(PLAIN, partition)


def test_what_an_activity_gave_out_is_of_no_use_once_it_has_ended(world):
    vault = world.open()
    with act(vault) as acting:
        partition = acting.partition(LISTED, "p")
        fields = {"list_kind": "listed", "list_status": "open", "list_at": "2026"}
        snapshot = partition.write(lambda _before: Changes(fields, [note()]))
        listing = acting.listing(LISTED)
    entries = len(world.audited())
    for use in (
        partition.read,
        partition.peek,
        lambda: partition.get("note#1"),
        lambda: partition.open_many(["note#1"]),
        lambda: partition.put(note()),
        lambda: partition.write(lambda _before: None, base=snapshot),
        partition.new_dek,
        lambda: listing.page(status=None, limit=10, cursor=None),
        lambda: listing.open_each((partition.scope,), ("head",)),
    ):
        with pytest.raises(InvalidInput, match="has ended"):
            use()
    assert len(world.audited()) == entries
    with act(vault) as acting:
        assert acting.partition(LISTED, "p").read() == snapshot
