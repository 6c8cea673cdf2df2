"""Dialogues of which a newer release stored more than this one knows: carried, said, and never left out in silence."""

import re
from dataclasses import replace
from typing import Any

import pytest

from dialogues.entities import DIALOGUE, LISTS, META
from tests.dialogues.samples import SMALL, dialogues, small
from tests.stores import World
from twinvault import TEXT, Acting, Conflict, Draft, EntitySpec, KindSpec, PartitionStore, Undeclared
from twinvault.records.rewriting import Rewritten

DIGEST = "digest"
ITEM = "perspective#00#01"
HUNCH = EntitySpec("hunch", re.compile("hunch#[0-9]{2}"), {"status": TEXT}, frozenset({"feeling"}))


def newer(entity: EntitySpec) -> EntitySpec:
    """The same with fields that this release has not."""
    return replace(entity, clear={**entity.clear, "mood": TEXT}, sealed=entity.sealed | {"rationale"})


NEWER = KindSpec(DIALOGUE.kind, [*map(newer, DIALOGUE.entities), HUNCH], newer(DIALOGUE.head))
ADDED = {"mood": "calm", "rationale": ["because", {"it": "is"}]}


def partition(world: World, kind: KindSpec) -> PartitionStore:
    acting = Acting(world.another_environment().vault, world.activity())
    return acting.hidden_partition(kind, SMALL["id"], create=True)


def stored_more(world: World, *, digest: str = "", lists: tuple[str, ...] = ()) -> None:
    """What a newer release makes of a dialogue: fields of an item and of the head, and an entity.

    `digest`: of its document, if that has more than this release's.
    """
    here = partition(world, NEWER)
    item = here.get(ITEM)
    assert item is not None
    hunch = Draft("hunch", "hunch#01", {"status": "felt", "feeling": "Kumquat"})
    here.put(Draft(item.entity, item.sk, {**item.fields, **ADDED}), hunch)
    here.update("head", ADDED)
    meta = here.get(META)
    assert meta is not None
    here.update(META, {LISTS: [*meta.fields[LISTS], *lists], **({DIGEST: digest} if digest else {})})


def everything(world: World) -> dict[str, dict[str, Any]]:
    found = partition(world, NEWER).read()
    assert found is not None
    return {sk: one.fields for sk, one in {"head": found.head, **found.records}.items()}


@pytest.fixture
def more(world: World) -> World:
    """A dialogue whose document has more than this release knows."""
    dialogues(world).import_document(small())
    stored_more(world, digest="00" * 32, lists=("hunches",))
    return world


def test_reading_shows_what_is_known_and_names_the_rest(more: World) -> None:
    read = dialogues(more).read(SMALL["id"])
    assert read["dialogue"] == small()
    assert read["stored"]["undeclared"] == ["hunch", "hunches", "mood", "rationale"]
    assert "Kumquat" not in repr(read)
    (listed,) = dialogues(more).list(status=None, limit=10, cursor=None).items
    assert listed["id"] == SMALL["id"]


def test_an_export_that_would_leave_something_out_is_refused_and_named(more: World) -> None:
    with pytest.raises(Undeclared) as refused:
        dialogues(more).export(SMALL["id"])
    assert refused.value.names == ("hunch", "hunches", "mood", "rationale")


def test_a_document_that_is_a_part_of_what_is_stored_is_other_content(more: World) -> None:
    before = everything(more)
    with pytest.raises(Conflict):
        dialogues(more).import_document(small())
    assert everything(more) == before


def test_what_a_newer_release_adds_beside_the_document_is_in_nobodys_way(world: World) -> None:
    """The digest of the document says that nothing of it is missing."""
    dialogues(world).import_document(small())
    stored_more(world)
    assert dialogues(world).export(SMALL["id"]) == small()
    assert "undeclared" not in dialogues(world).read(SMALL["id"])["stored"]
    assert dialogues(world).import_document(small()).result == "unchanged"


def test_a_rewrite_by_this_release_loses_nothing_of_a_newer_one(more: World) -> None:
    before = everything(more)
    dialogues(more).new_dek(SMALL["id"])
    rewritten = partition(more, DIALOGUE).rewrite(force=True)
    assert rewritten == Rewritten(len(before) - 1, len(before) - 1, 0)
    assert everything(more) == before


def test_an_import_that_a_newer_release_began_is_gone_on_with(world: World) -> None:
    """It has records of its own there, and fields beside the document's; the document is the same."""
    dialogues(world).import_document(small())
    stored_more(world)
    partition(world, NEWER).update("head", {"state": "importing"})
    partition(world, NEWER).delete("perspective#01#01")
    assert dialogues(world).import_document(small()).result == "created"
    after = everything(world)
    assert after["hunch#01"] == {"status": "felt", "feeling": "Kumquat"}
    assert {name: after[ITEM][name] for name in ADDED} == ADDED
    assert {name: after["head"][name] for name in ADDED} == ADDED
    assert dialogues(world).export(SMALL["id"]) == small()
