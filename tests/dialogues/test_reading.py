"""Dialogues as they are stored, read where somebody with the keys, or with the tables alone, was at work before."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from dialogues.entities import DIALOGUE, META
from tests.dialogues.samples import SMALL, dialogues, small
from tests.stores import World
from twinvault import Acting, Changes, Draft, IntegrityError, PartitionStore, Snapshot, Step
from twinvault.scope import Scope


def partition(world: World, dialogue_id: str) -> PartitionStore:
    return Acting(world.vault, world.activity()).hidden_partition(DIALOGUE, dialogue_id, create=True)


def rewrite(world: World, dialogue_id: str, *, head: dict[str, Any] | None = None, **meta: Any) -> Scope:
    """Seals the dialogue's own record anew with these fields, as a writer with the keys can; where it stands."""

    def plan(snapshot: Snapshot | None) -> Changes:
        assert snapshot is not None
        record = snapshot.records[META]
        return Changes(
            {**snapshot.head.fields, **(head or {})}, [Draft(record.entity, META, {**record.fields, **meta})]
        )

    here = partition(world, dialogue_id)
    here.write(plan)
    return here.scope


@pytest.mark.parametrize("state", ["complete", "importing"])
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"source_id": "another"}, id="another id"),
        pytest.param({"as_written": {"id": "another"}}, id="another id as written"),
    ],
)
@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda here: here.export(SMALL["id"]), id="export"),
        pytest.param(lambda here: here.read(SMALL["id"]), id="read"),
        pytest.param(lambda here: here.import_document(small()), id="import"),
    ],
)
def test_a_dialogue_that_says_it_is_another_one_is_tampering_and_no_answer(
    world: World, ask: Callable[[Any], Any], fields: dict[str, Any], state: str
) -> None:
    dialogues(world).import_document(small())
    scope = rewrite(world, SMALL["id"], head={"state": state}, **fields)
    before = world.items()
    with pytest.raises(IntegrityError) as refused:
        ask(dialogues(world))
    assert refused.value.step is Step.MODEL
    assert refused.value.where is not None
    assert (refused.value.where.pk, refused.value.where.sk) == (scope.pk, META)
    assert world.items() == before


# -- lists -----------------------------------------------------------------------------------------------------------


def key(scope: Scope, sk: str) -> dict[str, Any]:
    return {"pk": {"S": scope.pk}, "sk": {"S": sk}}


def take(world: World, scope: Scope, *sks: str) -> None:
    for sk in sks:
        world.client.delete_item(TableName=world.tables.records, Key=key(scope, sk))


def change(world: World, scope: Scope, sk: str, **attributes: Any) -> None:
    item = world.client.get_item(TableName=world.tables.records, Key=key(scope, sk))["Item"]
    world.client.put_item(TableName=world.tables.records, Item=item | attributes)


def stand_in(world: World, scope: Scope) -> None:
    """Takes the head away, and has another record claim its place in the list."""
    take(world, scope, "head")
    listed = {"list_kind": {"S": "dialogue"}, "list_status": {"S": "converged"}, "list_at": {"S": "2026"}}
    change(world, scope, "round#00", **listed)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda world, scope: take(world, scope, META), id="its own record is gone"),
        pytest.param(stand_in, id="its head is gone"),
        pytest.param(lambda world, scope: change(world, scope, META, domain_id={"S": "x"}), id="it was changed"),
        pytest.param(lambda world, _: rewrite(world, "second", source_id="first"), id="it says another's id"),
        pytest.param(lambda world, _: rewrite(world, "second", source_id=None), id="it says no id"),
    ],
)
@pytest.mark.parametrize("status", [None, "converged"])
def test_a_damaged_dialogue_is_listed_as_such_and_hides_no_other(
    world: World, damage: Callable[[World, Scope], object], status: str | None
) -> None:
    for name in ("first", "second", "third"):
        dialogues(world).import_document(small(id=name))
    scope = partition(world, "second").scope
    damage(world, scope)
    page = dialogues(world.another_environment()).list(status=status, limit=10, cursor=None)
    assert sorted(one["id"] for one in page.items) == ["first", "third"]
    (damaged,) = page.refused
    assert damaged.scope == scope
    assert isinstance(damaged.error, IntegrityError)
    entries = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    refused = [entry for entry in entries if entry["outcome"] == "failure"]
    assert [(entry["problem"], entry["step"]) for entry in refused] == [("integrity", damaged.error.check)]


def test_a_dialogue_whose_two_records_are_gone_is_named_and_not_left_out(world: World) -> None:
    """Nothing of it is there but another record that claims its place in the list."""
    dialogues(world).import_document(small(id="gone"))
    dialogues(world).import_document(small(id="here"))
    scope = partition(world, "gone").scope
    stand_in(world, scope)
    take(world, scope, META)
    page = dialogues(world).list(status=None, limit=10, cursor=None)
    assert [one["id"] for one in page.items] == ["here"]
    assert [(one.scope, one.problem) for one in page.refused] == [(scope, "integrity")]


def test_titles_of_any_length_leave_every_list_to_be_read(world: World) -> None:
    """Eight dialogues whose titles fill their records: each page has its share, and shows the beginnings."""
    whole = "🗝" * 80_000
    for number in range(8):
        dialogues(world).import_document(small(id=f"d{number}", title=whole))
    found, cursor, pages = list[Any](), None, 0
    while pages == 0 or cursor:
        page = dialogues(world).list(status=None, limit=50, cursor=cursor)
        found, cursor, pages = [*found, *page.items], page.cursor, pages + 1
    assert sorted(one["id"] for one in found) == [f"d{number}" for number in range(8)]
    assert {one["title"] for one in found} == {whole[:255] + "…"}
    assert pages > 1
    assert dialogues(world).export("d0")["title"] == whole


@pytest.mark.parametrize(("length", "shown"), [(256, 256), (257, 256)])
def test_a_title_is_cut_where_it_is_longer_than_a_list_shows(world: World, length: int, shown: int) -> None:
    title = "t" * length
    dialogues(world).import_document(small(title=title))
    (one,) = dialogues(world).list(status=None, limit=1, cursor=None).items
    assert len(one["title"]) == shown
    assert (one["title"] == title) is (length == shown)
