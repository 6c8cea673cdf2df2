"""Another partition at the place of one that was erased: asked for, counting on, and never mistaken for the other."""

import pytest

from tests.chains import entries
from tests.erasure.samples import erase, filled, key_rows, partition
from tests.records.attacks import Moments, Rows, key, without
from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World
from twinvault.errors import Conflict, Gone, IntegrityError
from twinvault.keys.rows import dek_name
from twinvault.records.store import PartitionStore


def anew(world: World) -> PartitionStore:
    with world.vault.acting(tenant="acme", principal="u-1", action="test", seconds=20) as acting:
        store = acting.partition(LEDGER, "p1", after_erasure=True)
    return PartitionStore(
        store._table, store._reader, store._writer, store._audit, store.scope, store.kind, world.activity()
    )


def swept(world: World) -> None:
    Moments(world).become(without(Moments(world).rows(), lambda place: place[0] == "records"))


def begun(world: World) -> Rows:
    """A world in which one was erased and another stands at its place; the rows of the first."""
    filled(world)
    partition(world).new_dek()
    before = Moments(world).rows()
    erase(world)
    swept(world)
    anew(world).write(puts(line(7)))
    return before


def test_it_has_keys_of_its_own_and_counts_on(world: World) -> None:
    begun(world)
    snapshot = partition(world.another_environment()).read()
    assert snapshot
    # The first ended with version 2, its tombstone's mark is 3.
    assert (snapshot.head.version, snapshot.state.dek_version, snapshot.state.lowest_dek_version) == (4, 3, 3)
    assert list(snapshot.records) == ["line#0007"]
    assert {dek_name(SCOPE, 3), "dek#ledger#p1#erased"} <= key_rows(world).keys()
    assert dek_name(SCOPE, 1) not in key_rows(world)


@pytest.mark.parametrize("how", ["write", "add", "put", "idempotent"])
def test_every_way_to_write_begins_it(world: World, how: str) -> None:
    filled(world)
    erase(world)
    swept(world)
    store = anew(world)
    assert store.read() is None
    match how:
        case "write":
            store.write(puts(line(7)))
        case "add":
            store.add(line(7))
        case "put":
            store.put(line(7))
        case _:
            store.add(line(7), idempotency_key="once")
            assert anew(world).add(line(7), idempotency_key="once").repeated
    assert partition(world).get("line#0007")
    # Once it is there nobody needs to ask for it.
    partition(world).add(line(8))


def test_not_before_what_was_there_is_swept(world: World) -> None:
    filled(world)
    partition(world).add(line(9), idempotency_key="once")
    erase(world)
    with pytest.raises(Conflict, match="not swept yet"):
        anew(world).add(line(7))
    with pytest.raises(Conflict, match="not swept yet"):
        anew(world).add(line(7), idempotency_key="once")
    Moments(world).become(without(Moments(world).rows(), lambda place: place[:2] == ("records", SCOPE.pk)))
    with pytest.raises(Conflict, match="not swept yet"):
        anew(world).add(line(7))
    swept(world)
    assert anew(world).add(line(7)).version == 4


def test_not_unless_it_is_asked_for(world: World) -> None:
    filled(world)
    erase(world)
    swept(world)
    for _ in range(2):
        with pytest.raises(Gone):
            partition(world).add(line(7))


def test_where_nothing_was_erased_the_option_changes_nothing(world: World) -> None:
    assert anew(world).add(line(1)).version == 1
    assert anew(world).add(line(2)).version == 2
    assert anew(world).read()


def test_it_can_be_erased_as_well_and_the_marks_count_on(world: World) -> None:
    begun(world)
    erased = erase(world)
    assert (erased.head_version, [one.version for one in erased.keys], erased.records) == (4, [3], {"line": 1})
    with pytest.raises(Gone) as gone:
        partition(world.another_environment()).read()
    assert gone.value.erased_at == erased.erased_at
    assert len([one for one in entries(world) if any(key["op"] == "erase" for key in one["keys"])]) == 2
    swept(world)
    assert anew(world).add(line(1)).version == 6


def test_rows_of_the_first_put_back_beside_it_open_to_nobody(world: World) -> None:
    before = begun(world)
    after = Moments(world).rows()
    for some in (
        {place: item for place, item in before.items() if place not in after},
        {place: item for place, item in before.items() if place[0] == "records" or "dek#" in place[2]},
        {place: item for place, item in before.items() if place[2] == "line#0001" or "dek#" in place[2]},
    ):
        Moments(world).become({**after, **some})
        with pytest.raises(IntegrityError):
            partition(world.another_environment()).read()
        with pytest.raises(IntegrityError):
            partition(world.another_environment()).get("line#0001")


def test_the_first_put_back_in_its_place_is_tampering(world: World) -> None:
    before = begun(world)
    Moments(world).become(before)
    with pytest.raises(IntegrityError):
        partition(world.another_environment()).read()
    with pytest.raises(IntegrityError):
        partition(world.another_environment()).get("line#0001")


def test_the_tombstone_of_the_first_erasure_put_back_after_the_second_is_tampering(world: World) -> None:
    begun(world)
    stone = key("dek#ledger#p1#erased")
    first = Moments(world).rows()[stone]
    erase(world)
    Moments(world).become({**Moments(world).rows(), stone: first})
    with pytest.raises(IntegrityError):
        partition(world.another_environment()).read()


def test_all_of_it_taken_away_but_the_tombstone_is_tampering(world: World) -> None:
    """Else who writes the tables could make of a partition that lives one that was erased."""
    begun(world)
    rows = Moments(world).rows()
    Moments(world).become(without(rows, lambda place: place[0] == "records" or place[2] == dek_name(SCOPE, 3)))
    with pytest.raises(IntegrityError):
        partition(world.another_environment()).read()
    with pytest.raises(IntegrityError):
        anew(world.another_environment()).write(puts(line(7)))
