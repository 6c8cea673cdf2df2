"""Who writes the tables `records` and `keys`, or puts them back, after an erasure: nothing opens or is undone."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.erasure.samples import erase, filled, partition
from tests.records.attacks import Moments, RowKey, Rows, key, without
from tests.records.samples import LEDGER, SCOPE, line
from tests.stores import World
from twinvault.erasure.act import Eraser
from twinvault.errors import Gone, IntegrityError, Step, TwinvaultError
from twinvault.keys.rows import dek_name
from twinvault.scope import Scope

STONE = key("dek#ledger#p1#erased")
DEK = key(dek_name(SCOPE, 1))
OTHER = Scope("acme", "ledger", "p2")
ASKED: dict[str, Callable[[World], object]] = {
    "whole": lambda world: partition(world).read(),
    "one": lambda world: partition(world).get("line#0001"),
    "page": lambda world: partition(world).query(),
    "update": lambda world: partition(world).update("line#0001", {"amount": 6}),
    "add": lambda world: partition(world).add(line(9)),
}


def refusals(world: World) -> dict[str, TwinvaultError]:
    """Why each question is refused, asked by an environment that holds nothing; none may be answered."""
    found = {}
    for name, ask in ASKED.items():
        with pytest.raises((Gone, IntegrityError)) as refused:
            ask(world.another_environment())
        found[name] = refused.value
    return found


def is_stone(place: RowKey) -> bool:
    return place == STONE


@pytest.fixture
def before(world: World) -> Rows:
    filled(world)
    return Moments(world).rows()


@pytest.fixture
def after(world: World, before: Rows) -> Rows:
    erase(world)
    return Moments(world).rows()


def test_both_tables_put_back_whole_are_tampering(world: World, before: Rows, after: Rows) -> None:
    """As restored from before: even the key's row is there, and nothing tells of an erasure but the marks."""
    Moments(world).become(before)
    found = refusals(world)
    assert all(isinstance(one, IntegrityError) for one in found.values())
    one = found["one"]
    assert isinstance(one, IntegrityError)
    assert (one.step, one.where and one.where.sk) == (Step.ERASED_KEY, dek_name(SCOPE, 1))


def test_any_rows_put_back_beside_the_tombstone_are_gone_all_the_same(world: World, before: Rows, after: Rows) -> None:
    lost = [place for place in before if place not in after]
    assert len(lost) == 2
    for some in itertools.chain([lost], [[one] for one in lost]):
        Moments(world).become({**after, **{place: before[place] for place in some}})
        assert all(isinstance(one, Gone) for one in refusals(world).values()), some


def test_a_tombstone_taken_away_is_tampering(world: World, after: Rows) -> None:
    Moments(world).become(without(after, is_stone))
    whole = refusals(world)
    assert isinstance(whole["whole"], IntegrityError)
    # Swept, too: then nothing is left that could say what there was.
    Moments(world).become(without(after, lambda place: is_stone(place) or place[0] == "records"))
    with pytest.raises(IntegrityError) as refused:
        partition(world.another_environment()).read()
    assert refused.value.step is Step.MISSING_PARTITION


def test_a_tombstone_changed_or_moved_here_is_tampering(world: World, after: Rows) -> None:
    filled(world, OTHER)
    erase(world, OTHER)
    other = Moments(world).rows()[key("dek#ledger#p2#erased")]
    stone = after[STONE]
    changed: list[dict[str, Any]] = [
        other,
        {**stone, "updated_at": {"S": "2020-01-01T00:00:00Z"}},
        {**stone, "version": {"N": "2"}},
        {**stone, "content_salt": other["content_salt"]},
        {**stone, "more": {"S": "x"}},
        {**stone, "key_id": {"S": "kek#000001"}},
        {"pk": stone["pk"], "sk": stone["sk"]},
    ]
    for item in changed:
        Moments(world).become({**after, STONE: item})
        assert all(isinstance(one, IntegrityError) for one in refusals(world).values()), item


def test_a_tombstone_beside_a_partition_that_lives_changes_nothing(world: World, before: Rows) -> None:
    """Planted where nothing was erased: who reads what is there does not even look at it."""
    filled(world, OTHER)
    erase(world, OTHER)
    stone = Moments(world).rows()[key("dek#ledger#p2#erased")]
    Moments(world).become({**Moments(world).rows(), STONE: stone})
    there = world.another_environment()
    assert partition(there).read()
    assert partition(there).get("line#0001")


@pytest.mark.parametrize("planted", ["another's", "nothing of ours", "hostile names"])
def test_who_plants_a_tombstone_cannot_keep_a_partition_from_being_erased(world: World, planted: str) -> None:
    filled(world)
    filled(world, OTHER)
    erase(world, OTHER)
    rows = Moments(world).rows()
    name = {"pk": {"S": SCOPE.keys_pk}, "sk": {"S": STONE[2]}}
    item = {
        "another's": rows[key("dek#ledger#p2#erased")],
        "nothing of ours": name,
        "hostile names": {**name, '" REMOVE "pk': {"S": "x"}},
    }[planted]
    Moments(world).become({**rows, STONE: item})
    erased = erase(world.another_environment())
    assert erased.records == {"line": 3, "note": 1}
    assert all(isinstance(one, Gone) for one in refusals(world).values())


def test_a_key_that_was_put_back_makes_the_negative_test_say_so_or_hold(
    world: World, before: Rows, after: Rows
) -> None:
    Moments(world).become({**after, DEK: before[DEK]})
    again = Eraser(world.another_environment().vault).erase_partition(SCOPE, LEDGER, activity=world.activity())
    assert again.refused_by == "integrity: erased key"
