"""One invocation of a function, from the front door to its outcome."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field


class IntegrationTimeoutError(Exception):
    """There was no outcome within the API's limit; the function may still run until its own timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationOutcome:
    """What became of an invocation: the function's answer, or the type of the error that took its place."""

    payload: bytes | None = field(default=None, repr=False)
    error_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Invocation:
    """An event for one worker. It has one outcome: the first call of `complete` sets it, later ones change nothing."""

    payload: bytes = field(repr=False)
    trace_id: str
    outcome: asyncio.Future[InvocationOutcome] = field(repr=False)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    born: float = field(default_factory=time.monotonic)

    def complete(self, outcome: InvocationOutcome) -> None:
        """Set the outcome, so that whoever awaits it goes on."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)
