"""Whatever the table writer makes of the rows: the exact state or a refusal, no wrong plaintext and no false 404.

The oracle is the partition as its last writer left it. The attacker has every row of both tables at every moment of its
history, and rows of another partition and of another tenant.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import Recorder
from tests.records.attacks import Moment, Moments, RowKey, Rows, key, partition, record, without
from tests.records.opening import open_partition
from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World
from twinvault.dynamodb.marks import Mark, Marks, head_mark_key
from twinvault.dynamodb.table import Table
from twinvault.errors import IntegrityError, TwinvaultError
from twinvault.keys.rows import NamedKey, dek_name
from twinvault.records.partition import Snapshot, place_rows
from twinvault.scope import Scope

type Change = Callable[[Rows], Rows]

MARK_PK = head_mark_key(SCOPE.pk)
OTHER, THEIRS = Scope("acme", "ledger", "p2"), Scope("bolt", "ledger", "p1")
SKS = ("head", "line#0001", "line#0002", "line#0003", "line#0004")


def at(place: RowKey, item: dict[str, Any]) -> dict[str, Any]:
    """The item, moved to this place."""
    return {**item, "pk": {"S": place[1]}, "sk": {"S": place[2]}}


# -- the trust core, all combinations --------------------------------------------------------------------------------


def marks_of(world: World) -> dict[int, Mark]:
    items = [item for item in world.items(world.tables.marks) if item["pk"]["S"] == MARK_PK]
    return {int(item["sk"]["S"]): Mark(int(item["sk"]["S"]), item["digest"]["B"], "e") for item in items}


def choices(past: list[Moment], place: RowKey) -> list[dict[str, Any] | None]:
    """Absent, or as it was at any of these moments, each once."""
    seen: list[dict[str, Any] | None] = [None]
    for moment in past:
        if place in moment.rows and moment.rows[place] not in seen:
            seen.append(moment.rows[place])
    return seen


def combinations(past: list[Moment]) -> Iterator[list[dict[str, Any]]]:
    """The partition's rows in every mixture of these moments."""
    for rows in itertools.product(*(choices(past, record(sk)) for sk in SKS)):
        yield [row for row in rows if row is not None]


def test_every_mixture_of_all_moments_is_the_exact_state_or_refused_at_every_moment(moments: Moments) -> None:
    world, activity = moments.world, moments.world.activity()
    deks = {name: world.keys.dek(SCOPE, name, observer=activity) for name in (dek_name(SCOPE, n) for n in (1, 2))}
    marks, opened = marks_of(world), 0
    for now, truth in enumerate(moments.past):
        for items in combinations(moments.past[: now + 1]):
            for keys in ({}, *({name: deks[name]} for name in deks), deks):
                found = core(items, keys, marks.get(now))
                assert found in (truth.snapshot, IntegrityError)
                opened += found is not IntegrityError
    # Each moment's own rows open, with all keys and with those that are needed, and nothing else does.
    assert opened == sum(4 if now == 0 else 2 if now < 3 else 1 for now in range(len(moments.past)))


def core(items: list[Any], keys: dict[str, NamedKey], mark: Mark | None) -> Snapshot | type[IntegrityError] | None:
    try:
        rows = place_rows(items, scope=SCOPE, lowest_format=1)
        return open_partition(rows, keys, mark=mark, kind=LEDGER, scope=SCOPE, observer=Recorder())
    except IntegrityError:
        return IntegrityError


# -- the whole store, each single change -----------------------------------------------------------------------------


def single_changes(past: list[Moment]) -> Iterator[tuple[str, Change]]:
    """Each row of both tables deleted, put back, and exchanged with each other one; each table put back."""
    last = past[-1].rows
    for place in last:
        yield f"{place} deleted", lambda rows, p=place: without(rows, lambda other: other == p)
        for old in choices(past[:-1], place):
            if old is not None and old != last[place]:
                yield f"{place} put back", lambda rows, p=place, i=old: {**rows, p: i}
    for one, other in itertools.combinations(last, 2):
        if one[0] == other[0]:
            yield (
                f"{one} and {other} exchanged",
                lambda rows, a=one, b=other: {**rows, a: at(a, rows[b]), b: at(b, rows[a])},
            )
    for moment, table in itertools.product(past[:-1], ("records", "keys")):
        old_rows = {place: item for place, item in moment.rows.items() if place[0] == table}
        yield f"{table} put back", lambda rows, t=table, o=old_rows: {**without(rows, lambda p: p[0] == t), **o}


def test_after_any_change_of_one_row_or_table_a_reader_has_the_exact_state_or_a_refusal(moments: Moments) -> None:
    truth, exact = moments.past[-1], []
    for name, change in single_changes(moments.past):
        moments.become(change(truth.rows))
        try:
            found = partition(moments.world.another_environment()).read()
        except IntegrityError:
            continue
        assert found == truth.snapshot, name
        exact.append(name)
    # Only what a read of this partition does not need, or what has not changed since.
    assert all("idx#" in name or name == "keys put back" for name in exact), exact


# -- the whole store, many changes at once, and a write after them ---------------------------------------------------


@st.composite
def attacks(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    """Up to four of: delete, put back (from a moment), copy one row over another's place, copy to a new place."""
    kinds = st.sampled_from(["delete", "put back", "over", "new", "theirs"])
    numbers = st.integers(0, 30)
    return draw(st.lists(st.tuples(kinds, numbers, numbers, numbers), min_size=1, max_size=4))


def attacked(moments: Moments, steps: list[tuple[str, int, int, int]], foreign: Rows) -> Rows:
    rows = dict(moments.past[-1].rows)
    places = sorted({place for moment in moments.past for place in moment.rows})
    for kind, one, other, third in steps:
        place, source = places[one % len(places)], places[other % len(places)]
        old = moments.past[third % len(moments.past)].rows
        if kind == "delete":
            rows.pop(place, None)
        elif kind == "put back" and place in old:
            rows[place] = old[place]
        elif kind == "over" and source in old and source[0] == place[0]:
            rows[place] = at(place, old[source])
        elif kind == "new" and source in old:
            target = record(f"line#{third:04d}") if source[0] == "records" else key(f"dek#ledger#p1#{third:06d}")
            rows[target] = at(target, old[source])
        elif kind == "theirs":
            source = sorted(foreign)[other % len(foreign)]
            target = (source[0], place[1], source[2]) if source[0] == place[0] else place
            if target[0] == source[0]:
                rows[target] = at(target, foreign[source])
    return rows


def test_after_many_changes_a_reader_and_a_writer_have_the_exact_state_or_a_refusal(moments: Moments) -> None:
    world, truth = moments.world, moments.past[-1]
    partition(world, OTHER).write(puts(line(1), line(2)))
    partition(world, THEIRS).write(puts(line(1), line(2)))
    everything = moments.rows()
    foreign = {place: item for place, item in everything.items() if place not in truth.rows}
    marks = Marks(Table(world.client, world.tables.marks, sleep=lambda _seconds: None))

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=attacks(), looks_first=st.booleans())
    def under_attack(*, steps: list[tuple[str, int, int, int]], looks_first: bool) -> None:
        moments.become({**foreign, **attacked(moments, steps, foreign)})
        here = partition(world.another_environment())
        newest = marks.newest(MARK_PK)
        if looks_first:
            assert attempt(here.read) in (truth.snapshot, IntegrityError)
        written = attempt(lambda: here.write(puts(line(7))))
        if written is IntegrityError:
            assert marks.newest(MARK_PK) == newest
            return
        assert isinstance(written, Snapshot)
        assert truth.snapshot is not None
        assert {**truth.snapshot.records, "line#0007": written.records["line#0007"]} == written.records
        forget(world, above=truth.snapshot.head.version)

    under_attack()


def attempt(act: Callable[[], Snapshot | None]) -> Snapshot | type[TwinvaultError] | None:
    try:
        return act()
    except IntegrityError:
        return IntegrityError


def forget(world: World, *, above: int) -> None:
    """Takes back the marks of a test's own writes, so that the history is again what it was."""
    for item in world.items(world.tables.marks):
        if item["pk"]["S"] == MARK_PK and int(item["sk"]["S"]) > above:
            world.client.delete_item(TableName=world.tables.marks, Key={"pk": item["pk"], "sk": item["sk"]})
