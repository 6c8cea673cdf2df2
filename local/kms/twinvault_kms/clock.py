"""What time it is for this KMS."""

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """The machine's clock, moved by `offset` seconds (tests move it through the admin port)."""

    offset: float = 0.0

    def now(self) -> float:
        """Return seconds since the epoch, to the millisecond as AWS gives them."""
        return round(time.time() + self.offset, 3)
