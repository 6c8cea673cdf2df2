"""What an activity has done that no entry says yet. Safe for threads: nothing is said twice, and nothing is lost.

A note stays until an entry that says it is durable. What two threads note, either's entry may say; only what a write
does to try (cryptographic operations and key events) belongs to the thread that tries, for it may not count.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from twinvault.audit.elements import HeadSeen
from twinvault.observe import CryptoOperation, CryptoOutcome, KeyOperation


@dataclass(frozen=True, slots=True)
class Crypto:
    """A cryptographic operation under a key."""

    operation: CryptoOperation
    key_id: str
    outcome: CryptoOutcome


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key was made, wrapped anew, or changed its state."""

    operation: KeyOperation
    key_id: str


@dataclass(frozen=True, slots=True)
class KmsCall:
    """A call to KMS."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A partition was asked for; by the hash of its mark's key."""

    mark: str


@dataclass(frozen=True, slots=True)
class Saw:
    """A partition was looked at whole; None: there was nothing."""

    mark: str
    head: HeadSeen | None


type What = Crypto | KeyEvent | KmsCall | Asked | Saw


@dataclass(eq=False, slots=True)
class Note:
    """One thing that was done, `count` times. Notes are told apart by being themselves."""

    what: What
    trial: "Trial | None" = None
    count: int = 1


@dataclass(eq=False, slots=True)
class Trial:
    """A write that a thread is trying; which attempt this is, from 1."""

    attempt: int = 1


@dataclass(slots=True)
class Notes:
    """The notes of one activity."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _notes: list[Note] = field(default_factory=list)
    _counting: dict[tuple[str, str, str, Trial | None], Note] = field(default_factory=dict)
    """Notes that can still be counted up: those that no entry is being made of."""
    _latest: dict[str, Asked | Saw] = field(default_factory=dict)
    """Likewise, what was noted last of each partition."""
    _trials: dict[int, list[Trial]] = field(default_factory=dict)
    """What each thread is trying, the innermost last."""

    def count(self, operation: CryptoOperation, key_id: str, *, outcome: CryptoOutcome) -> None:
        """Notes a cryptographic operation; a repetition is counted. Called for every row that is opened."""
        with self._lock:
            trial = self._trial()
            note = self._counting.get((operation, key_id, outcome, trial))
            if note is not None:
                note.count += 1
                return
            self._counting[operation, key_id, outcome, trial] = note = Note(Crypto(operation, key_id, outcome), trial)
            self._notes.append(note)

    def add(self, what: KeyEvent | KmsCall | Asked | Saw) -> None:
        """Notes it. A look that found what the last one had found says nothing new."""
        with self._lock:
            match what:
                case KeyEvent():
                    note = Note(what, self._trial())
                case KmsCall():
                    note = Note(what)
                case Asked() | Saw():
                    latest = self._latest.get(what.mark)
                    if latest == what or (latest and isinstance(what, Asked)):
                        return
                    self._latest[what.mark] = what
                    note = Note(what)
            self._notes.append(note)

    def unsaid(self, *, every: bool = False) -> list[Note]:
        """What an entry of this thread has to say: all but what other threads are trying; with `every`, that too."""
        with self._lock:
            self._counting.clear()
            self._latest.clear()
            mine = {None, self._trial()}
            return [note for note in self._notes if every or note.trial in mine]

    def said(self, notes: Iterable[Note]) -> None:
        """An entry that says these is durable."""
        with self._lock:
            self._drop(set(notes))

    @contextmanager
    def trying(self) -> Iterator[None]:
        """A write by this thread: what is left of it at the end counts, for it is what was done."""
        trial, thread = Trial(), threading.get_ident()
        with self._lock:
            self._trials.setdefault(thread, []).append(trial)
        try:
            yield
        finally:
            with self._lock:
                self._trials[thread].pop()
                outer = self._trial()
                if outer is None:
                    del self._trials[thread]
                self._counting.clear()
                for note in self._notes:
                    if note.trial is trial:
                        note.trial = outer

    def new_attempt(self) -> None:
        """What this thread's write tried so far does not count. What it saw and asked of KMS does."""
        with self._lock:
            trial = self._trial()
            if trial is not None:
                trial.attempt += 1
                self._drop({note for note in self._notes if note.trial is trial})
                self._counting.clear()

    @property
    def attempt(self) -> int:
        """Which attempt of its write this thread is at; 1 where it writes nothing."""
        with self._lock:
            trial = self._trial()
            return trial.attempt if trial else 1

    def _trial(self) -> Trial | None:
        trials = self._trials.get(threading.get_ident())
        return trials[-1] if trials else None

    def _drop(self, notes: set[Note]) -> None:
        self._notes[:] = [note for note in self._notes if note not in notes]
