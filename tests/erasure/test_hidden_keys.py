"""Who takes a key's row away before an erasure, and puts it back after: what it opened stays erased all the same."""

from itertools import chain, combinations

import pytest

from tests.erasure.samples import erase, filled, key_rows, partition
from tests.erasure.test_attacks import refusals
from tests.erasure.test_beginning import anew, swept
from tests.erasure.test_interrupted import rewrapping
from tests.erasure.test_reencrypted import reencrypt
from tests.records.attacks import Moments, key, record, without
from tests.records.samples import SCOPE, line, puts
from tests.stores import World
from twinvault.errors import Gone, IntegrityError, Step
from twinvault.keys.rows import dek_name, kek_name
from twinvault.records.spec import HEAD

DEKS = [dek_name(SCOPE, version) for version in (1, 2)]
HIDDEN = list(chain.from_iterable(combinations(DEKS, count) for count in (1, 2)))


@pytest.mark.parametrize("head", ["head there", "head hidden, too"])
@pytest.mark.parametrize("hidden", HIDDEN, ids=" ".join)
def test_a_key_that_was_hidden_from_its_erasure_opens_nothing_when_it_is_put_back(
    world: World, hidden: tuple[str, ...], head: str
) -> None:
    filled(world)
    reencrypt(world)
    before = Moments(world).rows()
    away = {key(name) for name in hidden} | ({record(HEAD)} if head == "head hidden, too" else set())
    Moments(world).become(without(before, away.__contains__))
    erase(world.another_environment())
    Moments(world).become({**Moments(world).rows(), **{place: before[place] for place in away}})
    assert all(isinstance(one, Gone) for one in refusals(world).values())
    for name in DEKS:
        if name in hidden:
            with pytest.raises(IntegrityError) as refused:
                world.another_environment().keys.dek(SCOPE, name, observer=world.activity())
            assert refused.value.step is Step.ERASED_KEY


def test_a_key_that_was_hidden_is_not_brought_under_a_newer_epoch(world: World) -> None:
    """Else it would outlive those whose end makes its erasure final, and the receipt would be wrong."""
    filled(world)
    reencrypt(world)
    row = Moments(world).rows()[key(DEKS[1])]
    Moments(world).delete(key(DEKS[1]))
    erase(world.another_environment())
    Moments(world).put(key(DEKS[1]), row)
    world.rotate()
    there = world.another_environment()
    done = rewrapping(there).rewrap([row], tenant="acme", under=kek_name(2), committer=there.commits())
    (refused,) = done.refused
    assert isinstance(refused, IntegrityError)
    assert refused.step is Step.ERASED_KEY
    assert key_rows(world)[DEKS[1]]["key_id"] == {"S": "kek#000001"}


def test_another_partition_begins_above_every_key_that_there_may_have_been(world: World) -> None:
    filled(world)
    reencrypt(world)
    before = Moments(world).rows()
    Moments(world).become(without(before, lambda place: place[2] in DEKS))
    erase(world.another_environment())
    swept(world)
    anew(world).write(puts(line(7)))
    names = {name for name in key_rows(world) if name.startswith("dek#") and not name.endswith("#erased")}
    assert names
    assert not names & set(DEKS)
    snapshot = partition(world.another_environment()).read()
    assert snapshot is not None
    assert list(snapshot.records) == ["line#0007"]
