"""The Lambda Runtime API, version 2018-06-01, for one worker ("Using the Lambda runtime API for custom runtimes").

A worker is known by the port where it asks: ``awslambdaric`` builds its URLs from ``AWS_LAMBDA_RUNTIME_API`` both with
libcurl, which would take a path there, and with ``http.client``, which takes only host and port. So each worker has a
listener of its own, made with the worker and gone with it: what a dead worker left unsent can never be taken for its
successor's.
"""

import asyncio
import json
import time

from twinvault_lambda.config import ContainerConfig
from twinvault_lambda.invocation import Invocation
from twinvault_lambda.worker import LARGEST_ANSWER, Worker, WorkerEndedError
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
from twinvault_serving.server import LOOPBACK, listen, protocols

_VERSION = "/2018-06-01/runtime"
_ERROR_TYPE = "lambda-runtime-function-error-type"
_JSON = ("content-type", "application/json")


class RuntimeApi:
    """An ASGI application that knows one worker, on a free port; it has another name for a worker in a container."""

    def __init__(
        self, worker: Worker, *, function_arn: str, timeout_seconds: int, containers: ContainerConfig | None = None
    ) -> None:
        self._worker = worker
        self._function_arn = function_arn
        self._timeout_seconds = timeout_seconds
        self._socket = listen(LOOPBACK if containers is None else containers.listen, 0)
        self._server: asyncio.AbstractServer | None = None
        self.address = f"{LOOPBACK if containers is None else containers.host}:{self._socket.getsockname()[1]}"

    async def open(self) -> None:
        """Begin to answer. The port accepts from the constructor on, so a worker may be started before."""
        connected = protocols(self._serve)
        if self._socket.fileno() < 0:
            return  # the worker ended before its first request could be answered
        self._server = await asyncio.get_running_loop().create_server(connected, sock=self._socket)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        self._socket.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = read_head(scope)
        try:
            body = await read_body(receive, limit=2 * LARGEST_ANSWER)
        except ClientGoneError:
            return  # the worker died as it wrote; its end completes the invocation
        except BodyTooLargeError:
            await send_response(send, _status(413))
            return
        await send_response(send, await self._respond(request, body))

    async def _respond(self, request: HttpRequest, body: bytes) -> HttpResponse:
        match request.method, request.raw_path.removeprefix(_VERSION).split("/")[1:]:
            case "GET", ["invocation", "next"]:
                return await self._next()
            case "POST", ["invocation", request_id, "response"]:
                return _status(self._worker.answer(request_id, body))
            case "POST", ["invocation", request_id, "error"]:
                return _status(self._worker.fail(request_id, request.header(_ERROR_TYPE) or ""))
            case "POST", ["init", "error"]:
                self._worker.init_failed(request.header(_ERROR_TYPE) or "Runtime.Unknown")
                return _status(202)
            case _:
                return _status(404)

    async def _next(self) -> HttpResponse:
        try:
            invocation = await self._worker.next()
        except WorkerEndedError:
            return _status(410)  # the connection is gone too; nobody reads this
        return HttpResponse(status=200, headers=(_JSON, *self._about(invocation)), body=invocation.payload)

    def _about(self, invocation: Invocation) -> tuple[tuple[str, str], ...]:
        deadline_ms = int((time.time() + self._timeout_seconds) * 1000)
        return (
            ("lambda-runtime-aws-request-id", invocation.request_id),
            ("lambda-runtime-deadline-ms", str(deadline_ms)),
            ("lambda-runtime-invoked-function-arn", self._function_arn),
            ("lambda-runtime-trace-id", invocation.trace_id),
        )


def _status(status: int) -> HttpResponse:
    """The bodies of the API's own answers, in the form of its OpenAPI document."""
    bodies = {
        202: {"status": "OK"},
        400: {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"},
        404: {"errorMessage": "Not found", "errorType": "NotFound"},
        410: {"errorMessage": "The worker has ended", "errorType": "InvalidStateTransition"},
        413: {"errorMessage": "Exceeded maximum allowed payload size", "errorType": "RequestEntityTooLarge"},
    }
    return HttpResponse(status=status, headers=(_JSON,), body=json.dumps(bodies[status]).encode())
