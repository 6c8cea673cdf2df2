"""DynamoDB Local for one test session, and the stores over it: each a database of the engine behind its own gate."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from twinvault_gate.admin import admin_app as gate_admin
from twinvault_gate.engine import LocalEngine
from twinvault_gate.gate import Gate
from twinvault_gate.judging import Judge
from twinvault_gate.policies import GatePolicies
from twinvault_gate.server import GateApi
from twinvault_kms.admin import admin_app as kms_admin
from twinvault_kms.switches import Switches
from twinvault_local.engines import dynamodb, starting
from twinvault_local.errors import EngineError
from twinvault_local.machine import ports, processes, toolchain
from twinvault_local.provision import aws
from twinvault_local.provision.callers import OPERATOR_ARN, AccessKey
from twinvault_local.state import DYNAMODB, StateFolder
from twinvault_serving.callers import load_callers
from twinvault_serving.faults import Faults
from twinvault_serving.ledger import CallLedger
from twinvault_testing.clock import MovableClock
from twinvault_testing.database import copy_database
from twinvault_testing.keeper import kept
from twinvault_testing.kms import OwnKms
from twinvault_testing.serving import ServingThread
from twinvault_testing.store import TABLES, Fill, OwnStore, SavedStore, StoreParts, begin_with
from twinvault_testing.tables import make_tables

REGION = "eu-central-1"
_CALLER = "TWINVAULTTESTING"
_TRIES = 3


@contextmanager
def running_engines(folder: Path, cache: Path, *, name: str, clock: MovableClock) -> Iterator["OwnEngines"]:
    """DynamoDB Local in `folder`, on a free port, until this is left or the process dies; `name` is the stores' own.

    Raises:
        TwinError: it cannot be fetched or started; says what to type.
    """
    state = StateFolder(folder / "engines")
    state.prepare()
    secret = secrets.token_hex(20)
    state.callers.write_text(json.dumps({_CALLER: {"arn": OPERATOR_ARN, "secret": secret}}), encoding="utf-8")
    with kept(state, cache), ServingThread() as thread:
        port = _started(state, cache)
        engines = OwnEngines(state, port, thread, name, AccessKey(_CALLER, secret), clock)
        try:
            yield engines
        finally:
            engines.close()


def _started(state: StateFolder, cache: Path) -> int:
    """The port of the engine, which is up: ours, and no other session's that took the port in between."""
    java, engine = toolchain.find_java(), dynamodb.ensure(cache, progress=lambda _: None)
    for left in reversed(range(_TRIES)):
        port = ports.free_port()
        starting.launch(state, DYNAMODB, dynamodb.command(java, engine, port=port, data=state.dynamodb))
        try:
            starting.await_ready(state, DYNAMODB, partial(dynamodb.answers, f"http://{ports.LOOPBACK}:{port}"))
        except EngineError:
            if not left:
                raise
            continue
        listening = ports.listeners(port)  # empty where this user may not see it
        if not listening or processes.running(state.slot(DYNAMODB)) in listening:
            return port
        processes.stop(state.slot(DYNAMODB))
    raise EngineError("DynamoDB Local found no port of its own.", next_step="Run the tests again.")


@dataclass(slots=True)
class OwnEngines:
    """The engine of a session, and the stores that were made: one that a test is done with, the next one gets."""

    state: StateFolder
    port: int
    thread: ServingThread
    name: str
    caller: AccessKey = field(repr=False)
    clock: MovableClock
    _filled: dict[Fill, SavedStore] = field(default_factory=dict)
    _free: list[OwnStore] = field(default_factory=list)
    _all: list[OwnStore] = field(default_factory=list)
    _closing: list[Callable[[], None]] = field(default_factory=list)

    @contextmanager
    def store(self) -> Iterator[OwnStore]:
        """An empty store, nobody else's meanwhile."""
        store = self._free.pop() if self._free else self._another()
        store.empty()
        try:
            yield store
        finally:
            store.faults.clear()
            self.clock.reset()
            self._free.append(store)

    def close(self) -> None:
        """End all stores."""
        for store in self._all:
            store.close()
        for close in self._closing:
            self.thread.call(close)

    def _another(self) -> OwnStore:
        number = len(self._all)
        parts, admin = self._parts(number)
        first = not self._filled
        if first:
            make_tables(parts.dynamodb, TABLES)
            root_key = parts.kms.create_key()["KeyMetadata"]["KeyId"]
            audit = parts.kms.create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
            audit_key = audit["KeyMetadata"]["KeyId"]
        else:
            root_key, audit_key = self._all[0].root_key, self._all[0].audit_key
        store = OwnStore(parts, root_key=root_key, audit_key=audit_key, admin=admin)
        if first:
            begin_with(store, parts)
        self._all.append(store)
        return store

    def _parts(self, number: int) -> tuple[StoreParts, tuple[str, str]]:
        namespace = f"{_CALLER}{number}"
        database, saved_in = self.state.dynamodb / f"{namespace}_{REGION}.db", self.state.folder / "run" / "saved"
        saved_in.mkdir(exist_ok=True)
        if self._filled:
            copy_database(next(iter(self._filled.values())).database, database)
        at_gate, gate_orders = self._gate(namespace)
        keys = self.state.kms / str(number)
        kms = self.thread.call(lambda: OwnKms(keys, seed=self.state.seed, callers=self.state.callers, clock=self.clock))
        self._closing.append(kms.close)
        at_kms = self.thread.serve(kms)
        kms_orders = self.thread.serve(kms_admin(Switches(self.clock.of_kms, kms.faults)))
        parts = StoreParts(
            name=self.name,
            region=REGION,
            access_key=(self.caller.access_key_id, self.caller.secret),
            database=database,
            dynamodb=aws.dynamodb_client(at_gate, region=REGION, caller=self.caller),
            kms=aws.kms_client(at_kms, region=REGION, caller=self.caller),
            own_kms=kms,
            thread=self.thread,
            clock=self.clock,
            saved_in=saved_in,
            filled=self._filled,
        )
        return parts, (gate_orders, kms_orders)

    def _gate(self, namespace: str) -> tuple[str, str]:
        """Where a gate before the database of this name listens, and where it takes orders."""
        callers, faults = load_callers(self.state.callers), Faults()
        judge = Judge(GatePolicies(), CallLedger(None))

        def made() -> Gate:
            engine = LocalEngine(ports.LOOPBACK, self.port, namespace=namespace)
            self._closing.append(engine.close)
            return Gate(engine, callers=callers, judge=judge, faults=faults)

        gate = self.thread.call(made)
        orders = gate_admin(faults, stale=gate.stale, reload=lambda: None)
        return self.thread.serve(GateApi(gate)), self.thread.serve(orders)
