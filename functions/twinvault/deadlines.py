"""Until when something may take: an activity's time, kept by the thread that works for it.

What works for an activity does so `within` its deadline. Each call of an AWS service is bounded by what is left of it:
neither a service that hangs nor its client's own timeouts and retries take longer than whoever asked has time. The
client's connect timeout alone is left as it is, for the SDK cannot be told another one for a single request.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from twinvault.errors import DependencyError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from botocore.client import BaseClient

CLOSING_SECONDS = 1.0
"""What is left for saying how something ended, when its time is up."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
_LEAST_SECONDS = 0.01  # a timeout must be more than 0
_LONGEST_RETRY_PAUSE = 20.0  # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html

_UNTIL: ContextVar[float | None] = ContextVar("until", default=None)
_CALL_ENDS: ContextVar[float | None] = ContextVar("call_ends", default=None)


@contextmanager
def within(deadline: float) -> Iterator[None]:
    """What the calling thread does herein ends at this monotonic time, in seconds; other threads take a copied context.

    A deadline within a deadline counts alone: whoever sets it knows both.
    """
    before = _UNTIL.get()
    _UNTIL.set(deadline)
    try:
        yield
    finally:
        _UNTIL.set(before)  # not by its token: who ends an activity need not be the thread that began it


def deadline_here() -> float | None:
    """The monotonic time until which the calling thread may take; None: nobody said."""
    return _UNTIL.get()


def require_time() -> None:
    """Lets nothing begin when the time is up.

    Raises:
        DependencyError: it is.
    """
    until = _UNTIL.get()
    if until is not None and time.monotonic() >= until:
        raise _time_is_up()


def result_in_time[T](future: "Future[T]") -> T:
    """The result of what another thread does, which may have more time than this one.

    Raises:
        DependencyError: the time is up before.
    """
    until = _UNTIL.get()
    try:
        return future.result(None if until is None else max(0.0, until - time.monotonic()))
    except TimeoutError:
        raise _time_is_up() from None


def keep_deadlines(client: "BaseClient") -> None:
    """Lets this client's calls within `calling` be bounded; all others are what they were. May be asked twice.

    Both events are the SDK's own: the request's context says how long its answer is waited for, and `False` to
    `needs-retry` that there is no further try.
    """
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"before-send.{service}", _shorten, unique_id=f"twinvault-shorten-{service}")
    # The stubs know no handler that answers; the SDK's own answer to this very event.
    give_up: Callable[..., Any] = _give_up
    client.meta.events.register_first(f"needs-retry.{service}", give_up, unique_id=f"twinvault-give-up-{service}")


@contextmanager
def calling(ends: float | None) -> Iterator[None]:
    """A call of a client that keeps deadlines: all its tries end at this monotonic time; None: as its client has it."""
    before = _CALL_ENDS.get()
    _CALL_ENDS.set(ends)
    try:
        yield
    finally:
        _CALL_ENDS.set(before)


def _shorten(*, request: Any, **_more: object) -> None:  # noqa: ANN401  # the stubs know no context of a request
    """`before-send`: an answer is waited for until the call ends, and no longer than its client would."""
    ends = _CALL_ENDS.get()
    if ends is None:
        return
    context: dict[str, Any] = request.context
    configured = context["client_config"].read_timeout
    left = max(ends - time.monotonic(), _LEAST_SECONDS)
    context["read_timeout"] = left if configured is None else min(left, configured)


def _give_up(*, attempts: int, **_more: object) -> Literal[False] | None:
    """`needs-retry`: none for which the SDK may pause longer than there is time; else the SDK's own rules decide."""
    ends = _CALL_ENDS.get()
    if ends is None or ends - time.monotonic() > min(2.0 ** (attempts - 1), _LONGEST_RETRY_PAUSE):
        return None
    return False


def _time_is_up() -> DependencyError:
    return DependencyError("there was no time left; repeating the request is safe", retry_after=1)


class Pauses:
    """The pauses between tries: each about twice as long as the one before, and none that the deadline does not allow.

    Somewhere between half of it and the whole: two that met do not meet again at once.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._next = FIRST_PAUSE

    def wait(self) -> bool:
        """Sleeps, and says whether there is time for another try; there is none where nobody said how much there is."""
        until = _UNTIL.get()
        if until is None or time.monotonic() + self._next >= until:
            return False
        self._sleep(self._next * (1 + random.random()) / 2)  # noqa: S311  # no secret: it keeps callers apart
        self._next = min(2 * self._next, LONGEST_PAUSE)
        return time.monotonic() < until  # a busy machine sleeps for longer than it was told
