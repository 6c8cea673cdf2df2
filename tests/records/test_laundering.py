"""What was lost or put back behind the store's back stays visible, whatever honest writers then write.

A write at constant cost does not read what it does not touch. So it must not make good what it has not seen: a row is
tampered with, honest writers write over it and beside it in every way, and the next full read still refuses. What one
deletion cannot know is here, too.
"""

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.records.attacks import Moments, RowKey, partition, record
from tests.records.samples import line, puts
from tests.stores import World
from twinvault.errors import CallerError, IntegrityError
from twinvault.records.changes import Changes
from twinvault.records.partition import Look
from twinvault.records.spec import HEAD
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope

type Act = Callable[[PartitionStore], object]
type Rows = dict[RowKey, dict[str, Any]]

FIRST, SECOND, GONE, NEVER = (f"line#000{n}" for n in (1, 2, 3, 4))


def history(world: World, scope: Scope) -> tuple[Rows, Rows]:
    """Two lines changed and one deleted; the rows before and after that."""
    here, moments = partition(world, scope), Moments(world)
    here.write(puts(line(1, amount=1), line(2, amount=1), line(3)))
    before = moments.rows()
    here.put(line(1, amount=2), line(2, amount=2))
    here.delete(GONE)
    return before, moments.rows()


def tamperings(scope: Scope) -> dict[str, Callable[[Moments, Rows, Rows], None]]:
    first, second, gone = (record(sk, scope) for sk in (FIRST, SECOND, GONE))

    def swap(moments: Moments, _before: Rows, after: Rows) -> None:
        moments.put(first, after[second])
        moments.put(second, after[first])

    return {
        "a row deleted": lambda moments, _before, _after: moments.delete(first),
        "a row put back": lambda moments, before, _after: moments.put(first, before[first]),
        "two rows put back": lambda moments, before, _after: [moments.put(one, before[one]) for one in (first, second)],
        "a deleted row put back": lambda moments, before, _after: moments.put(gone, before[gone]),
        "a row copied to another place": lambda moments, _before, after: moments.put(
            record(NEVER, scope), after[first]
        ),
        "two rows exchanged": swap,
        "the head put back": lambda moments, before, _after: moments.put(
            record(HEAD, scope), before[record(HEAD, scope)]
        ),
        "the head deleted": lambda moments, _before, _after: moments.delete(record(HEAD, scope)),
        "all rows put back": lambda moments, before, _after: [
            moments.put(place, item) for place, item in before.items() if place[1] == scope.pk
        ],
        "all rows deleted": lambda moments, _before, after: [
            moments.delete(place) for place in after if place[1] == scope.pk
        ],
    }


def _changing(look: Look | None) -> Changes | None:
    """Whatever can be done about two records at once: one put, one deleted, if they are there."""
    if look is None:
        return None
    return Changes(put=[line(1, amount=7)], delete=[SECOND] if SECOND in look.records else [])


SKS = st.sampled_from((FIRST, SECOND, GONE, NEVER))
NUMBERS = st.integers(1, 4)
ACTS: st.SearchStrategy[Act] = st.one_of(
    NUMBERS.map(lambda n: lambda here: here.put(line(n, amount=n))),
    NUMBERS.map(lambda n: lambda here: here.add(line(n))),
    st.just(lambda here: here.add(line(8), line(9))),
    SKS.map(lambda sk: lambda here: here.update(sk, {"amount": 5})),
    SKS.map(lambda sk: lambda here: here.delete(sk)),
    st.just(lambda here: here.update(HEAD, {"title": "x"})),
    st.just(lambda here: here.write_rows([FIRST, SECOND], _changing)),
    st.just(lambda here: here.new_dek()),
)


@pytest.mark.parametrize("name", tamperings(Scope("acme", "ledger", "p")))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=1, max_size=4))
def test_no_honest_write_makes_good_what_was_tampered_with(world: World, name: str, acts: list[Act]) -> None:
    scope = Scope("acme", "ledger", f"p-{uuid.uuid4().hex[:12]}")
    before, after = history(world, scope)
    tamperings(scope)[name](Moments(world), before, after)
    for act in acts:
        # A caller is told of a conflict, or of tampering; or does not notice.
        with contextlib.suppress(CallerError, IntegrityError):
            act(partition(world, scope))
    with pytest.raises(IntegrityError):
        partition(world.another_environment(), scope).read()


@pytest.mark.parametrize("shown", ["what was hidden", "what was put"])
def test_a_deletion_of_what_was_put_over_a_hidden_row_can_be_undone(world: World, shown: str) -> None:
    """Not a promise but its limit (docs/limitations.md): a sum does not tell that a place is empty."""
    scope, moments = Scope("acme", "ledger", "p"), Moments(world)
    partition(world, scope).put(line(1, amount=1), line(2))
    first = record(FIRST, scope)
    hidden = moments.rows()[first]
    moments.delete(first)
    partition(world, scope).put(line(1, amount=2))
    put = moments.rows()[first]
    with pytest.raises(IntegrityError):
        partition(world.another_environment(), scope).read()
    if shown == "what was put":
        moments.put(first, hidden)
    partition(world, scope).delete(FIRST)
    with pytest.raises(IntegrityError):
        partition(world.another_environment(), scope).read()
    moments.put(first, hidden if shown == "what was hidden" else put)
    after = partition(world.another_environment(), scope).read()
    assert after is not None
    assert after.records[FIRST].fields["amount"] == (1 if shown == "what was hidden" else 2)


def test_a_deletion_that_looks_at_the_whole_partition_cannot_be_undone(world: World) -> None:
    scope, moments = Scope("acme", "ledger", "p"), Moments(world)
    partition(world, scope).put(line(1, amount=1), line(2))
    moments.delete(record(FIRST, scope))
    partition(world, scope).put(line(1, amount=2))
    with pytest.raises(IntegrityError):
        partition(world, scope).write(lambda _: Changes(delete=[FIRST]))
