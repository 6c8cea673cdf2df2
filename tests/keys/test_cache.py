"""The cache of plaintext keys: hard TTL on two clocks, size, one load in flight, refusals, outages."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import OUTAGE, Recorder
from twinvault.errors import DependencyError, IntegrityError, KeyRefused, Step
from twinvault.keys.cache import CacheLimits, CacheName, KeyCache, Loaded
from twinvault.keys.instant import Instant
from twinvault.keys.rows import NamedKey

KEK = CacheName("acme", "kek#000001")
DEK = CacheName("acme", "dek#k#p#000001")
REFUSED = KeyRefused("the key service refuses the root key (DisabledException)", retry_after=30)


class Bench:
    """A cache with a clock that is turned by hand, and loads that are counted and can be made to fail."""

    def __init__(self, limits: CacheLimits | None = None, *, jitter: float = 0.5) -> None:
        self.now = Instant(1000.0, 5000.0)
        self.cache = KeyCache(limits or CacheLimits(), clock=lambda: self.now, jitter=lambda: jitter)
        self.loads: list[CacheName] = []
        self.failing: dict[CacheName, BaseException] = {}
        self.seen = Recorder()
        self.takes = 0.0

    def load(self, name: CacheName, parent: CacheName | None = None) -> NamedKey:
        def load() -> Loaded[NamedKey]:
            self.loads.append(name)
            self.later(self.takes)
            if name in self.failing:
                raise self.failing[name]
            opened_by = self.load(parent) if parent is not None else None
            return Loaded(NamedKey(name.key, f"{name.key} {len(self.loads)}".encode()), parent, opened_by)

        return self.cache.get(name, load, observer=self.seen)

    def kek(self) -> NamedKey:
        return self.load(KEK)

    def dek(self) -> NamedKey:
        return self.load(DEK, KEK)

    def later(self, seconds: float, *, wall: float | None = None) -> None:
        self.now = Instant(self.now.monotonic + seconds, self.now.wall + (seconds if wall is None else wall))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_key_is_loaded_once_and_then_served(bench: Bench) -> None:
    assert [bench.kek() for _ in range(5)] == [bench.kek()] * 5
    assert bench.loads == [KEK]
    assert bench.seen.metrics["KeyCacheHit"] == 5


@pytest.mark.parametrize(
    ("monotonic", "wall"),
    [
        pytest.param(300, 300, id="both clocks"),
        pytest.param(300, 0, id="the monotonic clock alone, the wall clock stopped"),
        pytest.param(0, 300, id="the wall clock alone, the environment frozen"),
        pytest.param(300, -10_000, id="a wall clock that was set back"),
    ],
)
def test_a_key_does_not_outlive_its_ttl_on_either_clock(bench: Bench, monotonic: float, wall: float) -> None:
    bench.kek()
    bench.failing[KEK] = OUTAGE
    bench.later(monotonic, wall=wall)
    with pytest.raises(DependencyError):
        bench.kek()


def test_the_ttl_counts_from_before_the_key_was_asked_for(bench: Bench) -> None:
    """KMS may have begun to refuse while the answer was on its way."""
    bench.takes = 40
    bench.kek()
    bench.takes, bench.failing[KEK] = 0, OUTAGE
    bench.later(259)
    bench.kek()
    bench.later(1)
    with pytest.raises(DependencyError):
        bench.kek()


def test_a_dek_expires_no_later_than_the_kek_that_opened_it(bench: Bench) -> None:
    bench.kek()
    bench.later(200)
    bench.dek()
    bench.failing = {KEK: OUTAGE, DEK: OUTAGE}
    bench.later(99)
    bench.dek()
    bench.later(1)
    with pytest.raises(DependencyError):
        bench.dek()


def test_a_refreshed_kek_does_not_lengthen_the_life_of_its_deks(bench: Bench) -> None:
    bench.dek()
    bench.later(290)
    bench.kek()  # refreshed
    bench.failing[DEK] = OUTAGE
    bench.later(10)
    with pytest.raises(DependencyError):
        bench.dek()


@pytest.mark.parametrize(("jitter", "due"), [(0.0, 240.0), (0.5, 255.0), (1.0, 270.0)])
def test_a_refresh_is_due_at_a_share_of_the_ttl_that_jitter_spreads(jitter: float, due: float) -> None:
    bench = Bench(jitter=jitter)
    bench.kek()
    bench.later(due - 0.01)
    bench.kek()
    assert len(bench.loads) == 1
    bench.later(0.02)
    bench.kek()
    assert len(bench.loads) == 2


def test_during_an_outage_a_key_serves_until_its_ttl_and_no_longer(bench: Bench) -> None:
    key = bench.kek()
    bench.failing[KEK] = OUTAGE
    bench.later(299)
    assert bench.kek() == key
    bench.later(1)
    with pytest.raises(DependencyError) as refused:
        bench.kek()
    assert refused.value.retry_after > 0
    bench.failing.clear()
    assert bench.kek() != key


def test_during_an_outage_not_every_request_waits_for_a_refresh(bench: Bench) -> None:
    """KMS that hangs takes some 15 seconds to fail; a page of 50 dialogues would wait 50 times."""
    bench.dek()
    bench.failing = {KEK: OUTAGE, DEK: OUTAGE}
    bench.later(260)
    for _ in range(50):
        bench.dek()
        bench.kek()
    assert bench.loads == [DEK, KEK, DEK, KEK]
    bench.later(14)
    bench.dek()
    bench.failing.clear()
    bench.later(1)
    bench.dek()
    assert bench.loads[4:] == [DEK, KEK]


def test_a_refusal_evicts_the_key_and_all_that_it_opened(bench: Bench) -> None:
    bench.dek()
    bench.failing[KEK] = REFUSED
    bench.later(299)
    with pytest.raises(KeyRefused):
        bench.kek()
    with pytest.raises(KeyRefused):
        bench.dek()
    assert bench.cache._state.entries == {}


def test_a_refusal_is_remembered_for_a_few_seconds(bench: Bench) -> None:
    bench.failing[KEK] = REFUSED
    for _ in range(5):
        with pytest.raises(KeyRefused) as refused:
            bench.kek()
        assert refused.value.retry_after == 30
    assert bench.loads == [KEK]
    bench.later(5)
    del bench.failing[KEK]
    bench.kek()
    assert len(bench.loads) == 2


def test_a_remembered_refusal_is_one_keys_alone(bench: Bench) -> None:
    bench.failing[KEK] = REFUSED
    with pytest.raises(KeyRefused):
        bench.kek()
    assert bench.load(CacheName("bolt", KEK.key)).name == KEK.key


def test_remembered_refusals_do_not_pile_up() -> None:
    bench = Bench(CacheLimits(size=10))
    for number in range(100):
        name = (str(number), "kek#000001")
        bench.failing[name] = REFUSED
        with pytest.raises(KeyRefused):
            bench.load(name)
    assert len(bench.cache._refusals._held) <= 10


def test_tampering_evicts_and_is_not_remembered(bench: Bench) -> None:
    bench.kek()
    bench.later(299)
    bench.failing[KEK] = IntegrityError(Step.ROOT_KEY)
    for _ in range(2):
        with pytest.raises(IntegrityError):
            bench.kek()
    assert bench.loads == [KEK] * 3


def test_the_least_recently_used_key_leaves_first() -> None:
    bench = Bench(CacheLimits(size=2))
    one, two, three = (CacheName("acme", str(number)) for number in range(3))
    for name in (one, two, one, three):
        bench.load(name)
    assert set(bench.cache._state.entries) == {one, three}


def test_a_kek_stays_as_long_as_the_deks_that_are_used() -> None:
    """It is asked for only when a DEK is loaded; to push it out would push them out with it."""
    bench = Bench(CacheLimits(size=3))
    bench.dek()
    for number in range(10):
        bench.load(CacheName("acme", f"other {number}"))
        bench.dek()
    assert bench.loads.count(KEK) == 1


def test_a_key_pushed_out_takes_its_children_along() -> None:
    bench = Bench(CacheLimits(size=2))
    bench.dek()
    bench.load(CacheName("acme", "a"))
    assert KEK in bench.cache._state.entries or DEK not in bench.cache._state.entries


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.floats(0, 200)), max_size=40), st.integers(1, 4))
def test_whatever_happens_no_dek_is_held_without_its_kek_nor_longer(
    steps: list[tuple[int, int, float]], size: int
) -> None:
    bench = Bench(CacheLimits(size=size))
    for dek, kek, seconds in steps:
        bench.load(CacheName("t", f"dek {dek}"), CacheName("t", f"kek {kek}"))
        bench.later(seconds)
        entries = bench.cache._state.entries
        assert len(entries) <= size
        for entry in entries.values():
            if entry.parent is not None:
                assert entry.parent in entries
                assert entry.expires.monotonic <= bench.now.monotonic + 300


def test_one_load_is_in_flight_however_many_ask() -> None:
    bench = Bench()
    loading, go = threading.Event(), threading.Event()
    count = 0

    def load() -> Loaded[NamedKey]:
        nonlocal count
        count += 1
        loading.set()
        assert go.wait(20)
        return Loaded(NamedKey("k", b"k"))

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(bench.cache.get, KEK, load, observer=Recorder()) for _ in range(8)]
        assert loading.wait(20)
        go.set()
        keys = [one.result(20) for one in asked]
    assert count == 1
    assert len({id(key) for key in keys}) == 1


def test_all_who_wait_get_the_failure_and_the_next_tries_anew(bench: Bench) -> None:
    loading, go = threading.Event(), threading.Event()

    def load() -> Loaded[NamedKey]:
        loading.set()
        assert go.wait(20)
        raise OUTAGE

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(bench.cache.get, KEK, load, observer=Recorder()) for _ in range(4)]
        assert loading.wait(20)
        go.set()
        assert all(isinstance(one.exception(20), DependencyError) for one in asked)
    assert bench.kek().name == KEK.key


def test_while_one_refreshes_the_others_are_served(bench: Bench) -> None:
    key = bench.kek()
    bench.later(299)
    loading, go = threading.Event(), threading.Event()

    def load() -> Loaded[NamedKey]:
        loading.set()
        assert go.wait(20)
        return Loaded(NamedKey("new", b"new"))

    with ThreadPoolExecutor(1) as pool:
        refresh = pool.submit(bench.cache.get, KEK, load, observer=Recorder())
        assert loading.wait(20)
        assert bench.kek() == key
        go.set()
        assert refresh.result(20).name == "new"
    assert bench.kek().name == "new"


def test_a_key_that_was_evicted_while_its_refresh_failed_is_not_served(bench: Bench) -> None:
    """Its KEK was refused meanwhile: an outage of the table must not bring it back."""
    bench.dek()
    bench.later(299)

    def load() -> Loaded[NamedKey]:
        bench.cache.evict(KEK)
        raise OUTAGE

    with pytest.raises(DependencyError):
        bench.cache.get(DEK, load, observer=bench.seen)


def test_a_dek_whose_kek_was_evicted_meanwhile_serves_once_and_is_not_kept(bench: Bench) -> None:
    def load() -> Loaded[NamedKey]:
        kek = bench.kek()
        bench.cache.evict(KEK)
        return Loaded(NamedKey("d", b"d"), KEK, kek)

    assert bench.cache.get(DEK, load, observer=bench.seen).name == "d"
    assert bench.cache._state.entries == {}


def test_a_dek_whose_kek_was_loaded_anew_meanwhile_does_not_get_the_new_ones_time(bench: Bench) -> None:
    """The new KEK's opener may list it for longer; the one that opened this DEK never said so."""

    def load() -> Loaded[NamedKey]:
        kek = bench.kek()
        bench.cache.reload(KEK, lambda: Loaded(NamedKey("new", b"new")))
        return Loaded(NamedKey("d", b"d"), KEK, kek)

    assert bench.cache.get(DEK, load, observer=bench.seen).name == "d"
    assert DEK not in bench.cache._state.entries


def test_a_key_leaves_with_what_opened_its_opener(bench: Bench) -> None:
    register_key, register = CacheName("acme", "register-key"), CacheName("acme", "register")

    def chained(*line: CacheName) -> NamedKey:
        name, *above = line

        def load() -> Loaded[NamedKey]:
            opened_by = chained(*above) if above else None
            return Loaded(NamedKey(name.key, b"x"), above[0] if above else None, opened_by)

        return bench.cache.get(name, load, observer=bench.seen)

    chained(DEK, KEK, register, register_key)
    assert len(bench.cache._state.entries) == 4
    bench.cache.evict(register)
    assert set(bench.cache._state.entries) == {register_key}
    chained(DEK, KEK, register, register_key)
    bench.cache.evict(register_key)
    assert bench.cache._state.entries == {}


def test_a_reload_asks_whatever_is_held_and_keeps_what_the_key_opened(bench: Bench) -> None:
    bench.dek()
    bench.failing[KEK] = OUTAGE
    assert bench.cache.reload(KEK, lambda: Loaded(NamedKey("new", b"new"))).name == "new"
    assert bench.kek().name == "new"
    assert DEK in bench.cache._state.entries


def test_a_reload_that_fails_says_so_though_a_living_copy_is_held(bench: Bench) -> None:
    key = bench.kek()

    def load() -> Loaded[NamedKey]:
        raise OUTAGE

    with pytest.raises(DependencyError):
        bench.cache.reload(KEK, load)
    assert bench.kek() == key


def test_a_reload_never_gets_the_answer_of_a_load_that_began_before_it(bench: Bench) -> None:
    loading, go = threading.Event(), threading.Event()

    def old() -> Loaded[NamedKey]:
        loading.set()
        assert go.wait(20)
        return Loaded(NamedKey("old", b"old"))

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bench.cache.get, KEK, old, observer=Recorder())
        assert loading.wait(20)
        again = pool.submit(bench.cache.reload, KEK, lambda: Loaded(NamedKey("new", b"new")))
        go.set()
        assert first.result(20).name == "old"
        assert again.result(20).name == "new"


def test_a_reload_of_a_refused_key_does_not_hammer_kms(bench: Bench) -> None:
    bench.failing[KEK] = REFUSED
    with pytest.raises(KeyRefused):
        bench.kek()
    with pytest.raises(KeyRefused):
        bench.cache.reload(KEK, lambda: Loaded(NamedKey("new", b"new")))


def test_a_worker_killed_in_its_load_does_not_block_the_next(bench: Bench) -> None:
    bench.failing[KEK] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        bench.kek()
    bench.failing.clear()
    bench.kek()


def test_no_key_shows_in_a_repr(bench: Bench) -> None:
    bench.dek()
    assert "b'" not in repr(bench.cache._state)
