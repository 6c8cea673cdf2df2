"""The gate as a process: options in, serving in the foreground until SIGTERM or SIGINT."""

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from twinvault_gate.engine import LocalEngine
from twinvault_gate.errors import SetupError
from twinvault_gate.gate import Gate
from twinvault_gate.judging import Judge
from twinvault_gate.policies import GatePolicies, load_policies
from twinvault_gate.server import GateApi
from twinvault_serving.callers import Callers, CallersFileError, load_callers
from twinvault_serving.exchange import Application
from twinvault_serving.faults import Faults
from twinvault_serving.ledger import BadLedgerError, CallLedger
from twinvault_serving.server import LOOPBACK, listen, on_two_ports, server

LOG = logging.getLogger("twinvault.gate")

# Longer than SDKs keep idle connections, so that it is never the server that hangs up first.
_KEEP_ALIVE_SECONDS = 3_600
_GRACE_SECONDS = 2  # for requests that are under way when the gate is told to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """How to serve. `namespace` is the access key id in whose database the engine keeps the tables.

    `callers` None: everyone is the account's root; `policies` None: there are none. `provisioner` is the access key id
    that alone may make and change tables; None: the account's root. `ledger` None: what was asked and said is written
    nowhere.
    """

    port: int
    engine_port: int
    callers: Path | None = None
    policies: Path | None = None
    host: str = LOOPBACK
    engine_host: str = LOOPBACK
    namespace: str = "TWINVAULT"
    provisioner: str | None = None
    admin_port: int | None = None
    admin_host: str = LOOPBACK
    ledger: Path | None = None


def serve(options: GateOptions) -> None:
    """Serve until a signal ends it.

    Raises:
        SetupError: a file or a port cannot be used.
    """
    ledger = _ledger(options.ledger)
    callers, judge = _load(options, ledger)
    engine = LocalEngine(options.engine_host, options.engine_port, namespace=options.namespace)
    faults = Faults()
    gate = Gate(engine, callers=callers, judge=judge, faults=faults)
    app: Application = GateApi(gate)
    if callers.are_all_root:
        LOG.warning("no callers file: every caller is the account root, and policies prove nothing")
    sockets = [_listen(options.host, options.port)]
    if options.admin_port is not None:
        sockets.append(_listen(options.admin_host, options.admin_port))
        reload = partial(_reload, options, gate, ledger)
        app = _with_admin(app, options.admin_port, faults=faults, gate=gate, reload=reload)
    LOG.info("the gate on http://%s:%d, before DynamoDB Local on %s", options.host, options.port, engine.address)
    server(app, keep_alive_seconds=_KEEP_ALIVE_SECONDS, grace_seconds=_GRACE_SECONDS).run(sockets=sockets)


def _load(options: GateOptions, ledger: CallLedger) -> tuple[Callers, Judge]:
    try:
        callers = load_callers(options.callers) if options.callers else Callers(None)
    except CallersFileError as error:
        raise SetupError(error.message, next_step=error.next_step) from None
    policies = load_policies(options.policies) if options.policies else GatePolicies()
    return callers, Judge(policies, ledger, provisioner=options.provisioner)


def _reload(options: GateOptions, gate: Gate, ledger: CallLedger) -> None:
    gate.enforce(*_load(options, ledger))


def _ledger(path: Path | None) -> CallLedger:
    try:
        return CallLedger(path)
    except BadLedgerError as error:
        raise SetupError(str(error), next_step="Move it away, or give another --ledger.") from None


def _with_admin(
    api: Application, admin_port: int, *, faults: Faults, gate: Gate, reload: Callable[[], None]
) -> Application:
    """Return one application for both ports: whoever comes in by the admin port gets faults and reloading."""
    from twinvault_gate.admin import admin_app  # noqa: PLC0415  # Starlette is loaded only where it is used

    return on_two_ports(api, admin_app(faults, stale=gate.stale, reload=reload), second=admin_port)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise SetupError(f"Port {port} on {host} cannot be opened.", next_step="Give another --port.") from error
