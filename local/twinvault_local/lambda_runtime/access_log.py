"""The API's access log: one JSON line a request, with the route; never the path, which carries callers' ids."""

import json
from datetime import UTC, datetime
from pathlib import Path

from twinvault_local.lambda_runtime.platform_log import FunctionLog


class AccessLog:
    """``access.log`` in the log folder. Names of the fields: "Customize HTTP API access logs"."""

    def __init__(self, folder: Path) -> None:
        self._log = FunctionLog(folder / "access.log")

    def write(
        self, *, request_id: str, route_key: str, method: str, status: int, response_length: int, latency_ms: float
    ) -> None:
        """Append one line."""
        line = {
            "requestId": request_id,
            "requestTime": datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "httpMethod": method,
            "routeKey": route_key,
            "status": status,
            "responseLength": response_length,
            "responseLatency": round(latency_ms),
        }
        self._log.line(json.dumps(line, separators=(",", ":")))

    def close(self) -> None:
        """No more lines."""
        self._log.close()
