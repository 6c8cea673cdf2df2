"""No more write units in a second than whoever asks allows, on the average of the time since the last write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twinvault_migration.target import Planned

_KIB = 1024
_BESIDE = 16 + 2 + 4
"""Write units kept for what each write has beside its records: a head of 8 KiB, a mark, and an audit entry of 2 KiB."""
_MOST_RECORDS, _MOST_BYTES, _MOST_UNITS = 90, 3_000_000, 500
"""Of one write. DynamoDB takes 100 statements and 4 MB, and a partition of it 1,000 units a second."""


def write_units(size: int) -> int:
    """What a transaction pays for an item of so many bytes: two units for each KiB begun.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return 2 * -(-size // _KIB)


def parts(planned: Sequence[Planned]) -> list[list[Planned]]:
    """Records of one partition, in order, in parts that fit into one write each."""
    done: list[list[Planned]] = []
    size = units = 0
    for one in planned:
        cost = write_units(one.size)
        full = not done or len(done[-1]) >= _MOST_RECORDS or size + one.size > _MOST_BYTES or units + cost > _MOST_UNITS
        if full:
            done.append([])
            size = units = 0
        done[-1].append(one)
        size, units = size + one.size, units + cost
    return done


@dataclass(slots=True)
class Pace:
    """Waits before each write until the units of those before it have had their time."""

    units_per_second: float
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    _next: float = 0.0

    def wait(self, part: Sequence[Planned]) -> None:
        """Waits for the turn of a write of these records."""
        now = self.monotonic()
        if self._next > now:
            self.sleep(self._next - now)
        units = _BESIDE + sum(write_units(one.size) for one in part)
        self._next = max(now, self._next) + units / self.units_per_second
