"""Faults that tests of other parts ask for: a refusal, a delay, a dropped connection. There are none otherwise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from twinvault_serving.exchange import ServingError

ANY_OPERATION = "*"
_FIELDS = {"operation", "times", "error", "status", "delay_seconds", "drop"}


class BadOrderError(ServingError):
    """An order of an admin port that does not say what to do; the message names the field and its rule."""


class Drop(StrEnum):
    """When the connection is dropped: before anything is done; after it, so that the answer is lost; or within that."""

    BEFORE = "before"
    AFTER = "after"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the next `times` requests of an operation, instead of or besides what was asked.

    `message` and `details` are what the error's answer says besides its name. `applied`: what was asked is done, and
    the error answered all the same.
    """

    operation: str
    times: int
    error: str | None = None
    status: int = 400
    delay_seconds: float = 0.0
    drop: Drop | None = None
    message: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
    applied: bool = False


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

    def take(self, *names: str) -> Fault | None:
        """Return the fault that a request of these names gets, if any, and use it up once."""
        for index, fault in enumerate(self._waiting):
            if fault.operation in {*names, ANY_OPERATION}:
                if fault.times > 1:
                    self._waiting[index] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[index]
                return fault
        return None


def ordered_fault(document: Mapping[str, object], *, further: Collection[str] = ()) -> Fault:
    """The fault that a document of an admin port asks for.

    `further` names those of message, details, applied and the drop `within` that count there.

    Raises:
        BadOrderError: it does not say what to do.
    """
    operation, times, error = document.get("operation", ANY_OPERATION), document.get("times", 1), document.get("error")
    status, drop = document.get("status", 400), document.get("drop")
    message, details = document.get("message", ""), document.get("details", {})
    applied = document.get("applied", False)
    if unknown := set(document) - _FIELDS - set(further):
        raise BadOrderError(f"Unknown field: {min(unknown)}.")
    if not isinstance(operation, str) or not isinstance(times, int) or times < 1:
        raise BadOrderError("operation is a name or *, times a positive number.")
    if not (error is None or isinstance(error, str)) or not isinstance(status, int):
        raise BadOrderError("error is the name of an exception, status an HTTP status.")
    drops = set(Drop) if "within" in further else {Drop.BEFORE, Drop.AFTER}
    if drop not in {None, *drops}:
        raise BadOrderError(f"drop is one of {', '.join(sorted(drops))}.")
    if not isinstance(applied, bool) or (applied and error is None):
        raise BadOrderError("applied is true or false, and goes with an error.")
    if not isinstance(message, str) or not isinstance(details, dict):
        raise BadOrderError("message is a sentence, details an object: further members of the error's answer.")
    return Fault(
        operation=operation,
        times=times,
        error=error,
        status=status,
        delay_seconds=seconds_of(document, "delay_seconds", default=0.0),
        drop=Drop(str(drop)) if drop is not None else None,
        message=message,
        details=details,
        applied=applied,
    )


def seconds_of(document: Mapping[str, object], name: str, default: float | None = None) -> float:
    """A member that is a number of seconds, not less than 0.

    Raises:
        BadOrderError: it is not.
    """
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise BadOrderError(f"{name} is a number of seconds, not less than 0.")
    return float(value)
