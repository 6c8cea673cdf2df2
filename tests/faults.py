"""A way to DynamoDB on which requests and answers get lost: the gate, before the real engine, with faults by order.

Faults are told per operation and in order; what is not told passes. Every request is remembered as it was sent.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from twinvault_gate.engine import LocalEngine
from twinvault_gate.gate import Gate
from twinvault_gate.judging import Judge
from twinvault_gate.policies import GatePolicies
from twinvault_gate.server import GateApi
from twinvault_gate.stale import StaleIndex, StaleIndexes
from twinvault_serving.callers import Callers
from twinvault_serving.exchange import Application, Message, Receive, Scope, Send
from twinvault_serving.faults import Fault as OrderedFault
from twinvault_serving.faults import Faults, ordered_fault
from twinvault_serving.ledger import CallLedger
from twinvault_testing.serving import ServingThread

_MANY, _WITHOUT_END = 100_000, 1_000_000


def cancelled(*codes: str) -> dict[str, Any]:
    """Cancelled for reasons that the service gives and the local engine never does: one a statement, or `None`.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
    """
    reasons = [{"Code": code, "Message": "by order"} for code in codes]
    error = {"error": "TransactionCanceledException", "message": "Transaction cancelled, by order"}
    return error | ({"details": {"CancellationReasons": reasons}} if codes else {})


class Fault(Enum):
    """What the gate is told to do; None passes."""

    PASS = None
    LOSE_REQUEST = {"drop": "before"}  # noqa: RUF012  # an enum's value, which nobody changes
    """The connection ends before the engine sees the request."""
    LOSE_ANSWER = {"drop": "after"}  # noqa: RUF012  # likewise
    """The engine has done it; the connection ends without an answer."""
    CUT_ANSWER = {"drop": "within"}  # noqa: RUF012  # likewise
    """The engine has done it; half of its answer arrives."""
    ERROR_BEFORE = {"error": "InternalServerError", "status": 500}  # noqa: RUF012  # likewise
    """500, and the engine has seen nothing."""
    ERROR_AFTER = {"error": "InternalServerError", "status": 500, "applied": True}  # noqa: RUF012  # likewise
    """500, although the engine has done it."""
    UNAVAILABLE = {"error": "ServiceUnavailable", "status": 503}  # noqa: RUF012  # likewise
    THROTTLE = {"error": "ThrottlingException"}  # noqa: RUF012  # likewise
    TOO_MUCH = {"error": "ProvisionedThroughputExceededException"}  # noqa: RUF012  # likewise
    OVER_THE_ACCOUNTS_LIMIT = {"error": "RequestLimitExceeded"}  # noqa: RUF012  # likewise
    IN_PROGRESS = {"error": "TransactionInProgressException"}  # noqa: RUF012  # likewise
    CONFLICT = cancelled("TransactionConflict")
    """Cancelled because another transaction is under way."""
    THROTTLED_WITHIN = cancelled("ThrottlingError")
    TOO_MUCH_WITHIN = cancelled("ProvisionedThroughputExceeded")
    CANCELLED_FOR_NO_REASON = cancelled()


@dataclass
class Line:
    """The line to the engine.

    Attributes:
        endpoint: where a client calls.
        requests: (operation, body) as they arrived.
        before: called with the operation before anything else, for example to act in between.
        stale: the gate's indexes that lag behind.
    """

    endpoint: str = ""
    faults: Faults = field(default_factory=Faults)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    before: Callable[[str], None] = lambda _operation: None
    stale: StaleIndexes = field(init=False)

    def lag(self, table: str, index: str) -> None:
        """From here on this index shows nothing of what is written."""
        self.stale.order(StaleIndex(table, index, _WITHOUT_END))

    def next(self, *faults: Fault | dict[str, Any], operation: str = "ExecuteTransaction") -> None:
        """Tells what happens to the next requests of an operation."""
        self._order([_ordered(fault, operation, times=1) for fault in faults], self._endless())

    def always(self, fault: Fault | dict[str, Any], operation: str = "ExecuteTransaction") -> None:
        """Tells what happens to all requests of an operation, after those that were told of one by one."""
        others = [one for one in self._endless() if one.operation != operation]
        self._order([], [*others, _ordered(fault, operation, times=_WITHOUT_END)])

    def clear(self) -> None:
        """Nothing happens any more."""
        self.faults.clear()

    def sent(self, operation: str = "ExecuteTransaction") -> list[dict[str, Any]]:
        """The bodies of all requests of an operation."""
        return [body for name, body in self.requests if name == operation]

    def _endless(self) -> list[OrderedFault]:
        return [one for one in self.faults.waiting() if one.times > _MANY]

    def _order(self, more: list[OrderedFault], endless: list[OrderedFault]) -> None:
        once = [one for one in self.faults.waiting() if one.times <= _MANY]
        self.faults.clear()
        for one in (*once, *more, *endless):
            self.faults.order(one)


def _ordered(fault: Fault | dict[str, Any], operation: str, *, times: int) -> OrderedFault:
    told = fault.value if isinstance(fault, Fault) else fault
    document = {"operation": operation, "times": times, **(told or {})}
    return ordered_fault(document, further={"message", "details", "applied", "within"})


def _watched(line: Line, gate: Application) -> Application:
    """The gate, and before it whoever looks on: a test, which may itself ask the engine meanwhile."""

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        body = b"".join(message.get("body", b"") for message in messages)
        target = next(value for name, value in scope["headers"] if name == b"x-amz-target").decode()
        operation = target.rpartition(".")[2]
        await asyncio.get_running_loop().run_in_executor(None, line.before, operation)
        line.requests.append((operation, json.loads(body)))

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        await gate(scope, again, send)

    return whole


@contextmanager
def line_to(endpoint: str, *, namespace: str) -> Iterator[Line]:
    """A line to the engine at `endpoint`, in the database of an access key id."""
    line, there = Line(), urlsplit(endpoint)

    def made() -> tuple[LocalEngine, Gate]:
        engine = LocalEngine(there.hostname or "", there.port or 0, namespace=namespace)
        judge = Judge(GatePolicies(), CallLedger(None))
        return engine, Gate(engine, callers=Callers(None), judge=judge, faults=line.faults)

    with ServingThread() as thread:
        engine, gate = thread.call(made)
        line.stale = gate.stale
        line.endpoint = thread.serve(_watched(line, GateApi(gate)))
        try:
            yield line
        finally:
            thread.call(engine.close)
