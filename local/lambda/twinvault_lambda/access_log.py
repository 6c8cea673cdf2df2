"""The API's access log: one line a request, in the format that the stage declares.

Source: "Customize HTTP API access logs". A path is never written, whatever the format asks for: it holds callers' ids.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from twinvault_lambda.platform_log import FunctionLog

_VARIABLE = re.compile(r"\$context\.([A-Za-z]+(?:\.[A-Za-z]+)*)")
_UNKNOWN = "-"  # what the API writes for a variable that has no value


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRequest:
    """One request that was answered."""

    request_id: str
    source_ip: str
    method: str
    protocol: str
    route_key: str
    status: int
    response_length: int
    latency_ms: float
    integration_ms: float | None = None  # None where the API answered by itself

    def variables(self, now: datetime) -> Mapping[str, str]:
        """The values of the ``$context`` variables, by name."""
        integration = {} if self.integration_ms is None else {"integrationLatency": str(round(self.integration_ms))}
        return integration | {
            "requestId": self.request_id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": str(int(now.timestamp() * 1000)),
            "identity.sourceIp": self.source_ip,
            "httpMethod": self.method,
            "protocol": self.protocol,
            "routeKey": self.route_key,
            "stage": "$default",
            "status": str(self.status),
            "responseLength": str(self.response_length),
            "responseLatency": str(round(self.latency_ms)),
        }


class AccessLog:
    """``access.log`` in the log folder."""

    def __init__(self, folder: Path, *, line_format: str) -> None:
        self._log = FunctionLog(folder / "access.log")
        self._format = line_format

    def write(self, served: ServedRequest) -> None:
        """Append one line."""
        values = served.variables(datetime.now(UTC))
        self._log.line(_VARIABLE.sub(lambda found: values.get(found[1], _UNKNOWN), self._format))

    def close(self) -> None:
        """Close the file."""
        self._log.close()
