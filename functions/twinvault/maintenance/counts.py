"""What a work did so far. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done so far.

    Attributes:
        partitions: how many are behind the cursor, refused ones included.
        rewritten: records of them that were written again.
        skipped: records of them that were found as they should be.
        failed: partitions that were refused.
    """

    partitions: int = 0
    rewritten: int = 0
    skipped: int = 0
    failed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            self.partitions + other.partitions,
            self.rewritten + other.rewritten,
            self.skipped + other.skipped,
            self.failed + other.failed,
        )


NOTHING_YET = Counts()
