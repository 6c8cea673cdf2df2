"""A dialogue that was erased: told as gone, and imported again only by who says so, once what it left is swept."""

import pytest

from dialogues.entities import DIALOGUE
from tests.dialogues.samples import dialogues, small
from tests.stores import World, now
from twinvault import Conflict, Gone
from twinvault.erasure.act import Eraser
from twinvault.erasure.sweeping import Sweeping
from twinvault.scope import Scope


def erase(world: World) -> None:
    with world.vault.acting(tenant="acme", principal="u-1", action="test.erase") as acting:
        partition = acting.hidden_partition(DIALOGUE, small()["id"], create=False)
        assert partition
        scope = Scope("acme", DIALOGUE.kind, partition.scope.partition)
        Eraser(world.vault).erase_partition(scope, DIALOGUE, activity=acting.activity)


def sweep(world: World) -> None:
    with world.vault.acting(tenant="acme", principal="u-1", action="test.sweep") as acting:
        sweeping = Sweeping(acting, kinds=[DIALOGUE], now=now)
        sweeping.drive(sweeping.begin(DIALOGUE.kind)[0].id)


def test_it_is_gone_and_another_one_comes_only_by_who_says_so(world: World) -> None:
    here, dialogue_id = dialogues(world), small()["id"]
    here.import_document(small())
    erase(world)
    for ask in (
        lambda: here.export(dialogue_id),
        lambda: here.import_document(small()),
        lambda: here.import_document(small(), idempotency_key="once"),
    ):
        with pytest.raises(Gone):
            ask()
    page = here.list(status=None, limit=10, cursor=None)
    assert (list(page.items), list(page.refused)) == ([], [])
    with pytest.raises(Conflict, match="not swept yet"):
        here.import_document(small(), after_erasure=True)
    sweep(world)
    for key in (None, "once"):
        assert here.import_document(small(), idempotency_key=key, after_erasure=True).result in {"created", "unchanged"}
    assert here.export(dialogue_id) == small()
    # Once it is there nobody needs to say so.
    assert here.import_document(small()).result == "unchanged"
