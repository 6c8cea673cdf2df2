"""The engines that are our own: modules of this package, each a process of its own under this very Python."""

import sys
from pathlib import Path

import httpx


def kms_command(*, port: int, data: Path, seed: Path, callers: Path, policies: Path, ledger: Path) -> list[str]:
    """The local KMS on 127.0.0.1: its keys from `seed`, its store in `data`, who calls and may do what from files."""
    options = ("--port", str(port), "--data", str(data), "--seed-file", str(seed), "--callers", str(callers))
    return [*_module("twinvault_kms"), *options, "--policies", str(policies), "--ledger", str(ledger)]


def gate_command(
    *,
    port: int,
    admin_port: int,
    engine_port: int,
    namespace: str,
    provisioner: str,
    callers: Path,
    policies: Path,
    ledger: Path,
) -> list[str]:
    """The gate on 127.0.0.1, before the DynamoDB Local of this machine; its files are those of the state folder."""
    ports = ("--port", str(port), "--admin-port", str(admin_port), "--engine-port", str(engine_port))
    who = ("--namespace", namespace, "--provisioner", provisioner)
    files = ("--callers", str(callers), "--policies", str(policies), "--ledger", str(ledger))
    return [*_module("twinvault_gate"), *ports, *who, *files]


def issuer_command(*, port: int, data: Path, tenant_claim: str, permissions_claim: str, audience: str) -> list[str]:
    """The issuer on 127.0.0.1, its signing key in `data`, its tokens in the form that the stage expects."""
    claims = ("--tenant-claim", tenant_claim, "--permissions-claim", permissions_claim, "--audience", audience)
    names = ("--also-known-as", "host.docker.internal")  # by functions in containers
    return [*_module("twinvault_local.issuer"), "--port", str(port), "--data", str(data), *claims, *names]


def server_command(config: Path) -> list[str]:
    """The Lambda server as `config` describes it."""
    return [*_module("twinvault_lambda"), "--config", str(config)]


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with success."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _module(name: str) -> list[str]:
    # -P: a folder of the same name where the command was typed is not the module.
    return [sys.executable, "-P", "-m", name]
