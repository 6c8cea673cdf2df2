"""Faults that tests of other parts ask for: a refusal, a delay, a dropped connection. There are none otherwise."""

from dataclasses import dataclass, replace
from enum import StrEnum

from twinvault_kms.clock import Clock

ANY_OPERATION = "*"


class Drop(StrEnum):
    """When the connection is dropped: before anything was done, or after it, so that only the answer is lost."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the next `times` requests of an operation, instead of or besides what was asked."""

    operation: str
    times: int
    error: str | None = None
    status: int = 400
    delay_seconds: float = 0.0
    drop: Drop | None = None


class Faults:
    """The faults that were asked for; of those for an operation, the oldest is used up first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add a fault behind those that wait already."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    def waiting(self) -> list[Fault]:
        """Return what has not been used up."""
        return list(self._waiting)

    def take(self, operation: str) -> Fault | None:
        """Return the fault that this request gets, if any, and use it up once."""
        for index, fault in enumerate(self._waiting):
            if fault.operation in {operation, ANY_OPERATION}:
                if fault.times > 1:
                    self._waiting[index] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[index]
                return fault
        return None


@dataclass(frozen=True, slots=True)
class Switches:
    """What the admin port can set."""

    clock: Clock
    faults: Faults
