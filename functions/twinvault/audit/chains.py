"""The chains of an execution environment: a pool, from which an activity takes one and gives it back."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from twinvault.audit.entry import GENESIS, MAX_CLOSED, Closed, Entry, Link

type Environment = tuple[str, str, str]
"""Store, function and artifact: all entries of a chain have the same."""


@dataclass(slots=True)
class Chain:
    """A chain as its writer knows it: where its next entry goes.

    Attributes:
        is_within_an_event: whether the last entry was a part of an event, and not its last.
    """

    name: str
    environment: Environment
    seq: int = 1
    previous: bytes = GENESIS
    continues: tuple[Closed, ...] = ()
    is_within_an_event: bool = False

    def stored(self, entry: Entry, *, is_last_part: bool) -> None:
        """The entry is durable: the next one follows it."""
        self.seq, self.previous, self.continues = self.seq + 1, entry.digest, ()
        self.is_within_an_event = not is_last_part


class Chains:
    """The chains that no activity holds, and the closed ones that no entry names yet. Safe for threads.

    A chain is held by one activity from its begin to its end, so what an activity sees, it sees after everything that
    earlier entries of its chain tell of; and no activity waits for another's chain.
    """

    def __init__(self, new_name: Callable[[], str]) -> None:
        """`new_name` draws a chain's id."""
        self._new_name = new_name
        self._lock = threading.Lock()
        self._idle: list[Chain] = []
        self._closed: tuple[Closed, ...] = ()

    def take(self, environment: Environment) -> Chain:
        """A chain of this environment that nobody holds: the one used last, so that they stay few."""
        with self._lock:
            for index in reversed(range(len(self._idle))):
                if self._idle[index].environment == environment:
                    return self._idle.pop(index)
        return self.new(environment)

    def new(self, environment: Environment) -> Chain:
        """A chain that nobody has ever held."""
        return Chain(self._new_name(), environment)

    def give_back(self, chain: Chain) -> None:
        """The activity has ended. A chain that ends within an event can only be added to by that activity: it rests."""
        if not chain.is_within_an_event:
            with self._lock:
                self._idle.append(chain)

    def link(self, chain: Chain) -> Link:
        """The chain's next place. A first entry names the closed chains that no entry names yet."""
        if chain.seq == 1:
            with self._lock:
                chain.continues = (*chain.continues, *self._closed)[-MAX_CLOSED:]
                self._closed = ()
        return Link(chain.name, chain.seq, chain.previous, chain.continues)

    def close(self, chain: Chain, entry: Entry) -> None:
        """Nobody can say what stands at the chain's next place: the next first entry names it, and what it named."""
        with self._lock:
            candidate = Closed(chain.name, chain.seq, entry.digest.hex())
            self._closed = (*self._closed, *chain.continues, candidate)[-MAX_CLOSED:]

    def not_stored(self, chain: Chain) -> None:
        """The chain's next place is free. What its first entry would have named is for any chain to name."""
        with self._lock:
            self._closed = (*chain.continues, *self._closed)[-MAX_CLOSED:]
            chain.continues = ()
