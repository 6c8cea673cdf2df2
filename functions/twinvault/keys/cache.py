"""Plaintext keys in memory, and the registers that list them: a hard TTL, a size limit, one load in flight per name.

hit        younger than its TTL on both clocks
refresh    past about 85 % of its TTL one caller loads anew, inline, while the others are served; there is no
           background work, for an execution environment may freeze at any moment
outage     a refresh that fails because KMS cannot answer leaves the key to serve until its TTL, and no longer; the
           next is tried a twentieth of the TTL later, for a KMS that hangs would hold up every request
refusal    evicts the key and everything that it opened, and is remembered for a few seconds

What opened a key, or vouched for it, is its parent: the register key the register's, the register a KEK's, the KEK its
DEKs'. Nothing outlives its parent, neither its time nor its eviction.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from twinvault.deadlines import result_in_time
from twinvault.errors import DependencyError, KeyRefused
from twinvault.keys.instant import Instant
from twinvault.keys.refusals import Refusals

if TYPE_CHECKING:
    from twinvault.observe import Observer


@dataclass(frozen=True, slots=True)
class CacheName:
    """What a cached key is asked for by: whose it is, and the sort key of its row."""

    tenant: str
    key: str


@dataclass(frozen=True, slots=True)
class Loaded[T]:
    """A key, or a register, as its loader brings it.

    Attributes:
        value: the key or register.
        parent: what opened it, or vouched for it, if something cached did.
        opened_by: the parent's very value.
    """

    value: T
    parent: CacheName | None = None
    opened_by: object = None


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How long and how much. All times are seconds.

    Attributes:
        ttl: hard limit of a plaintext key's life; a KEK's is the revocation lag.
        size: how many keys are held; the least recently used leaves first.
        refusal_ttl: how long a refusal is remembered, so that a refused key does not hammer KMS.
        refresh_from, refresh_spread: a refresh is due at ttl * (refresh_from + jitter * refresh_spread).
    """

    ttl: float = 300.0
    size: int = 1000
    refusal_ttl: float = 5.0
    refresh_from: float = 0.8
    refresh_spread: float = 0.1


@dataclass(frozen=True, slots=True)
class _Entry:
    value: object
    parent: CacheName | None
    expires: Instant
    refresh: Instant


@dataclass(slots=True)
class _State:
    entries: OrderedDict[CacheName, _Entry] = field(default_factory=OrderedDict)
    loading: dict[CacheName, Future[object]] = field(default_factory=dict)


class KeyCache:
    """A cache of plaintext keys and registers, safe for threads. One name always stands for one type of value."""

    def __init__(self, limits: CacheLimits, *, clock: Callable[[], Instant], jitter: Callable[[], float]) -> None:
        """`jitter` returns a number from 0 to 1, so that many environments do not refresh at one moment."""
        self._limits = limits
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._state = _State()
        self._refusals = Refusals(limits.refusal_ttl, limits.size)
        self._looks: dict[str, Instant] = {}
        self._retry_seconds = limits.ttl / 20

    def get[T](self, name: CacheName, load: Callable[[], Loaded[T]], *, observer: "Observer") -> T:
        """Returns the value, from memory or from `load`, which runs at most once at a time per name.

        Raises:
            KeyRefused: the key may not be used, as `load` said now or a few seconds ago.
            TwinvaultError: whatever `load` raises, if there is no living copy to serve instead.
        """
        with self._lock:
            now = self._clock()
            entry = self._living(name, now)
            if entry and (not entry.refresh.reached(now) or name in self._state.loading):
                observer.metric("KeyCacheHit")
                return cast("T", entry.value)
            self._refusals.require_none(name, now=now)
            pending = self._state.loading.get(name)
            if pending is None:
                future = self._state.loading[name] = Future[object]()
        if pending is not None:
            return cast("T", result_in_time(pending))
        return self._load(name, load, future=future, serving=entry)

    def reload[T](self, name: CacheName, load: Callable[[], Loaded[T]]) -> T:
        """Returns the value of a load that begins after this call, whatever is held; what it opened is kept.

        Raises:
            TwinvaultError: whatever `load` raises; what was held is not served instead.
        """
        while True:
            with self._lock:
                self._refusals.require_none(name, now=self._clock())
                pending = self._state.loading.get(name)
                if pending is None:
                    future = self._state.loading[name] = Future[object]()
            if pending is None:
                return self._load(name, load, future=future, serving=None)
            # It began before: what it brings, or why it fails, may be out of date.
            pending.exception()

    def emptied(self) -> "KeyCache":
        """Another one of the same limits, in which nothing is held."""
        return KeyCache(self._limits, clock=self._clock, jitter=self._jitter)

    def may_look_again(self, tenant: str) -> bool:
        """Whether a fresh register may be asked for what a tenant is refused by one in memory: now and then, no more.

        Whoever is refused can ask without end; each yes counts for `refusal_ttl` seconds.
        """
        with self._lock:
            now = self._clock()
            if (until := self._looks.get(tenant)) is not None and not until.reached(now):
                return False
            live = {one: until for one, until in self._looks.items() if not until.reached(now)}
            self._looks = dict(list(live.items())[-self._limits.size :]) | {tenant: now.plus(self._limits.refusal_ttl)}
            return True

    def evict(self, name: CacheName) -> None:
        """Forgets a key and every key that it opened."""
        with self._lock:
            self._evict(name)

    def renew(self, name: CacheName) -> None:
        """Forgets a key whose state has changed, every key that it opened, and what its tenant was refused lately."""
        with self._lock:
            self._evict(name)
            self._refusals.forget(name.tenant)

    def _load[T](
        self, name: CacheName, load: Callable[[], Loaded[T]], *, future: "Future[object]", serving: _Entry | None
    ) -> T:
        """Loads as the one in flight; whoever waits gets the same outcome."""
        try:
            value = self._loaded_or_served(name, load, serving=serving)
        except BaseException as error:
            with self._lock:
                del self._state.loading[name]
            future.set_exception(error)
            # Nobody may be waiting; an exception that is never fetched must not be reported as lost.
            future.exception()
            raise
        with self._lock:
            del self._state.loading[name]
        future.set_result(value)
        return value

    def _loaded_or_served[T](self, name: CacheName, load: Callable[[], Loaded[T]], *, serving: _Entry | None) -> T:
        # A key's life is counted from before it was asked for: KMS may have begun to refuse while it was on its way.
        began = self._clock()
        try:
            loaded = load()
        except KeyRefused as refusal:
            with self._lock:
                self._evict(name)
                self._refusals.remember(name, refusal, now=self._clock())
            raise
        except DependencyError:
            with self._lock:
                # Only if it was not evicted meanwhile, with the key that had opened it.
                now = self._clock()
                if serving is not None and self._living(name, now) is serving:
                    self._state.entries[name] = replace(serving, refresh=now.plus(self._retry_seconds))
                    return cast("T", serving.value)
            raise
        except BaseException:
            self.evict(name)
            raise
        with self._lock:
            self._store(name, loaded, began=began)
        return loaded.value

    def _store(self, name: CacheName, loaded: Loaded[object], *, began: Instant) -> None:
        now = self._clock()
        expires = began.plus(self._limits.ttl)
        if loaded.parent is not None:
            parent = self._living(loaded.parent, now)
            # Its opener was evicted or loaded anew meanwhile: what is kept lives no longer than what vouched for it.
            if parent is None or parent.value is not loaded.opened_by:
                return
            expires = expires.earlier(parent.expires)
        share = self._limits.refresh_from + self._limits.refresh_spread * self._jitter()
        # A key that its parent bounds may be born past its refresh point; it is still tried only now and then.
        refresh = expires.plus(-self._limits.ttl * (1 - share)).later(now.plus(self._retry_seconds))
        self._state.entries[name] = _Entry(loaded.value, loaded.parent, expires, refresh)
        self._state.entries.move_to_end(name)
        while len(self._state.entries) > self._limits.size:
            self._evict(next(iter(self._state.entries)))

    def _living(self, name: CacheName, now: Instant) -> _Entry | None:
        entry = self._state.entries.get(name)
        if entry is None:
            return None
        if entry.expires.reached(now):
            self._evict(name)
            return None
        # A KEK is asked for only when a DEK is loaded; it stays as recent as the DEKs that would leave with it.
        for one in reversed(self._lineage(name)):
            self._state.entries.move_to_end(one)
        return entry

    def _lineage(self, name: CacheName) -> list[CacheName]:
        """A held key, what opened it, what opened that, and so on."""
        line: list[CacheName] = []
        one: CacheName | None = name
        while one is not None and one in self._state.entries:
            line.append(one)
            one = self._state.entries[one].parent
        return line

    def _evict(self, name: CacheName) -> None:
        self._state.entries.pop(name, None)
        children = [child for child, entry in self._state.entries.items() if entry.parent == name]
        for child in children:
            self._evict(child)
