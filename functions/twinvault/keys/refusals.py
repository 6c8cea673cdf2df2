"""Refusals, remembered for a few seconds, so that a refused key does not hammer KMS."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twinvault.errors import KeyRefused

if TYPE_CHECKING:
    from twinvault.keys.cache import CacheName
    from twinvault.keys.instant import Instant


@dataclass(slots=True)
class Refusals:
    """The newest refusals by name; its user holds a lock.

    Attributes:
        seconds: how long one is remembered.
        size: how many are.
    """

    seconds: float
    size: int
    _held: "dict[CacheName, tuple[Instant, KeyRefused]]" = field(default_factory=dict)

    def remember(self, name: "CacheName", refusal: KeyRefused, *, now: "Instant") -> None:
        """From now on, for a while, this name is refused without asking."""
        live = {key: held for key, held in self._held.items() if not held[0].reached(now)}
        live[name] = (now.plus(self.seconds), refusal)
        self._held = dict(list(live.items())[-self.size :])

    def forget(self, tenant: str) -> None:
        """What this tenant was refused is asked for again: why may hold no more."""
        self._held = {name: held for name, held in self._held.items() if name.tenant != tenant}

    def require_none(self, name: "CacheName", *, now: "Instant") -> None:
        """Lets a name pass that was not refused lately.

        Raises:
            KeyRefused: as it was said then.
        """
        remembered = self._held.get(name)
        if remembered is None:
            return
        until, refusal = remembered
        if until.reached(now):
            del self._held[name]
            return
        raise KeyRefused(refusal.message, retry_after=refusal.retry_after, cause=refusal.cause)
