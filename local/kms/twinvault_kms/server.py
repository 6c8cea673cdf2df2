"""The API over HTTP: AWS JSON 1.1 on plain ASGI.

Every answer has a request id. Each request leaves one log line with it: operation, access key id, outcome; what no
policy allows one more, which names principal, action and key. Nothing that a caller sent in confidence, or received,
stands there.
"""

import asyncio
import contextlib
import json
import logging
import time
import traceback
import uuid
from dataclasses import replace
from email.utils import formatdate

from twinvault_kms.engine import Engine
from twinvault_kms.errors import KmsError
from twinvault_kms.identity import identify
from twinvault_kms.validate import TARGET_PREFIX
from twinvault_serving.callers import Callers
from twinvault_serving.exchange import (
    BodyTooLargeError,
    ClientGoneError,
    Headers,
    HttpRequest,
    HttpResponse,
    Message,
    Receive,
    Scope,
    Send,
    read_body,
    read_head,
    send_response,
)
from twinvault_serving.faults import Drop, Fault, Faults
from twinvault_serving.wire import ABORT

LOG = logging.getLogger("twinvault.kms")

_MAX_BODY = 1_048_576  # KMS's largest request is far smaller
_NEVER_CACHED = (
    ("cache-control", "no-cache, no-store, must-revalidate, private"),
    ("expires", "0"),
    ("pragma", "no-cache"),
)
_CONTENT_TYPE = ("content-type", "application/x-amz-json-1.1")
_INTERNAL = b'{"__type":"KMSInternalException"}'
_NO_SUCH_PLACE = b"<UnknownOperationException/>\n"  # as AWS answers what is no call of its API at all


class KmsApi:
    """The ASGI application."""

    def __init__(self, engine: Engine, callers: Callers, faults: Faults) -> None:
        self._engine = engine
        self._callers = callers
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        if scope["method"] == "GET" and scope["path"] == "/health":
            await _send(send, 200, b'{"status":"ok"}', request_id=str(uuid.uuid4()))
            return
        request = read_head(scope)
        if (request.method, request.raw_path) != ("POST", "/"):
            await _nothing_here(receive, send)
            return
        prefix, _, operation = (request.header("x-amz-target") or "").rpartition(".")
        if prefix != TARGET_PREFIX:
            operation = ""
        fault = self._faults.take(operation)
        drop = fault.drop if fault else None
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
        if drop is not Drop.BEFORE:
            kept = send if drop is None else _nowhere
            await self._answer(operation, request, fault, receive=receive, send=kept)
        if drop is not None:
            await _abort(scope, receive)

    async def _answer(
        self, operation: str, request: HttpRequest, fault: Fault | None, *, receive: Receive, send: Send
    ) -> None:
        started = time.perf_counter()
        request_id = str(uuid.uuid4())
        access_key_id = "-"
        try:
            _raise_fault(fault)
            whole = replace(request, body=await _read(receive))
            identity = identify(whole, self._callers)
            access_key_id = identity.caller.access_key_id
            answer = await self._engine.answer(operation, whole.body, identity)
            status, outcome = 200, "ok"
        except KmsError as error:
            status, answer, outcome = error.status, _error_body(error), error.code
            if error.code == "AccessDeniedException" and error.message:
                LOG.warning("%s refused: %s", request_id, error.message)
        except (
            asyncio.CancelledError
        ):  # told to stop, and a key that is being made would take longer than is waited for
            status, answer, outcome = 500, _INTERNAL, "KMSInternalException"
        except Exception as error:  # noqa: BLE001  # whatever went wrong, the caller gets AWS's internal error
            # Where, and of which type: an exception's own words may quote what a caller sent.
            place = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error("%s failed: %s at %s:%s", request_id, type(error).__name__, place.filename, place.lineno)  # noqa: TRY400  # likewise
            status, answer, outcome = 500, _INTERNAL, "KMSInternalException"
        await _send(send, status, answer, request_id=request_id)
        elapsed = (time.perf_counter() - started) * 1000
        LOG.info(
            "%s %s %s %s %.1fms",
            request_id,
            operation[:64] if operation.isalnum() else "-",
            access_key_id,
            outcome,
            elapsed,
        )


def _raise_fault(fault: Fault | None) -> None:
    if fault is not None and fault.error is not None:
        raise KmsError(fault.error, status=fault.status)


async def _nowhere(_message: Message) -> None:
    """Send nothing: the fault says that this answer is lost."""


async def _abort(scope: Scope, receive: Receive) -> None:
    """Drop the connection, and wait until it is gone: uvicorn would else answer for us."""
    scope["extensions"][ABORT]()
    while (await receive())["type"] != "http.disconnect":
        pass


def _error_body(error: KmsError) -> bytes:
    document = {"__type": error.code} | ({"message": error.message} if error.message else {})
    return json.dumps(document).encode()


async def _read(receive: Receive) -> bytes:
    """Return the whole body.

    Raises:
        KmsError: It is larger than any request of KMS, or the caller hung up in the middle of it.
    """
    try:
        return await read_body(receive, limit=_MAX_BODY)
    except ClientGoneError:
        raise KmsError("RequestAbortedException") from None
    except BodyTooLargeError:
        raise KmsError("RequestEntityTooLargeException", status=413) from None


async def _nothing_here(receive: Receive, send: Send) -> None:
    """Answer what is no call. Pages of other origins are not let in (CORS): whoever reads this may be in a browser."""
    with contextlib.suppress(KmsError):
        await _read(receive)
    headers = _headers(str(uuid.uuid4()))
    await send_response(send, HttpResponse(status=404, headers=headers, body=_NO_SUCH_PLACE))


async def _send(send: Send, status: int, body: bytes, *, request_id: str) -> None:
    headers = (*_headers(request_id), _CONTENT_TYPE)
    await send_response(send, HttpResponse(status=status, headers=headers, body=body))


def _headers(request_id: str) -> Headers:
    """Return what each answer has, in AWS's order: its id, that nobody keeps it, the date."""
    return (("x-amzn-requestid", request_id), *_NEVER_CACHED, ("date", formatdate(usegmt=True)))
