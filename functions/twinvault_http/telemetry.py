"""Logs and metrics of a function: JSON lines and CloudWatch's embedded metric format, both on standard output.

No log line holds plaintext, a key, a token, a context value or a path.
"""

import traceback
from typing import Any

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from twinvault import CallerError, Contention, DependencyError, IntegrityError, Undeclared
from twinvault_http.settings import trace_ids

_NAMESPACE = "Twinvault"
_FAILED = range(500, 600)


class Telemetry:
    """One per process."""

    def __init__(self, *, log_level: str) -> None:
        self._log = Logger(service="twinvault", level=log_level, utc=True)
        self._metrics = Metrics(namespace=_NAMESPACE, service="twinvault")
        self._counts: dict[str, int] = {}
        self._failed = 0

    def count(self, name: str, value: int) -> None:
        """Adds to one of the metrics."""
        self._counts[name] = self._counts.get(name, 0) + value

    def problem(self, error: Exception, *, slug: str, status: int) -> None:
        """Logs that a request ended in an error: its kind, never its text."""
        if status in _FAILED and _is_the_codes_fault(error):
            self._failed += 1
        trace_id, _ = trace_ids()
        about: dict[str, Any] = {"problem": slug, "status": status, "error": type(error).__name__, "trace_id": trace_id}
        match error:
            case CallerError():
                self._log.info("refused", extra=about)
            case IntegrityError():
                self._log.error("integrity check failed", extra={**about, "check": error.check})
            case Undeclared():
                self._log.error("undeclared", extra={**about, "names": list(error.names)})
            case _:
                # Where it was raised, without the message: an exception's text can quote what it was given.
                frames = traceback.extract_tb(error.__traceback__)[-3:]
                if isinstance(error, DependencyError) and error.cause is not None:
                    about["cause"] = error.cause.shown()
                about["at"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
                self._log.error("failed", extra=about)

    def finish(
        self, *, route: str, status: int, milliseconds: int, function: str, version: str, request_id: str
    ) -> None:
        """Logs that a request was answered, and writes its metrics; what failed is counted by version."""
        trace_id, _ = trace_ids()
        about = {"route": route, "status": status, "ms": milliseconds, "request_id": request_id, "trace_id": trace_id}
        self._log.info("answered", extra=about)
        if self._failed:
            with single_metric(
                name="FailedAnswers", unit=MetricUnit.Count, value=self._failed, namespace=_NAMESPACE
            ) as metric:
                metric.add_dimension(name="service", value=function)
                metric.add_dimension(name="version", value=version)
            self._failed = 0
        if not self._counts:
            return
        # The function's name keeps stages apart that share an account (stacks/alarms.py watches it).
        self._metrics.service = function
        for name, value in self._counts.items():
            self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
        self._counts.clear()
        self._metrics.flush_metrics()


def _is_the_codes_fault(error: Exception) -> bool:
    """Whether an answer of 500 and above may be this version's doing.

    What stands in the table and how many want it at once are not. Either has an alarm of its own, and neither takes a
    release back (stacks/alarms.py).
    """
    match error:
        case IntegrityError() | Contention():
            return False
        case DependencyError(cause=cause) if cause is not None:
            return not cause.is_load
        case _:
            return True
