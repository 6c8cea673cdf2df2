"""The twin: up, down, reset. What it starts it stops again when something fails in between."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from twinvault_local import (
    artifact,
    aws,
    callers,
    files,
    ports,
    processes,
    serving,
    sources,
    status,
    toolchain,
    waiting,
)
from twinvault_local.engines import dynamodb, python
from twinvault_local.errors import EngineError, PortInUseError, TemplateError
from twinvault_local.lambda_runtime.config import ServerConfig
from twinvault_local.ledger import Ledger
from twinvault_local.provision import Provisioner
from twinvault_local.state import State
from twinvault_local.status import DYNAMODB, ISSUER, KMS, SERVER, SERVICES, Facts
from twinvault_local.template import ACCOUNT, Assembly, Known

type Progress = Callable[[str], None]

DEFAULT_PORT = 8787
ROUTE = "process"
START_SECONDS = 60
_TABLES = {"records": "RecordsTable", "keys": "KeysTable", "audit": "AuditTable", "checkpoints": "CheckpointsTable"}
# What a process of the twin sees of this machine: no credentials, no proxies, no settings of any SDK.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": os.defpath}


@dataclass(frozen=True, slots=True)
class Twin:
    """One twin: its state folder, and the cache that all twins of a checkout share."""

    state: State
    cache: Path

    def up(self, make: Callable[[Progress], sources.Sources], *, port: int, progress: Progress) -> tuple[Facts, bool]:
        """Start everything; the twin's facts, and whether it had to be started at all.

        `make` gives the artifact and the assembly. What an earlier `up` left half-started, or what died since, is ended
        first. Whatever fails, and a Ctrl-C too, leaves nothing running that this call started.

        Raises:
            TwinError: with what happened and the next command.
        """
        self.state.check()
        with self.state.lock():
            now = status.look(self.state)
            if now.running and now.facts:
                return now.facts, False
            self._stop_all()
            self.state.prepare()
            _refuse_used(port)
            try:
                return self._start(make(progress), port, progress), True
            except BaseException:
                self._stop_all()
                raise

    def down(self) -> list[str]:
        """Stop everything that `up` started and nothing else; the names of what had been running."""
        if not self.state.folder.exists():
            return []
        self.state.refuse_strangers()
        with self.state.lock():
            return self._stop_all()

    def reset(self) -> None:
        """Stop everything, and delete data and keys for good."""
        if self.state.folder.exists():
            self.state.refuse_strangers()
            with self.state.lock():
                self._stop_all()
                self.state.wipe()

    def _start(self, made: sources.Sources, port: int, progress: Progress) -> Facts:
        base, java = toolchain.base_python(), toolchain.find_java()
        assembly = Assembly.load(made.assembly)
        engine = dynamodb.ensure(self.cache, progress=progress)
        runtime = toolchain.ensure_lambda_runtime(self.cache, base)
        known = {**callers.roles(assembly), **serving.functions(assembly)}
        files.write_json(self.state.callers, callers.table(callers.roles(assembly)))
        endpoints = self._start_engines(java, engine, assembly, progress)
        known |= self._provision(assembly, endpoints, progress)

        progress("starting the functions")
        task_root = self._unpack(made.artifact)
        service = serving.describe(assembly, known, overrides=_overrides(endpoints))
        config = ServerConfig(
            api_port=port,
            region=assembly.region,
            account=ACCOUNT,
            python=base,
            task_root=task_root,
            runtime_dir=runtime,
            bytecode_dir=self.state.bytecode,
            log_dir=self.state.logs,
            functions=service.functions,
            routes=service.routes,
            throttle=service.throttle,
            cors=service.cors,
            access_log_format=service.access_log_format,
            integration_timeout_seconds=service.integration_timeout_seconds,
        )
        files.write(self.state.server, config.to_json().encode())
        url = f"http://{ports.LOOPBACK}:{port}"
        self._launch(SERVER, python.server_command(self.state.server))
        # It answers at once, and says so when each function has a worker: the first request shall find one.
        self._await(SERVER, lambda: "ready " in processes.output(status.slot(self.state, SERVER)))
        told = Facts(url, ROUTE, endpoints, _table_names(assembly, known), assembly.region, task_root.name)
        status.remember(self.state, told)
        return told

    def _unpack(self, zipped: Path) -> Path:
        """The unpacked artifact; those before it, and their compiled modules, go: nothing runs from them any more."""
        current = artifact.sha256(zipped)
        if stale := [path for path in self.state.artifact.iterdir() if path.name != current]:
            for path in [*stale, *self.state.bytecode.iterdir()]:
                shutil.rmtree(path)
        return artifact.unpack(zipped, self.state.artifact)

    def _start_engines(self, java: Path, engine: Path, assembly: Assembly, progress: Progress) -> dict[str, str]:
        """Start the three engines side by side; where they answer."""
        progress(f"starting DynamoDB Local {dynamodb.VERSION}, the local KMS and the issuer")
        chosen = self._choose_ports()
        commands = {
            ISSUER: python.issuer_command(port=chosen[ISSUER], data=self.state.issuer, **_claims(assembly)),
            KMS: python.kms_command(
                port=chosen[KMS], data=self.state.kms, seed=self.state.seed, callers=self.state.callers
            ),
            DYNAMODB: dynamodb.command(java, engine, port=chosen[DYNAMODB], data=self.state.dynamodb),
        }
        endpoints = {name: f"http://{ports.LOOPBACK}:{chosen[name]}" for name in (DYNAMODB, KMS, ISSUER)}
        for name, command in commands.items():
            self._launch(name, command)
        for name, endpoint in endpoints.items():
            self._await(name, partial(status.answers, name, endpoint))
        return endpoints

    def _provision(self, assembly: Assembly, endpoints: Mapping[str, str], progress: Progress) -> Known:
        progress("making tables and keys from the synthesized template")
        who = {"region": assembly.region, "access_key_id": callers.OPERATOR}
        provisioner = Provisioner(
            assembly=assembly,
            ledger=Ledger(self.state.provisioned),
            dynamodb=aws.dynamodb_client(endpoints[DYNAMODB], **who),
            kms=aws.kms_client(endpoints[KMS], **who),
            progress=progress,
        )
        try:
            return provisioner.run()
        except (BotoCoreError, ClientError) as error:
            raise EngineError(
                f"Tables and keys could not be made: {error}",
                next_step=f"See what the engines say: {self.state.logs}/dynamodb.log and kms.log",
            ) from error

    def _choose_ports(self) -> dict[str, int]:
        """The engines' ports: as the last time where still free, so that what was noted elsewhere stays true."""
        kept = files.read_json(self.state.ports)
        chosen = {}
        for name in (DYNAMODB, KMS, ISSUER):
            port = kept.get(name)
            chosen[name] = port if isinstance(port, int) and ports.is_free(port) else ports.free_port()
        files.write_json(self.state.ports, chosen)
        return chosen

    def _launch(self, name: str, command: list[str]) -> None:
        processes.start(status.slot(self.state, name), command, environment=_ENVIRONMENT)

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        place = status.slot(self.state, name)

        def alive() -> bool:
            return processes.running(place) is not None

        if not waiting.until(ready, seconds=START_SECONDS, alive=alive):
            what = f"is not ready within {START_SECONDS} s" if alive() else "ended at once"
            raise EngineError(
                f"The twin's {name} {what}. It said:\n{processes.last_words(place)}",
                next_step=f"See the whole of it: {place.log}",
            )

    def _stop_all(self) -> list[str]:
        stopped = [name for name in reversed(SERVICES) if processes.stop(status.slot(self.state, name))]
        self.state.twin.unlink(missing_ok=True)
        return stopped


def _refuse_used(port: int) -> None:
    if not ports.is_free(port):
        who = ports.listener(port) or "another program"
        raise PortInUseError(
            f"Port {port} is in use: {who} listens on it.",
            next_step="End that program, or choose another port: twinvault up --port 8790",
        )


def _overrides(endpoints: Mapping[str, str]) -> dict[str, str]:
    """The values that differ from production, and nothing else; table names and key ids come from provisioning."""
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": endpoints[DYNAMODB],
        "AWS_ENDPOINT_URL_KMS": endpoints[KMS],
        "TWINVAULT_ISSUER": endpoints[ISSUER],
        "TWINVAULT_JWKS_URL": f"{endpoints[ISSUER]}/.well-known/jwks.json",
    }


def _claims(assembly: Assembly) -> dict[str, str]:
    """The form of the tokens that the functions expect, as the template tells them."""
    wanted = {
        "audience": "TWINVAULT_AUDIENCE",
        "tenant_claim": "TWINVAULT_TENANT_CLAIM",
        "permissions_claim": "TWINVAULT_PERMISSIONS_CLAIM",
    }
    for resource in assembly.resources(serving.FUNCTION):
        declared = resource.properties.get("Environment", {}).get("Variables", {})
        if all(isinstance(declared.get(name), str) for name in wanted.values()):
            return {option: declared[name] for option, name in wanted.items()}
    raise TemplateError(f"No function of the template declares {', '.join(wanted.values())}.")


def _table_names(assembly: Assembly, known: Known) -> dict[str, str]:
    outputs = assembly.outputs(known)
    if missing := [output for output in _TABLES.values() if output not in outputs]:
        raise TemplateError(f"The template has no output {', '.join(missing)}.")
    return {table: outputs[output] for table, output in _TABLES.items()}
