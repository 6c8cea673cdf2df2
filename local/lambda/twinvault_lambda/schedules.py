"""What calls a function by itself: EventBridge's rules on a schedule, by the clock that nobody sets.

The event is EventBridge's own ("Events from AWS services: Scheduled Event", EventBridge User Guide). A call that is due
while an earlier one runs is made all the same, as EventBridge makes it; those that were due while the machine slept are
not made up for.
"""

import asyncio
import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from twinvault_lambda.config import ScheduleConfig, ServerConfig
from twinvault_lambda.integration import Function
from twinvault_lambda.invocation import IntegrationTimeoutError
from twinvault_lambda.permissions import InvokePermissions, rule_arn

_FIRED = "fired"
_WAITING_SECONDS = 60  # for a worker that is free, as an event may be so old
_NOBODY_FREE = "Sandbox.Busy"
_NOT_ALLOWED = "AccessDeniedException"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One call that a schedule made, when it has ended; ``error`` is the type of what went wrong, or empty."""

    schedule: str
    error: str = ""

    def line(self) -> str:
        """As the server prints it."""
        return f"{_FIRED} {json.dumps(asdict(self))}"


def read(output: str) -> list[Fired]:
    """What the server said of its schedules, in order."""
    lines = (line.partition(" ") for line in output.splitlines())
    return [Fired(**json.loads(rest)) for word, _, rest in lines if word == _FIRED]


class Schedules:
    """All schedules of one server. One event loop, no locks."""

    def __init__(
        self,
        config: ServerConfig,
        functions: Mapping[str, Function],
        *,
        permissions: InvokePermissions,
        say: Callable[[str], None],
    ) -> None:
        self._config = config
        self._limits = {one.name: one.limit_seconds + _WAITING_SECONDS for one in config.functions}
        self._functions = functions
        self._permissions = permissions
        self._say = say
        self._ticking: list[asyncio.Task[None]] = []
        self._calls: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Let time run; each schedule's first call is made when its interval has passed once."""
        loop = asyncio.get_running_loop()
        self._ticking = [loop.create_task(self._tick(schedule)) for schedule in self._config.schedules]

    def fire(self) -> None:
        """Make a call of each schedule now, beside those that are due."""
        for schedule in self._config.schedules:
            self._begin(schedule)

    async def stop(self) -> None:
        """Make no call any more; those under way end with their workers."""
        under_way = [*self._ticking, *self._calls]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _tick(self, schedule: ScheduleConfig) -> None:
        clock = asyncio.get_running_loop().time
        due = clock() + schedule.every_seconds
        while True:
            await asyncio.sleep(due - clock())
            self._begin(schedule)
            due = max(due, clock() - schedule.every_seconds) + schedule.every_seconds

    def _begin(self, schedule: ScheduleConfig) -> None:
        task = asyncio.get_running_loop().create_task(self._call(schedule))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self, schedule: ScheduleConfig) -> None:
        if not self._permissions.rule_may_invoke(schedule):
            self._say(Fired(schedule=schedule.name, error=_NOT_ALLOWED).line())
            return
        now = datetime.now(UTC)
        root = f"1-{int(now.timestamp()):08x}-{os.urandom(12).hex()}"
        try:
            outcome = await self._functions[schedule.function].invoke(
                json.dumps(self._event(schedule, now)).encode(),
                trace_id=f"Root={root};Parent={os.urandom(8).hex()};Sampled=0",
                limit_seconds=self._limits[schedule.function],
            )
            error = outcome.error_type
        except IntegrationTimeoutError:
            error = _NOBODY_FREE
        self._say(Fired(schedule=schedule.name, error=error).line())

    def _event(self, schedule: ScheduleConfig, now: datetime) -> dict[str, object]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": self._config.account,
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._config.region,
            "resources": [rule_arn(self._config, schedule)],
            "detail": {},
        }
