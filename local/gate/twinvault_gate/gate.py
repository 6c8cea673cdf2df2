"""The gate itself: who asks is proven, what is asked is understood, IAM says whether, and the engine does it."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from twinvault_gate import partial
from twinvault_gate.calls import Home, IamCall
from twinvault_gate.document import JsonObject, parse_document
from twinvault_gate.engine import LocalEngine
from twinvault_gate.errors import DroppedError, DynamoDbError
from twinvault_gate.items import KnownTables
from twinvault_gate.judging import Judge
from twinvault_gate.known import TableDescriptions
from twinvault_gate.operations import PROVISIONING, TABLES_API, iam_calls, tables_of
from twinvault_gate.stale import StaleIndexes
from twinvault_gate.statements import given_statements, stated_actions, stated_tables, statement_call
from twinvault_gate.wire import answer
from twinvault_serving.callers import Callers, SignedIn
from twinvault_serving.exchange import HttpRequest, HttpResponse
from twinvault_serving.faults import Drop, Fault, Faults
from twinvault_serving.signature import UnsignedError

LOG = logging.getLogger("twinvault.gate")

_OK = 200


class Gate:
    """Lets through what IAM lets through."""

    def __init__(
        self,
        engine: LocalEngine,
        *,
        callers: Callers,
        judge: Judge,
        faults: Faults | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`now` is aware of its zone."""
        self._engine = engine
        self._callers = callers
        self._judge = judge
        self._faults = faults or Faults()
        self._now = now
        self._tables = TableDescriptions(engine)
        self.stale: Final = StaleIndexes(engine, clock=time.monotonic)

    def enforce(self, callers: Callers, judge: Judge) -> None:
        """Know these callers and let this judge decide from here on."""
        self._callers, self._judge = callers, judge

    def identify(self, request: HttpRequest) -> SignedIn:
        """Return who signed a request.

        Raises:
            DynamoDbError: what AWS says of a signature that does not hold.
        """
        try:
            return self._callers.signed_in(request, service="dynamodb", now=self._now())
        except UnsignedError as error:
            raise DynamoDbError(error.code, error.message) from None

    async def answer(self, request: HttpRequest, caller: SignedIn, *, request_id: str) -> HttpResponse:
        """The engine's answer to a request that is allowed, unchanged.

        Raises:
            DynamoDbError: AccessDeniedException; the request is malformed; the engine gives no answer.
            DroppedError: by order.
        """
        target = request.header("x-amz-target") or ""
        document = parse_document(request.body)
        home = Home(caller.account, caller.region)
        named = tables_of(target, document)
        tables = await self._tables.keys(named, region=caller.region)
        operation = target.removeprefix(f"{TABLES_API}.")
        if operation == partial.OPERATION:
            return await self._answer_batch(
                request.body, document, caller=caller, home=home, tables=tables, request_id=request_id
            )
        for call in iam_calls(target, document, home=home, tables=tables):
            self._allow(caller, call, request_id=request_id)
        _must_be_known(named, tables)
        try:
            return await self._carried_out(target, request.body, document, region=caller.region)
        finally:
            if operation in PROVISIONING:
                self._tables.forget()

    async def _answer_batch(
        self,
        body: bytes,
        document: JsonObject,
        *,
        caller: SignedIn,
        home: Home,
        tables: KnownTables,
        request_id: str,
    ) -> HttpResponse:
        target, given = f"{TABLES_API}.{partial.OPERATION}", given_statements(partial.OPERATION, document)

        def check(statement: JsonObject) -> None:
            call = statement_call(partial.OPERATION, statement, home=home, tables=tables)
            self._allow(caller, call, request_id=request_id)
            _must_be_known(stated_tables("ExecuteStatement", statement), tables)

        refused = partial.refused_statements(given, check)
        if not refused:
            return await self._carried_out(target, body, document, region=caller.region)
        answered: JsonObject = {}
        if rest := partial.remaining(document, given, refused):
            response = await self._carried_out(target, rest, document, region=caller.region)
            if response.status != _OK:
                return response
            answered = json.loads(response.body)
        return answer(partial.completed(answered, refused, count=len(given)), request_id=request_id)

    async def _carried_out(self, target: str, body: bytes, document: JsonObject, *, region: str) -> HttpResponse:
        """The engine's answer, as indexes that were ordered to lag behind would let it be."""
        operation = target.rpartition(".")[2]
        looked = await self.stale.before(operation, document, region=region)
        try:
            response = await self._pass_on(target, body, document, region=region)
        finally:
            # Whatever became of it: an item that was not written was before what it is now.
            self.stale.after(looked)
        return await self.stale.seen(operation, document, response, region=region)

    async def _pass_on(self, target: str, body: bytes, document: JsonObject, *, region: str) -> HttpResponse:
        """Ask the engine. Faults meet requests here, so that none is used up by what is refused anyway."""
        fault = self._fault(target.rpartition(".")[2], document)
        if fault is None:
            return await self._engine.send(target, body, region=region)
        await asyncio.sleep(fault.delay_seconds)
        if fault.drop is Drop.BEFORE:
            raise DroppedError
        error = None
        if fault.error is not None:
            error = DynamoDbError(fault.error, fault.message, status=fault.status, details=fault.details)
        if error is not None and not fault.applied:
            raise error
        response = await self._engine.send(target, body, region=region)
        if fault.drop is not None:
            raise DroppedError(response if fault.drop is Drop.WITHIN else None)
        if error is not None:
            raise error
        return response

    def _fault(self, operation: str, document: JsonObject) -> Fault | None:
        """The fault of an operation, or of an action that one of its statements is to IAM."""
        if not self._faults.waiting():
            return None
        return self._faults.take(operation, *stated_actions(operation, document))

    def _allow(self, caller: SignedIn, call: IamCall, *, request_id: str) -> None:
        refusal = self._judge.refusal(caller, call, request_id=request_id)
        if refusal is not None:
            LOG.warning("%s refused: %s", request_id, refusal)
            raise DynamoDbError("AccessDeniedException", refusal)


def _must_be_known(named: Iterable[str], tables: KnownTables) -> None:
    """Return if all of these tables are known: about the keys of any other, conditions could not be asked.

    Raises:
        DynamoDbError: ResourceNotFoundException.
    """
    if not all(name in tables for name in named):
        raise DynamoDbError("ResourceNotFoundException", "Requested resource not found")
