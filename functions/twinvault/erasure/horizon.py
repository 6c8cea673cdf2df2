"""From when on an erasure is irrecoverable, whoever restores what (docs/erasure.md, "From when on"). Pure.

It is not, while an epoch lives that may have wrapped one of the erased keys: a copied row would open. Once those are
destroyed, a copy opens only together with a copy of such an epoch's own row, and the time is over when the last place
that may still hold one has given it up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from twinvault.keys.times import text_of_time

SLACK_SECONDS = 60
"""For clocks that differ."""
RECOVERY = "point-in-time recovery of the keys table"
MEMORY = "keys in a function's memory"
BACKUPS = "backups and exports that the stage declares"
ROOT_KEY = "the deletion of a root key, which can be cancelled until then"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiesKept:
    """For how long a deployment keeps what could open an erased key.

    Attributes:
        keys_recovery_days: how far back the keys table can be restored.
        backup_days: how long the longest-lived backup or export of the keys table is kept; 0: none is made.
        key_ttl_seconds: how long a plaintext key may live in memory.
        longest_seconds: the longest that any activity may take.
    """

    keys_recovery_days: int
    backup_days: int
    key_ttl_seconds: float
    longest_seconds: float


@dataclass(frozen=True, slots=True)
class Bound:
    """One place that may hold what opens an erased key, and until when: RFC 3339 in UTC, to the microsecond."""

    what: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """From when on an erasure is irrecoverable.

    Attributes:
        finalized_at: when the last epoch that may have wrapped one of its keys was destroyed; None: one lives.
        bounds: what may hold a copy of such an epoch after that; none while one lives.
    """

    finalized_at: str | None = None
    bounds: tuple[Bound, ...] = ()

    @property
    def irrecoverable_after(self) -> str | None:
        """The latest of the bounds; None while an epoch lives."""
        return max((bound.until for bound in self.bounds), default=None)


def is_final(newest_epoch: int, *, lowest_epoch: int) -> bool:
    """Whether every epoch is destroyed that may have wrapped a key, erased while `newest_epoch` was the newest.

    All of those that lived then, whichever wrapped the key at the time: an older epoch seals again once a newer one is
    retired, so a copy of the row may be under any of them. `lowest_epoch`: what is below it is destroyed, says the
    register as it is now.
    """
    return lowest_epoch > newest_epoch


def horizon(finalized_at: str | None, kept: CopiesKept, *, root_deletions: Iterable[str] = ()) -> Horizon:
    """The horizon of an erasure whose epochs were destroyed at this time; None: one lives.

    `root_deletions`: when KMS will delete a root key of the list, RFC 3339, where that is scheduled.
    """
    if finalized_at is None:
        return Horizon()
    gone = datetime.fromisoformat(finalized_at) + timedelta(seconds=SLACK_SECONDS)
    after: Mapping[str, timedelta] = {
        RECOVERY: timedelta(days=kept.keys_recovery_days),
        MEMORY: timedelta(seconds=kept.key_ttl_seconds + kept.longest_seconds),
        **({BACKUPS: timedelta(days=kept.backup_days)} if kept.backup_days else {}),
    }
    bounds = [Bound(what, text_of_time(gone + span)) for what, span in after.items()]
    bounds += [Bound(ROOT_KEY, text_of_time(datetime.fromisoformat(time))) for time in root_deletions]
    return Horizon(finalized_at=text_of_time(datetime.fromisoformat(finalized_at)), bounds=tuple(bounds))
