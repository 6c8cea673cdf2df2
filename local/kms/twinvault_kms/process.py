"""The KMS as a process: options in, serving in the foreground until SIGTERM or SIGINT."""

import logging
import secrets
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from twinvault_kms.declared import Making, declared_changes
from twinvault_kms.engine import Engine
from twinvault_kms.errors import StoreError, TlsError
from twinvault_kms.identity import read_callers
from twinvault_kms.identity_policies import IdentityPolicies
from twinvault_kms.journal import Journal
from twinvault_kms.ring import KeyRing
from twinvault_kms.seed import SEED_BYTES, load_or_create_seed, load_seed
from twinvault_kms.server import KmsApi
from twinvault_kms.switches import Switches
from twinvault_serving.callers import DEFAULT_ACCOUNT, Callers
from twinvault_serving.exchange import Application
from twinvault_serving.faults import Faults
from twinvault_serving.ledger import BadLedgerError, CallLedger
from twinvault_serving.server import LOOPBACK, listen, on_two_ports, server

LOG = logging.getLogger("twinvault.kms")

# Longer than SDKs keep idle connections, so that it is never the server that hangs up first.
_KEEP_ALIVE_SECONDS = 3_600
_TLS_OPTIONS = "--tls-cert FILE --tls-key FILE, or --tls-self-signed FILE"
_GRACE_SECONDS = 2  # for requests that are under way when the KMS is told to stop


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve. `seed_file` None: DATA/seed, made at the first start. `ledger` None: none is written.

    `policies` None: nobody knows identity policies. TLS is spoken with `tls_cert` and `tls_key`, or with a certificate
    made up here, for clients that trust the file `tls_self_signed`; HTTP where there are neither.
    """

    port: int
    data: Path
    host: str = LOOPBACK
    seed_file: Path | None = None
    callers: Path | None = None
    admin_port: int | None = None
    account: str = DEFAULT_ACCOUNT
    ledger: Path | None = None
    policies: Path | None = None
    keys: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: Path | None = None


def serve(options: Options) -> None:
    """Serve until a signal ends it.

    Raises:
        StoreError: The store, the seed or the callers file cannot be used.
        TlsError: The certificate cannot be used.
    """
    engine, callers = open_engine(options)
    context = secured(options)
    faults = Faults()
    app: Application = KmsApi(engine, callers, faults)
    if callers.are_all_root:
        LOG.warning("no callers file: every caller is the account root, and key policies prove nothing")
    try:
        sockets = [_listen(options.host, options.port)]
        if options.admin_port is not None:
            sockets.append(_listen(LOOPBACK, options.admin_port))
            app = _with_admin(app, options.admin_port, Switches(engine.clock, faults))
        scheme = "http" if context is None else "https"
        LOG.info("local KMS on %s://%s:%d, data in %s", scheme, options.host, options.port, options.data)
        server(
            app,
            keep_alive_seconds=_KEEP_ALIVE_SECONDS,
            grace_seconds=_GRACE_SECONDS,
            tls={} if context is None else {sockets[0].getsockname()[1]: context},
            dates=False,
        ).run(sockets=sockets)
    finally:
        engine.close()


def secured(options: Options) -> ssl.SSLContext | None:
    """Return what TLS is spoken with; None: it is not.

    Raises:
        TlsError: The options do not fit together, or the certificate cannot be used.
    """
    from twinvault_kms import tls  # noqa: PLC0415  # certificates are read by those alone who speak TLS

    certificate, key, trusted = options.tls_cert, options.tls_key, options.tls_self_signed
    if (certificate is None) != (key is None) or (certificate is not None and trusted is not None):
        raise TlsError("TLS needs a certificate with its key, or one made up here.", next_step=_TLS_OPTIONS)
    if certificate is not None and key is not None:
        return tls.given(certificate, key)
    if trusted is not None:
        return tls.made_up(trusted, data=options.data, host=options.host, now=datetime.now(UTC))
    return None


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise StoreError(f"Port {port} on {host} cannot be opened.", next_step="Give another --port.") from error


def _with_admin(api: Application, admin_port: int, switches: Switches) -> Application:
    """Return one application for both ports: whoever comes in by the admin port gets the switches."""
    from twinvault_kms.admin import admin_app  # noqa: PLC0415  # Starlette is loaded only where it is used

    return on_two_ports(api, admin_app(switches), second=admin_port)


def open_engine(options: Options) -> tuple[Engine, Callers]:
    """Open the store and read the files that the options name.

    Raises:
        StoreError: One of them cannot be used.
    """
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if options.seed_file is not None:
        seed = load_seed(options.seed_file)
    else:
        seed = load_or_create_seed(options.data / "seed", fresh=secrets.token_bytes(SEED_BYTES))
    callers = read_callers(options.callers, account=options.account)
    policies = IdentityPolicies(options.policies)
    try:
        ledger = CallLedger(options.ledger)
    except BadLedgerError as error:
        raise StoreError(str(error), next_step="Move it away, or give another --ledger.") from None
    engine = Engine(Journal(options.data, seed=seed), KeyRing(seed), ledger=ledger, policies=policies)
    if options.keys is not None:
        _make_declared(engine, options.keys, account=options.account)
    return engine, callers


def _make_declared(engine: Engine, path: Path, *, account: str) -> None:
    making = Making(engine.ring, engine.clock.now(), secrets.token_bytes, account)
    try:
        if changes := declared_changes(path, engine.journal.catalog, making):
            engine.journal.append(changes)
    except StoreError:
        engine.close()
        raise
