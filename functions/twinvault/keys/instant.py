"""A moment on two clocks."""

from dataclasses import dataclass


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
