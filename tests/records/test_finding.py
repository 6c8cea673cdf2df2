"""Records found by a sealed field's value: whatever the partition, opened, and nothing but what has that value."""

import json
import re
from typing import Any

import pytest

from tests.fakes import Recorder
from tests.keys.test_hierarchy import restate
from tests.records.clubs import (
    ADA,
    CLUB,
    CREW,
    EMAIL,
    GUEST,
    PERSON,
    acting,
    find,
    find_page,
    person,
    places,
    plant,
    put,
    renew,
    stored,
)
from tests.records.samples import counted
from tests.stores import World
from twinvault.audit.elements import mark_hash
from twinvault.dynamodb.marks import head_mark_key
from twinvault.errors import IntegrityError, InvalidInput, Step
from twinvault.keys.register import State
from twinvault.records.blind import Blind
from twinvault.records.blinding import find_blinder
from twinvault.records.changes import Changes
from twinvault.records.hits import Refused
from twinvault.records.paging import MAX_PAGE
from twinvault.records.record import Draft, sealed_size
from twinvault.records.spec import EntitySpec, KindSpec
from twinvault.scope import Scope

NINE = Draft("person", "person#0009", {"state": "in", "note": "has no address"})


def test_records_are_found_in_every_partition_by_the_normalized_value(world: World) -> None:
    put(world, "north", person(1), person(2, email="bo@example.com"), NINE)
    put(world, "south", person(3, email="ADA@EXAMPLE.COM"))
    page = find_page(world, email="ada@example.com")
    assert sorted(places(page)) == [("north", "person#0001"), ("south", "person#0003")]
    assert page.cursor is None
    assert {one.record.fields["email"] for one in page.records} == {ADA, "ADA@EXAMPLE.COM"}
    assert {one.scope.tenant for one in page.records} == {"acme"}


def test_whole_numbers_true_and_false_are_found_as_what_they_are(world: World) -> None:
    put(world, "north", person(1, number=7), person(2, number="7"), person(3, number=True), person(4, number=1))
    assert find(world, number=7) == [("north", "person#0001")]
    assert find(world, number="7") == [("north", "person#0002")]
    assert find(world, number=True) == [("north", "person#0003")]
    assert find(world, number=1) == [("north", "person#0004")]


def test_what_only_looks_alike_is_not_found(world: World) -> None:
    """Another tenant, another kind, another entity and another field with the same value."""
    put(world, "north", person(1), Draft("guest", "guest#0001", {"email": ADA}))
    put(world, "north", person(2), kind=CREW)
    put(world, "north", person(3), tenant="bolt")
    put(world, "south", person(4, email="x", note=ADA))
    assert find(world, email=ADA) == [("north", "person#0001")]
    assert find(world, "guest", email=ADA) == [("north", "guest#0001")]
    assert find(world, kind=CREW, email=ADA) == [("north", "person#0002")]
    assert find(world, tenant="bolt", email=ADA) == [("north", "person#0003")]


def test_a_head_is_found_by_its_own_field(world: World) -> None:
    with acting(world) as one:
        one.partition(CLUB, "north").write(lambda _before: Changes({"state": "on", "title": "Ada's"}, [person()]))
        one.partition(CLUB, "south").write(lambda _before: Changes({"state": "on", "title": "Bo's"}))
    page = find_page(world, "head", title="ADA'S")
    assert places(page) == [("north", "head")]
    assert page.records[0].record.fields == {"state": "on", "title": "Ada's"}


def test_a_tenant_who_has_stored_nothing_finds_nothing(world: World) -> None:
    assert find(world, tenant="new", email=ADA) == []


def test_a_reader_of_the_table_sees_that_values_are_equal_and_not_what_they_are(world: World) -> None:
    put(world, "north", person(1, phone="+1 555", number=9007199254740991), NINE)
    put(world, "south", person(1, email=ADA.upper(), number=9007199254740991))
    one, other = stored(world, "north"), stored(world, "south")
    assert one["bi_1"] == other["bi_1"]
    assert one["bi_3"] == other["bi_3"]
    assert [len(one[name]["S"]) for name in ("bi_1", "bi_2", "bi_3")] == [51, 1, 51]
    assert not {"bi_1", "bi_2", "bi_3"} & stored(world, "north", "person#0009").keys()
    assert not any(secret in str(one).lower() for secret in ("example.com", "+1 555", "9007199254740991"))


def test_an_update_is_found_by_its_new_value_alone_and_a_removed_field_by_none(world: World) -> None:
    put(world, "north", person(1, number=1))
    put(world, "north", person(1, email="new@example.com"))
    assert find(world, email=ADA) == []
    assert find(world, email="new@example.com") == [("north", "person#0001")]
    assert find(world, number=1) == []
    assert "bi_3" not in stored(world, "north")
    put(world, "north", person(1, email=None))
    assert find(world, email="new@example.com") == []
    assert "bi_1" not in stored(world, "north")
    with acting(world) as one:
        snapshot = one.partition(CLUB, "north").read()
    assert snapshot
    assert snapshot.records["person#0001"].fields["email"] is None


def test_update_moves_a_record_in_its_index_and_delete_takes_it_out(world: World) -> None:
    put(world, "north", person(1, number=1), person(2))
    with acting(world) as one:
        partition = one.partition(CLUB, "north")
        partition.update("person#0001", {"email": "new@example.com"}, remove=["number"])
        partition.update("person#0002", {"note": "tall"})
        partition.add(person(3))
    assert find(world, email="new@example.com") == [("north", "person#0001")]
    assert find(world, number=1) == []
    assert "bi_3" not in stored(world, "north")
    assert find(world, email=ADA) == [("north", "person#0002"), ("north", "person#0003")]
    with acting(world) as one:
        one.partition(CLUB, "north").delete("person#0002")
    assert find(world, email=ADA) == [("north", "person#0003")]
    with acting(world) as one:
        assert one.partition(CLUB, "north").read()


def test_a_false_positive_of_few_bits_is_opened_and_left_out(world: World) -> None:
    """At five bits 64 values cannot all look different: what looks equal to the one that is asked for is not found."""
    put(world, "north", *(person(number, phone=f"+1 {number}") for number in range(1, 65)))
    looks = [stored(world, "north", f"person#{number:04d}")["bi_2"]["S"] for number in range(1, 65)]
    asked = next(number for number in range(1, 65) if looks.count(looks[number - 1]) > 1)
    page = find_page(world, phone=f"+1 {asked}", limit=64)
    assert places(page) == [("north", f"person#{asked:04d}")]
    audited = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    (entry,) = (entry for entry in audited if entry["action"] == "club.find")
    opened = sum(one["n"] for one in entry["crypto"] if one["op"] == "decrypt")
    assert opened == looks.count(looks[asked - 1])


def test_at_few_bits_a_row_of_another_kind_is_no_tampering(world: World) -> None:
    put(world, "north", person(1, phone="1"))
    shared = stored(world, "north")["bi_2"]["S"]
    alike = next(text for text in map(str, range(2, 999)) if looks(world, text, kind=CREW) == shared)
    put(world, "south", person(2, phone=alike), kind=CREW)
    assert stored(world, "south", "person#0002", kind="crew")["bi_2"]["S"] == shared
    assert find(world, phone="1") == [("north", "person#0001")]


def test_pages_follow_one_another_and_hold_each_record_once(world: World) -> None:
    everyone = []
    for partition in ("north", "south", "west"):
        put(world, partition, *(person(number) for number in range(1, 5)))
        everyone += [(partition, f"person#{number:04d}") for number in range(1, 5)]
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = find_page(world, email=ADA, limit=5, cursor=cursor)
        assert len(page.records) <= 5
        found, cursor, pages = found + places(page), page.cursor, pages + 1
    assert sorted(found) == everyone
    assert pages == 3


def test_more_hits_than_one_request_reads_are_all_opened(world: World) -> None:
    for batch in (range(1, 81), range(81, 161)):
        put(world, "north", *(person(number) for number in batch))
    assert len(find_page(world, email=ADA, limit=MAX_PAGE).records) == 160


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1, True, 1.0, None])
def test_a_limit_out_of_range_is_the_callers_fault(world: World, limit: Any) -> None:
    for tenant in ("acme", "new"):
        with pytest.raises(InvalidInput, match=f"^limit: must be a whole number from 1 to {MAX_PAGE}") as refused:
            find_page(world, tenant=tenant, email=ADA, limit=limit)
        assert refused.value.field == "limit"


@pytest.mark.parametrize(
    ("asked", "field", "message"),
    [
        pytest.param({"mail": ADA}, "mail", "person.mail: is not a searchable field", id="no such field"),
        pytest.param({"note": "x"}, "note", "person.note: is not a searchable field", id="sealed, not searchable"),
        pytest.param({"state": "in"}, "state", "person.state: is not a searchable field", id="clear"),
        pytest.param({}, "", "person: is found by one field at a time, and 0 were given", id="no field"),
        pytest.param({"email": ADA, "number": 1}, "", "one field at a time, and 2 were given", id="two fields"),
        pytest.param({"email": None}, "email", "person.email: only text, whole numbers", id="None"),
        pytest.param({"email": ["x"]}, "email", "person.email: only text, whole numbers", id="a list"),
        pytest.param({"number": 1.0}, "number", "person.number: only text, whole numbers", id="a float"),
        pytest.param({"email": ADA, "cursor": ""}, "cursor", "cursor: was not given out", id="an empty cursor"),
        pytest.param({"email": ADA, "cursor": "x" * 200}, "cursor", "cursor: was not given out", id="no cursor"),
    ],
)
def test_a_wrong_question_is_refused_by_the_name_of_what_is_wrong(
    world: World, asked: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        find_page(world, **asked)
    assert refused.value.field == field
    assert message in refused.value.message
    assert "Ada" not in refused.value.message


def test_an_entity_that_the_kind_has_not_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="kind crew: there is no entity 'guest'"):
        find_page(world, "guest", kind=CREW, email=ADA)


def test_a_cursor_is_of_no_use_for_another_question(world: World) -> None:
    """Another value, one that looks equal at few bits, another field, entity, kind or tenant."""
    fields = {"phone": "0", "number": ADA}
    put(world, "north", person(1, **fields), person(2, **fields), *(guest(number) for number in (1, 2)))
    put(world, "north", person(1), person(2), kind=CREW)
    put(world, "north", person(1), person(2), tenant="bolt")
    cursor = find_page(world, email=ADA, limit=1).cursor
    few = find_page(world, phone="0", limit=1).cursor
    assert cursor
    assert few
    alike = next(text for text in map(str, range(1, 999)) if looks(world, text) == looks(world, "0"))
    for question in (
        {"email": "bo@example.com", "cursor": cursor},
        {"number": ADA, "cursor": cursor},
        {"entity": "guest", "email": ADA, "cursor": cursor},
        {"kind": CREW, "email": ADA, "cursor": cursor},
        {"tenant": "bolt", "email": ADA, "cursor": cursor},
        {"phone": alike, "cursor": few},
    ):
        with pytest.raises(InvalidInput, match=r"^cursor: was not given out for this listing"):
            find_page(world, **question)
    assert places(find_page(world, email=ADA.upper(), limit=1, cursor=cursor)) == [("north", "person#0002")]


def guest(number: int) -> Draft:
    return Draft("guest", f"guest#{number:04d}", {"email": ADA})


def looks(world: World, phone: str, *, kind: KindSpec = CLUB) -> str:
    """The five bits of a telephone number."""
    blinder = find_blinder(world.keys, kind, tenant="acme", observer=Recorder())
    assert blinder
    return blinder.attributes("person", PERSON.searchable, fields={"phone": phone})["bi_2"]


def failures(world: World) -> list[dict[str, Any]]:
    """What the audit log says of what did not open."""
    entries = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    return [entry for entry in entries if entry["outcome"] == "failure"]


def refused_beside(world: World, *places_found: tuple[str, str]) -> Refused:
    """The one hit that does not open, named beside these that do, and told of in the audit log."""
    page = find_page(world, email=ADA)
    assert sorted(places(page)) == sorted(places_found)
    (refused,) = page.refused
    (entry,) = failures(world)
    assert entry["problem"] == refused.problem
    return refused


def test_a_record_whose_blind_index_was_changed_does_not_open_and_hides_no_other(world: World) -> None:
    put(world, "north", person(1), person(2, email="bo@example.com"))
    ada, bo = stored(world, "north"), stored(world, "north", "person#0002")
    plant(world, bo, bi_1=ada["bi_1"])
    refused = refused_beside(world, ("north", "person#0001"))
    assert isinstance(refused.error, IntegrityError)
    assert (refused.scope, refused.sk) == (Scope("acme", "club", "north"), "person#0002")
    assert refused.error.step is Step.COMMITMENT


def test_a_partition_whose_key_is_revoked_is_told_of_once_and_hides_no_other(world: World) -> None:
    put(world, "south", person(1), person(2), person(3))
    world.rotate()
    put(world, "north", person(1))
    restate(world, State.REVOKED, epoch=1)
    page = find_page(world.another_environment(), email=ADA)
    assert places(page) == [("north", "person#0001")]
    assert sorted((one.sk, one.problem) for one in page.refused) == [
        (f"person#000{n}", "key-refused") for n in (1, 2, 3)
    ]
    assert [entry["problem"] for entry in failures(world)] == ["key-refused"]


def test_a_partition_whose_key_was_taken_away_hides_no_other(world: World) -> None:
    put(world, "north", person(1))
    put(world, "south", person(1))
    for item in world.items(world.tables.keys):
        if item["sk"]["S"].startswith("dek#club#south#"):
            world.client.delete_item(TableName=world.tables.keys, Key={"pk": item["pk"], "sk": item["sk"]})
    page = find_page(world.another_environment(), email=ADA)
    assert places(page) == [("north", "person#0001")]
    (refused,) = page.refused
    assert isinstance(refused.error, IntegrityError)
    assert refused.error.step is Step.MISSING_KEY


def test_what_is_not_declared_is_named_and_hides_no_other(world: World) -> None:
    put(world, "north", person(1))
    newer = EntitySpec("person", PERSON.sk, PERSON.clear, PERSON.sealed | {"new"}, PERSON.searchable)
    put(world, "south", Draft("person", "person#0002", {"email": ADA, "new": "x"}), kind=KindSpec("club", (newer,)))
    refused = refused_beside(world, ("north", "person#0001"))
    assert (refused.sk, refused.problem) == ("person#0002", "undeclared")


def test_a_page_of_large_records_ends_where_a_mebibyte_is_full_and_the_next_one_goes_on(world: World) -> None:
    sealed = EntitySpec("person", PERSON.sk, PERSON.clear, PERSON.sealed | {"memo"}, PERSON.searchable)
    kind = KindSpec("club", (sealed,))
    for number in range(1, 8):
        put(world, "north", Draft("person", f"person#{number:04d}", {"email": ADA, "memo": "x" * 380_000}), kind=kind)
    first = find_page(world, kind=kind, email=ADA)
    assert (len(first.records), first.cursor is None) == (2, False)
    assert find(world, kind=kind, email=ADA) == [("north", f"person#{number:04d}") for number in range(1, 8)]
    renewed = renew(world)
    assert find(renewed, kind=kind, email=ADA) == [("north", f"person#{number:04d}") for number in range(1, 8)]


@pytest.mark.parametrize("change", ["taken away", "added", "exchanged"])
def test_a_blind_index_taken_away_added_or_exchanged_is_refused_by_every_read(world: World, change: str) -> None:
    put(world, "north", person(1, number=1))
    row = stored(world, "north")
    if change == "taken away":
        plant(world, {name: value for name, value in row.items() if name != "bi_3"})
    else:
        plant(world, row, **{"bi_2" if change == "added" else "bi_3": row["bi_1"]})
    with acting(world) as one, pytest.raises(IntegrityError):
        one.partition(CLUB, "north").get("person#0001")


def test_a_row_of_another_tenant_that_claims_a_place_in_the_index_is_tampering(world: World) -> None:
    put(world, "north", person(1))
    put(world, "north", person(1), tenant="bolt")
    row = stored(world, "north")
    foreign = {**row, "pk": {"S": Scope("bolt", "club", "north").pk}}
    plant(world, foreign)
    refused = refused_beside(world, ("north", "person#0001"))
    assert (refused.scope, refused.sk, refused.problem) == (None, "", "integrity")


@pytest.mark.parametrize(
    "pk",
    [
        pytest.param("tenant#acme#club", id="a part less"),
        pytest.param("tenant#acme#club#north#requests", id="a part more"),
        pytest.param("tenant#acme#club#NORTH", id="no id"),
        pytest.param("tenant#acme##north", id="no kind"),
        pytest.param("x", id="anything"),
    ],
)
def test_a_row_at_no_place_of_a_record_that_claims_one_in_the_index_is_tampering(world: World, pk: str) -> None:
    put(world, "north", person(1))
    plant(world, stored(world, "north"), pk={"S": pk})
    refused = refused_beside(world, ("north", "person#0001"))
    assert isinstance(refused.error, IntegrityError)
    assert (refused.scope, refused.error.step) == (None, Step.PLACE)


def test_a_row_planted_in_another_kind_is_not_given_out(world: World) -> None:
    put(world, "north", person(1))
    plant(world, stored(world, "north"), pk={"S": Scope("acme", "crew", "north").pk})
    assert find(world, email=ADA) == [("north", "person#0001")]


def test_a_copy_of_a_record_in_another_partition_does_not_open(world: World) -> None:
    put(world, "north", person(1))
    put(world, "south", person(2, email="bo@example.com"))
    plant(world, stored(world, "north"), pk={"S": Scope("acme", "club", "south").pk})
    refused = refused_beside(world, ("north", "person#0001"))
    assert (refused.scope, refused.sk) == (Scope("acme", "club", "south"), "person#0001")


def test_a_hit_whose_record_is_gone_is_left_out(world: World) -> None:
    """The index lags: a row may be deleted between the hit and its being read again."""
    put(world, "north", person(1), person(2))
    table = world.vault.records
    inner = table._client
    key = {"pk": {"S": Scope("acme", "club", "north").pk}, "sk": {"S": "person#0002"}}

    class Late:
        def __getattr__(self, name: str) -> Any:
            if name == "batch_get_item":
                world.client.delete_item(TableName=world.tables.records, Key=key)
            return getattr(inner, name)

    table._client = Late()
    try:
        assert find(world, email=ADA) == [("north", "person#0001")]
    finally:
        table._client = inner


def test_what_was_found_is_audited_before_it_is_returned_with_every_partition(world: World) -> None:
    put(world, "north", person(1))
    put(world, "south", person(2))
    find(world, email=ADA)
    entries = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    (entry,) = (entry for entry in entries if entry["action"] == "club.find")
    assert entry["outcome"] == "success"
    assert {one["mark"] for one in entry["partitions"]} == {
        mark_hash(head_mark_key(Scope("acme", "club", name).pk)) for name in ("north", "south")
    }
    assert "example.com" not in json.dumps(entry).lower()


def test_an_activity_that_has_ended_finds_nothing(world: World) -> None:
    with acting(world) as one:
        pass
    for tenant_has_keys in (False, True):
        if tenant_has_keys:
            put(world, "north", person(1))
        with pytest.raises(InvalidInput, match="ended"):
            one.find(CLUB, "person", email=ADA)


def test_a_value_that_cannot_be_searched_by_is_refused_before_anything_is_written(world: World) -> None:
    for value in (["x"], {"a": 1}, 1.5, 10**38):
        with pytest.raises(InvalidInput, match=r"^person\.number: "):
            put(world, "north", person(1, number=value))
    assert world.items() == []


def test_the_size_that_is_said_counts_the_blind_indexes(world: World) -> None:
    def over(draft: Draft, partition: str) -> int:
        """By how much more than DynamoDB counts."""
        put(world, partition, draft)
        return sealed_size(draft, PERSON, scope=Scope("acme", "club", partition)) - counted(stored(world, partition))

    bare, indexed = over(Draft("person", "person#0001", {}), "south"), over(person(1, phone="1", number=1), "north")
    assert 0 < bare <= indexed < 200


def test_both_generations_are_asked_until_records_are_indexed_anew(world: World) -> None:
    put(world, "north", person(1), person(2))
    renewed = renew(world)
    put(renewed, "south", person(3))
    assert stored(renewed, "north")["bi_1"] != stored(renewed, "south", "person#0003")["bi_1"]
    everyone = [("north", "person#0001"), ("north", "person#0002"), ("south", "person#0003")]
    assert find(renewed, email=ADA) == everyone
    for limit in (1, 2, 3):
        assert find(renewed, email=ADA, limit=limit) == everyone
    assert find_page(renewed, email=ADA, limit=2).cursor
    assert find_page(renewed, email=ADA, limit=50).cursor is None


def test_a_record_that_is_indexed_anew_between_two_pages_is_not_missed(world: World) -> None:
    put(world, "north", person(1), person(2))
    renewed = renew(world)
    first = find_page(renewed, email=ADA, limit=1)
    put(renewed, "north", person(2))
    second = find_page(renewed, email=ADA, limit=5, cursor=first.cursor)
    assert {*places(first), *places(second)} >= {("north", "person#0002")}


@pytest.mark.parametrize("character", ["x", "\u20ac", "\U0001f511", '"', "\0"])
def test_a_page_may_end_at_the_longest_sort_key(world: World, character: str) -> None:
    """1,024 bytes, in a partition of the longest name: the cursor still fits into its 16,384 characters."""
    entity = EntitySpec("p" * 63, re.compile(r"#.*"), {}, frozenset({"f" * 64}), {"f" * 64: Blind(slot=1)})
    kind = KindSpec("k" * 63, (entity,))
    long = "#" + character * (1022 // len(character.encode()))
    drafts = [Draft(entity.name, long + end, {"f" * 64: "v"}) for end in "12"]
    tenant, partition = "t" * 63, "p" * 63
    put(world, partition, *drafts, tenant=tenant, kind=kind)
    first = find_page(world, entity.name, tenant=tenant, kind=kind, limit=1, **{"f" * 64: "v"})
    second = find_page(world, entity.name, tenant=tenant, kind=kind, limit=1, cursor=first.cursor, **{"f" * 64: "v"})
    assert sorted([*places(first), *places(second)]) == [(partition, draft.sk) for draft in drafts]
    with acting(world, tenant) as one:
        here = one.partition(kind, partition)
        page = here.query(limit=1)
        assert [one.sk for one in here.query(limit=2, cursor=page.cursor).records] == [drafts[1].sk]


def test_a_cursor_from_before_a_new_generation_is_refused(world: World) -> None:
    put(world, "north", person(1), person(2))
    cursor = find_page(world, email=ADA, limit=1).cursor
    with pytest.raises(InvalidInput, match=r"^cursor: "):
        find_page(renew(world), email=ADA, limit=1, cursor=cursor)


def test_of_two_generations_back_nothing_is_found(world: World) -> None:
    put(world, "north", person(1))
    assert find(renew(renew(world)), email=ADA) == []


def test_a_field_that_is_no_longer_searchable_leaves_records_that_open_and_loses_its_index_at_a_write(
    world: World,
) -> None:
    put(world, "north", person(1))
    plain = KindSpec("club", (EntitySpec("person", PERSON.sk, PERSON.clear, PERSON.sealed), GUEST), CLUB.head)
    with acting(world) as one:
        record = one.partition(plain, "north").get("person#0001")
        assert record
        assert record.fields["email"] == ADA
    put(world, "north", person(1), kind=plain)
    assert "bi_1" not in stored(world, "north")
    assert find(world, email=ADA) == []


def test_a_renamed_field_is_found_by_its_new_name_under_its_stable_one(world: World) -> None:
    put(world, "north", person(1))
    renamed = EntitySpec(
        "person",
        PERSON.sk,
        PERSON.clear,
        frozenset({"email", "mail"}),
        {"mail": Blind(slot=1, normalize=EMAIL.normalize, name="email")},
    )
    kind = KindSpec("club", (renamed,))
    put(world, "south", Draft("person", "person#0002", {"mail": ADA}), kind=kind)
    assert stored(world, "north")["bi_1"] == stored(world, "south", "person#0002")["bi_1"]
    assert find(world, kind=kind, mail=ADA) == [("south", "person#0002")]
