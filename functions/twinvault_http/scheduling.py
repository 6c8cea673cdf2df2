"""A function that is also called by a schedule: long work that nobody drives is carried on.

Its event names nothing: neither a tenant nor a work. API Gateway's events have a `routeKey`, which no caller can leave
out; EventBridge's have none.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twinvault import Acting, Driver, TwinvaultError, carry_on
from twinvault_http.http import MARGIN_SECONDS, Api
from twinvault_http.problems import problem_of
from twinvault_http.settings import trace_ids
from twinvault_http.wiring import service

_SOURCE = "aws.events"
"""As every event of a rule on a schedule has it: https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-events.html"""
_ROUTE = "schedule"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The routes of `api`, and a schedule that carries the store's works on: of keys, of erasures, or of partitions."""

    api: Api
    driver: Callable[[Acting], Driver]
    of_keys: bool = False
    of_erasures: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """The keys of its routes."""
        return self.api.keys

    def __call__(self, sent: object, context: Any) -> dict[str, Any]:  # noqa: ANN401  # Lambda's own object
        """Does what a schedule asks for; whatever else the function is sent is the API's to answer.

        Raises:
            DependencyError: the works cannot be found now: the invocation has failed.
            ConfigurationError: a setting is missing or unusable.
        """
        if isinstance(sent, Mapping) and "routeKey" not in sent and sent.get("source") == _SOURCE:
            return self._carry_on(context)
        return self.api(sent, context)

    def _carry_on(self, context: Any) -> dict[str, Any]:  # noqa: ANN401  # as above
        started, wired = time.monotonic(), service()
        trace_id, span_id = trace_ids()

        def report(error: TwinvaultError) -> None:
            problem = problem_of(error)
            wired.telemetry.problem(error, slug=problem.slug, status=problem.status)

        carried = carry_on(
            wired.vault,
            self.driver,
            of_keys=self.of_keys,
            of_erasures=self.of_erasures,
            seconds=context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS,
            about={
                "function": context.function_name,
                "request_id": context.aws_request_id,
                "trace_id": trace_id,
                "span_id": span_id,
            },
            count=wired.telemetry.count,
            report=report,
        )
        wired.telemetry.finish(
            route=_ROUTE,
            status=200,
            milliseconds=round((time.monotonic() - started) * 1000),
            function=context.function_name,
            version=context.function_version,
            request_id=context.aws_request_id,
        )
        return {"running": carried.running, "driven": carried.driven, "failed": carried.failed}
