"""The time of day as a test wants it: of in-process vaults, of their KMS, and of tokens."""

import time
from datetime import UTC, datetime, timedelta

from twinvault_kms.clock import Clock


class MovableClock:
    """The machine's clock, moved.

    It does not tell the time to the functions of a twin, which run the artifact, nor to timeouts and pauses, which go
    by the monotonic clock. Signatures of requests are of the real time, as far as they are looked at.
    """

    def __init__(self) -> None:
        self.of_kms = Clock()

    def __call__(self) -> float:
        """Seconds since 1970: what `open_vault(clock=...)` takes."""
        return time.time() + self.of_kms.offset

    @property
    def moved(self) -> timedelta:
        """How far it is from the machine's."""
        return timedelta(seconds=self.of_kms.offset)

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self(), UTC)

    def move(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Move it on, or back where that is negative; the time that it is then."""
        by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self.of_kms.offset += by.total_seconds()
        return self.now()

    def reset(self) -> None:
        """The machine's own time again."""
        self.of_kms.offset = 0.0
