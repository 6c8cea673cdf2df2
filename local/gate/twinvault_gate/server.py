"""The API over HTTP: AWS JSON 1.0 on plain ASGI.

Every answer has a request id. Each request leaves one log line with it: operation, access key id, outcome; a refusal
one more. Nothing that a caller sent or received stands there, but names of tables.
"""

import logging
import time
import traceback
import uuid
from dataclasses import replace

from twinvault_gate.errors import DroppedError, DynamoDbError
from twinvault_gate.gate import Gate
from twinvault_gate.wire import error_answer
from twinvault_serving.exchange import (
    BodyTooLargeError,
    ClientGoneError,
    HttpRequest,
    HttpResponse,
    Receive,
    Scope,
    Send,
    read_body,
    read_head,
    send_response,
)
from twinvault_serving.wire import ABORT, CLOSE

LOG = logging.getLogger("twinvault.gate")

_MAX_BODY = 24 * 1024 * 1024  # BatchWriteItem takes 16 MB of items, whose bytes travel in base64


class GateApi:
    """The ASGI application."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        if scope["method"] == "GET" and scope["path"] == "/health":
            await send_response(send, HttpResponse(status=200, body=b'{"status":"ok"}'))
            return
        started, request_id = time.perf_counter(), str(uuid.uuid4())
        head = read_head(scope)
        access_key_id, outcome = "-", "ok"
        response: HttpResponse | None = None
        half: HttpResponse | None = None
        try:
            request = await _whole(head, receive)
            caller = self._gate.identify(request)
            access_key_id = caller.access_key_id
            response = await self._gate.answer(request, caller, request_id=request_id)
        except DynamoDbError as error:
            response, outcome = error_answer(error, request_id=request_id), error.code
        except DroppedError as dropped:
            outcome, half = "dropped", dropped.half
        except Exception as error:  # noqa: BLE001  # whatever went wrong, the caller gets AWS's internal error
            _log_failure(error, request_id)
            outcome = "InternalServerError"
            response = error_answer(DynamoDbError(outcome, status=500), request_id=request_id)
        if response is None:
            await _drop(scope, receive, send, half=half)
        else:
            await send_response(send, response)
        _log(head, request_id, who=access_key_id, outcome=outcome, milliseconds=(time.perf_counter() - started) * 1000)


def _log_failure(error: Exception, request_id: str) -> None:
    """Where, and of which type: an exception's own words may quote what a caller sent."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    LOG.error("%s failed: %s at %s:%s", request_id, type(error).__name__, place.filename, place.lineno)


def _log(head: HttpRequest, request_id: str, *, who: str, outcome: str, milliseconds: float) -> None:
    operation = (head.header("x-amz-target") or "").rpartition(".")[2]
    named = operation[:64] if operation.isalnum() else "-"
    LOG.info("%s %s %s %s %.1fms", request_id, named, who, outcome, milliseconds)


async def _drop(scope: Scope, receive: Receive, send: Send, *, half: HttpResponse | None) -> None:
    """Drop the connection, half an answer first, and wait until it is gone: uvicorn would else answer for us."""
    if half is not None:
        length, body = str(len(half.body)), half.body[: len(half.body) // 2]
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in half.headers]
        headers.append((b"content-length", length.encode()))
        await send({"type": "http.response.start", "status": half.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
    scope["extensions"][CLOSE if half else ABORT]()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _whole(head: HttpRequest, receive: Receive) -> HttpRequest:
    """The request with its body.

    Raises:
        DynamoDbError: it is larger than any request of DynamoDB, or the caller hung up in the middle of it.
    """
    try:
        return replace(head, body=await read_body(receive, limit=_MAX_BODY))
    except ClientGoneError:
        raise DynamoDbError("RequestAbortedException") from None
    except BodyTooLargeError:
        raise DynamoDbError("RequestEntityTooLargeException", status=413) from None
