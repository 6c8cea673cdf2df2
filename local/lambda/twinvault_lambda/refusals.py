"""The answers that an HTTP API gives by itself, worded as a live one words them."""

import json

from twinvault_serving.exchange import HttpResponse

_MESSAGES = {
    400: "Bad Request",
    404: "Not Found",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class RefusedError(Exception):
    """The API answers by itself, with ``status``."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def refusal(status: int) -> HttpResponse:
    """The API's own answer. The connection stays open: closed on a body half read, it would lose the answer too."""
    body = json.dumps({"message": _MESSAGES[status]}, separators=(",", ":")).encode()
    return HttpResponse(status=status, headers=(("content-type", "application/json"),), body=body)
