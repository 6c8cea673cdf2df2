"""Dialogues as they are stored, read where somebody with the keys, or with the tables alone, was at work before."""

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
