"""The stage's throttling: a token bucket ("Throttle requests to your HTTP APIs for better throughput")."""

import time
from collections.abc import Callable

from twinvault_lambda.config import ThrottleConfig


class TokenBucket:
    """Holds ``burst`` tokens, refilled at ``rate`` a second; a request takes one. Exact here, best effort at AWS."""

    def __init__(self, config: ThrottleConfig, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._tokens = float(config.burst)
        self._filled_at = clock()

    def take(self) -> bool:
        """Whether there was a token."""
        now = self._clock()
        self._tokens = min(self._config.burst, self._tokens + (now - self._filled_at) * self._config.rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
