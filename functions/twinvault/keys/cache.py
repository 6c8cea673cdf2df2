"""Plaintext keys in memory: a hard TTL, a size limit, one load in flight per key.

hit        younger than its TTL on both clocks
refresh    past about 85 % of its TTL one caller loads anew, inline, while the others are served; there is no
           background work, for an execution environment may freeze at any moment
outage     a refresh that fails because KMS cannot answer leaves the key to serve until its TTL, and no longer; the
           next is tried a twentieth of the TTL later, for a KMS that hangs would hold up every request
refusal    evicts the key and every key that it opened, and is remembered for a few seconds
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from twinvault.errors import DependencyError, KeyRefused
from twinvault.keys.rows import NamedKey

if TYPE_CHECKING:
    from twinvault.observe import Observer


class Use(Enum):
    """What a key is asked for. A cached copy knows no state of its row, so what was loaded for one serves no other."""

    OPEN = auto()
    """To open what is there."""
    SEAL = auto()
    """To seal something new."""
    MAKE = auto()
    """To be made where there is none."""


@dataclass(frozen=True, slots=True)
class CacheName:
    """What a cached key is asked for by.

    Attributes:
        tenant: whose key it is.
        key: the sort key of its row, or what the hierarchy calls the newest of several rows.
        use: what it is asked for.
    """

    tenant: str
    key: str
    use: Use = Use.OPEN


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment on two clocks, in seconds. A frozen environment stops the first, a stepped clock bends the second."""

    monotonic: float
    wall: float

    def plus(self, seconds: float) -> "Instant":
        """This moment, `seconds` later on both clocks."""
        return Instant(self.monotonic + seconds, self.wall + seconds)

    def reached(self, now: "Instant") -> bool:
        """Whether `now` is at or past this moment on either clock, whichever is first."""
        return now.monotonic >= self.monotonic or now.wall >= self.wall

    def earlier(self, other: "Instant") -> "Instant":
        """The earlier of the two, clock by clock."""
        return Instant(min(self.monotonic, other.monotonic), min(self.wall, other.wall))

    def later(self, other: "Instant") -> "Instant":
        """The later of the two, clock by clock."""
        return Instant(max(self.monotonic, other.monotonic), max(self.wall, other.wall))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A key as its loader brings it, with the cached key that opened it, if one did."""

    key: NamedKey
    parent: CacheName | None = None


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
    key: NamedKey
    parent: CacheName | None
    expires: Instant
    refresh: Instant


@dataclass(slots=True)
class _State:
    entries: OrderedDict[CacheName, _Entry] = field(default_factory=OrderedDict)
    refusals: dict[CacheName, tuple[Instant, KeyRefused]] = field(default_factory=dict)
    loading: dict[CacheName, Future[NamedKey]] = field(default_factory=dict)


class KeyCache:
    """A cache of plaintext keys, safe for threads."""

    def __init__(self, limits: CacheLimits, *, clock: Callable[[], Instant], jitter: Callable[[], float]) -> None:
        """`jitter` returns a number from 0 to 1, so that many environments do not refresh at one moment."""
        self._limits = limits
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._state = _State()
        self._retry_seconds = limits.ttl / 20

    def get(self, name: CacheName, load: Callable[[], Loaded], *, observer: "Observer") -> NamedKey:
        """Returns the key, from memory or from `load`, which runs at most once at a time per name.

        Raises:
            KeyRefused: the key may not be used, as `load` said now or a few seconds ago.
            TwinvaultError: whatever `load` raises, if there is no living copy to serve instead.
        """
        with self._lock:
            now = self._clock()
            entry = self._living(name, now)
            if entry and (not entry.refresh.reached(now) or name in self._state.loading):
                observer.metric("KeyCacheHit")
                return entry.key
            self._raise_remembered_refusal(name, now)
            pending = self._state.loading.get(name)
            if pending is None:
                future = self._state.loading[name] = Future[NamedKey]()
        if pending is not None:
            return pending.result()
        return self._load(name, load, future=future, serving=entry)

    def evict(self, name: CacheName) -> None:
        """Forgets a key and every key that it opened."""
        with self._lock:
            self._evict(name)

    def _load(
        self, name: CacheName, load: Callable[[], Loaded], *, future: "Future[NamedKey]", serving: _Entry | None
    ) -> NamedKey:
        """Loads as the one in flight; whoever waits gets the same outcome."""
        try:
            key = self._loaded_or_served(name, load, serving=serving)
        except BaseException as error:
            with self._lock:
                del self._state.loading[name]
            future.set_exception(error)
            # Nobody may be waiting; an exception that is never fetched must not be reported as lost.
            future.exception()
            raise
        with self._lock:
            del self._state.loading[name]
        future.set_result(key)
        return key

    def _loaded_or_served(self, name: CacheName, load: Callable[[], Loaded], *, serving: _Entry | None) -> NamedKey:
        # A key's life is counted from before it was asked for: KMS may have begun to refuse while it was on its way.
        began = self._clock()
        try:
            loaded = load()
        except KeyRefused as refusal:
            with self._lock:
                self._evict(name)
                self._remember_refusal(name, refusal)
            raise
        except DependencyError:
            with self._lock:
                # Only if it was not evicted meanwhile, with the key that had opened it.
                now = self._clock()
                if serving is not None and self._living(name, now) is serving:
                    self._state.entries[name] = replace(serving, refresh=now.plus(self._retry_seconds))
                    return serving.key
            raise
        except BaseException:
            self.evict(name)
            raise
        with self._lock:
            self._store(name, loaded, began=began)
        return loaded.key

    def _store(self, name: CacheName, loaded: Loaded, *, began: Instant) -> None:
        now = self._clock()
        expires = began.plus(self._limits.ttl)
        if loaded.parent is not None:
            parent = self._living(loaded.parent, now)
            if parent is None:
                return  # its opener was evicted meanwhile: the key serves this one request and is not kept
            expires = expires.earlier(parent.expires)
        share = self._limits.refresh_from + self._limits.refresh_spread * self._jitter()
        # A key that its parent bounds may be born past its refresh point; it is still tried only now and then.
        refresh = expires.plus(-self._limits.ttl * (1 - share)).later(now.plus(self._retry_seconds))
        self._state.entries[name] = _Entry(loaded.key, loaded.parent, expires, refresh)
        self._state.entries.move_to_end(name)
        while len(self._state.entries) > self._limits.size:
            oldest = next(iter(self._state.entries))
            self._evict(oldest)

    def _living(self, name: CacheName, now: Instant) -> _Entry | None:
        entry = self._state.entries.get(name)
        if entry is None:
            return None
        if entry.expires.reached(now):
            self._evict(name)
            return None
        # A KEK is asked for only when a DEK is loaded; it stays as recent as the DEKs that would leave with it.
        if entry.parent is not None and entry.parent in self._state.entries:
            self._state.entries.move_to_end(entry.parent)
        self._state.entries.move_to_end(name)
        return entry

    def _evict(self, name: CacheName) -> None:
        self._state.entries.pop(name, None)
        children = [child for child, entry in self._state.entries.items() if entry.parent == name]
        for child in children:
            self._evict(child)

    def _remember_refusal(self, name: CacheName, refusal: KeyRefused) -> None:
        now = self._clock()
        live = {key: held for key, held in self._state.refusals.items() if not held[0].reached(now)}
        live[name] = (now.plus(self._limits.refusal_ttl), refusal)
        self._state.refusals = dict(list(live.items())[-self._limits.size :])

    def _raise_remembered_refusal(self, name: CacheName, now: Instant) -> None:
        remembered = self._state.refusals.get(name)
        if remembered is None:
            return
        until, refusal = remembered
        if until.reached(now):
            del self._state.refusals[name]
            return
        raise KeyRefused(refusal.message, retry_after=refusal.retry_after)
