"""What looks at the tables, mends partitions or wraps keys anew knows what was erased."""

import time

import pytest

from tests.erasure.samples import erase, filled, key_rows, partition
from tests.erasure.test_beginning import anew, swept
from tests.erasure.test_interrupted import rewrapping
from tests.erasure.test_sweeping import acting
from tests.erasure.test_tenant import erase_tenant
from tests.records.attacks import Moments
from tests.records.samples import LEDGER, SCOPE, line
from tests.stores import World
from twinvault.dynamodb.marks import Mark, erased_mark_key, mark_item
from twinvault.dynamodb.table import Table
from twinvault.errors import Conflict, Gone, IntegrityError, Step
from twinvault.keys.destroying import Destroying
from twinvault.keys.rows import dek_name, kek_name
from twinvault.maintenance.inspecting import Inspected, Inspector
from twinvault.maintenance.recovery import Recovery
from twinvault.scope import Scope

OTHER = Scope("acme", "ledger", "p2")


def inspector(world: World) -> Inspector:
    names = (world.tables.records, world.tables.keys, world.tables.marks)
    return Inspector(*(Table(world.client, name, sleep=time.sleep) for name in names))


def inspected(world: World) -> list[Inspected]:
    return [one for one in inspector(world).tenant("acme") if isinstance(one, Inspected)]


def unanswered(world: World) -> int:
    return inspector(world).every()[1]


@pytest.mark.parametrize("then", ["stands", "is swept"])
def test_a_look_without_keys_finds_nothing_amiss_of_what_was_erased(world: World, then: str) -> None:
    filled(world)
    filled(world, OTHER)
    erase(world)
    if then == "is swept":
        Moments(world).become({place: item for place, item in Moments(world).rows().items() if place[1] != SCOPE.pk})
    assert inspected(world) == []
    assert unanswered(world) == 0


def test_a_look_without_keys_finds_a_tombstone_that_is_not_the_one_that_was_written(world: World) -> None:
    filled(world)
    filled(world, OTHER)
    erase(world)
    erase(world, OTHER)
    rows = Moments(world).rows()
    stone, other = ("keys", "tenant#acme", "dek#ledger#p1#erased"), rows["keys", "tenant#acme", "dek#ledger#p2#erased"]
    Moments(world).become({**rows, stone: other})
    assert {one.partition for one in inspected(world)} == {"p1"}


def test_a_look_without_keys_finds_nothing_amiss_of_a_tenant_that_was_erased(world: World) -> None:
    filled(world)
    erase_tenant(world)
    assert inspected(world) == []


def test_what_was_erased_is_neither_mended_nor_put_back(world: World) -> None:
    filled(world)
    before = Moments(world).rows()
    erase(world)
    Moments(world).become({**Moments(world).rows(), **{place: before[place] for place in before}})
    with acting(world.another_environment()) as one:
        with pytest.raises(Gone):
            Recovery(one, LEDGER, "p1").look()
        with pytest.raises(Gone):
            Recovery(one, LEDGER, "p1").mend(lose=9)


def test_where_another_one_stands_it_can_be_mended(world: World) -> None:
    filled(world)
    erase(world)
    swept(world)
    anew(world).add(line(7))
    with acting(world) as one:
        assert Recovery(one, LEDGER, "p1").look().done


def test_a_key_that_was_put_back_is_not_wrapped_anew(world: World) -> None:
    """Else the end of the epoch that wrapped it would not be its own."""
    filled(world)
    filled(world, OTHER)
    row = key_rows(world)[dek_name(SCOPE, 1)]
    erase(world)
    world.client.put_item(TableName=world.tables.keys, Item=row)
    world.rotate()
    there = world.another_environment()
    rows = [row, key_rows(world)[dek_name(OTHER, 1)]]
    done = rewrapping(there).rewrap(rows, tenant="acme", under=kek_name(2), committer=there.commits())
    assert done.done == 1
    (refused,) = done.refused
    assert isinstance(refused, IntegrityError)
    assert refused.step is Step.ERASED_KEY
    assert key_rows(world)[dek_name(SCOPE, 1)]["key_id"]["S"] == kek_name(1)


def test_a_key_that_was_put_back_does_not_keep_its_epoch_from_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinvault.keys.destroying.SLACK_SECONDS", 0.0)
    object.__setattr__(world.changes, "key_ttl_seconds", 0.0)
    filled(world)
    row = key_rows(world)[dek_name(SCOPE, 1)]
    erase(world)
    world.client.put_item(TableName=world.tables.keys, Item=row)
    world.rotate()
    with acting(world) as one:
        one.keys.retire(1)
    register = Destroying(world.changes, world.vault.key_table, 0.0).destroy("acme", 1, committer=world.commits())
    assert register.lowest_epoch == 2
    with pytest.raises(Gone):
        partition(world.another_environment()).read()


def test_a_key_that_only_a_mark_says_was_erased_keeps_its_epoch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any function that writes may insert marks: who takes one over must not have a key destroyed that lives."""
    monkeypatch.setattr("twinvault.keys.destroying.SLACK_SECONDS", 0.0)
    object.__setattr__(world.changes, "key_ttl_seconds", 0.0)
    filled(world)
    planted = mark_item(erased_mark_key(SCOPE.pk), Mark(7, bytes(32), "0193587d-2a00-7000-8000-000000000001"))
    world.client.put_item(TableName=world.tables.marks, Item=planted)
    world.rotate()
    with acting(world) as one:
        one.keys.retire(1)
    destroying = Destroying(world.changes, world.vault.key_table, 0.0)
    with pytest.raises(Conflict, match="wraps 1 keys"):
        destroying.destroy("acme", 1, committer=world.commits())
    assert {kek_name(1), dek_name(SCOPE, 1)} <= key_rows(world).keys()
