"""What a check says: what it rests on, and each thing that is wrong, with why and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST_NAMED = 5
"""So many things of one kind are named in a sentence; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not, in a sentence, and what to do about it, as a command where one does it."""

    why: str
    todo: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of one check: passed where there is no reason against it."""

    said: str  # the evidence, in words
    reasons: tuple[Reason, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def named(things: Iterable[str]) -> str:
    """The first few of these, and how many more there are."""
    all_of_them = sorted(things)
    shown = ", ".join(all_of_them[:MOST_NAMED])
    more = len(all_of_them) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def short(digest: str) -> str:
    """A digest as people compare it."""
    return digest[:12]
