"""The twin: up, down, reset. What it starts it stops again when something fails in between."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from twinvault_lambda.config import ServerConfig
from twinvault_lambda.errors import ServerConfigError
from twinvault_local import lambda_server, status
from twinvault_local.artifact import archive, sources
from twinvault_local.engines import choice, dynamodb, gate, python, starting
from twinvault_local.engines.launcher import PROCESS, Claims, Launcher
from twinvault_local.errors import EngineError, PortInUseError, TemplateError
from twinvault_local.inner_loop import reloading
from twinvault_local.machine import disk, files, ports, processes, toolchain
from twinvault_local.machine.progress import Progress
from twinvault_local.provision import adopting, aws, callers, functions, permissions, policies, schedules
from twinvault_local.provision.ledger import Ledger
from twinvault_local.provision.provisioner import Provisioner
from twinvault_local.provision.template import ACCOUNT, Assembly, Known
from twinvault_local.state import SERVER, StateFolder
from twinvault_local.status import Facts

DEFAULT_PORT = 8787
_TABLES = {"records": "RecordsTable", "keys": "KeysTable", "marks": "MarksTable", "audit": "AuditTable"}


@dataclass(frozen=True, slots=True)
class Twin:
    """One twin: its state folder, and the cache that all twins of a checkout share."""

    state: StateFolder
    cache: Path

    def up(
        self,
        make: Callable[[Progress], sources.Sources],
        *,
        port: int,
        progress: Progress,
        launcher: str = PROCESS,
    ) -> tuple[Facts, bool]:
        """Start everything; the twin's facts, and whether it had to be started at all.

        `make` gives the artifact and the assembly; `launcher` names the engines' launcher, for good once there is data.
        What an earlier `up` left half-started, or what died since, is ended first. Whatever fails, and a Ctrl-C too,
        leaves nothing running that this call started.

        Raises:
            TwinError: with what happened and the next command.
        """
        self.state.check()
        with self.state.lock():
            now = status.look(self.state)
            if now.running and now.facts:
                choice.refuse_other(self.state, launcher)
                return now.facts, False
            chosen = choice.choose(self.state, self.cache, asked=launcher, progress=progress)
            self._stop_all()
            choice.forget(self.state, self.cache)
            self.state.prepare()
            _refuse_used(port)
            disk.refuse_full(self.state.folder)
            try:
                return self._start(make(progress), chosen, port, progress), True
            except BaseException:
                self._stop_all()
                choice.forget(self.state, self.cache)
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
                choice.wipe(self.state, self.cache)
                self.state.wipe()

    def _start(self, made: sources.Sources, launcher: Launcher, port: int, progress: Progress) -> Facts:
        base = toolchain.base_python()
        assembly = Assembly.load(made.assembly)
        runtime = toolchain.ensure_lambda_runtime(self.cache, base)
        self._admit(assembly)
        choice.remember(self.state, launcher)
        endpoints = launcher.start(_claims(assembly), provisioner=callers.PROVISIONER, progress=progress)
        known = self._provision(assembly, endpoints, progress)

        progress("starting the functions")
        task_root = self._unpack(made.artifact)
        config = self._config(
            assembly, known, port=port, endpoints=endpoints, python=base, runtime=runtime, task_root=task_root
        )
        self._serve(config)
        facts = Facts(
            url=f"http://{ports.LOOPBACK}:{port}",
            launcher=launcher.name,
            endpoints=endpoints,
            engine_access_key_id=dynamodb.NAMESPACE,
            tables=_table_names(assembly, known),
            region=assembly.region,
            artifact=task_root.name,
        )
        status.remember(self.state, facts)
        return facts

    def _config(
        self,
        assembly: Assembly,
        known: Known,
        *,
        port: int,
        endpoints: Mapping[str, str],
        python: Path,
        runtime: Path,
        task_root: Path,
    ) -> ServerConfig:
        """What the template says of the functions and of whoever invokes them, for the Lambda server."""
        overrides, caller = _overrides(endpoints, task_root.name), partial(callers.read, self.state.callers)
        api = functions.read_api(assembly, known, overrides=overrides, caller=caller)
        try:
            return ServerConfig(
                api_port=port,
                region=assembly.region,
                account=ACCOUNT,
                python=python,
                task_root=task_root,
                runtime_dir=runtime,
                log_dir=self.state.logs,
                functions=api.functions,
                routes=api.routes,
                schedules=schedules.schedules(assembly, known),
                permissions=permissions.permissions(assembly, known),
                ledger=self.state.ledger_of(SERVER),
                throttle=api.throttle,
                cors=api.cors,
                access_log_format=api.access_log_format,
                integration_timeout_seconds=api.integration_timeout_seconds,
            )
        except ServerConfigError as error:
            raise TemplateError(f"The template: {error.message}.") from None

    def _admit(self, assembly: Assembly) -> None:
        """Write who may call gate and KMS, and that no policy lets any function in yet."""
        listed = callers.table(callers.roles(assembly), seed=self.state.seed.read_bytes().strip())
        files.write_json(self.state.callers, listed)
        files.write_json(self.state.policies, policies.NONE)

    def _serve(self, config: ServerConfig) -> None:
        lambda_server.write(self.state, config)
        starting.launch(self.state, SERVER, python.server_command(self.state.server))
        # The server prints `ready` when each function has a worker: the first request is not to wait for one.
        starting.await_ready(self.state, SERVER, lambda: "ready " in processes.output(self.state.slot(SERVER)))

    def _unpack(self, zipped: Path) -> Path:
        """The unpacked artifact; those before it go: nothing runs from them any more."""
        task_root = archive.unpack(zipped, self.state.artifact)
        reloading.forget_others(self.state, [task_root])
        return task_root

    def _provision(self, assembly: Assembly, endpoints: Mapping[str, str], progress: Progress) -> Known:
        """Make what the template asks for, and let the gate enforce what it says; all that references may name."""
        progress("making tables and keys from the synthesized template")
        region, caller = assembly.region, callers.read(self.state.callers, callers.PROVISIONER)
        provisioner = Provisioner(
            assembly=assembly,
            ledger=Ledger(self.state.provisioned),
            dynamodb=aws.dynamodb_client(endpoints["dynamodb"], region=region, caller=caller),
            kms=aws.kms_client(endpoints["kms"], region=region, caller=caller),
            progress=progress,
        )
        try:
            made = provisioner.run()
        except (BotoCoreError, ClientError) as error:
            raise EngineError(
                f"Tables and keys could not be made: {error}",
                next_step=f"See what the engines say: {self.state.logs}/dynamodb.log, gate.log and kms.log",
            ) from error
        known = {**callers.roles(assembly), **functions.arns(assembly), **made}
        files.write_json(self.state.policies, policies.policies_file(assembly, known))
        gate.reload(endpoints)
        return known

    def _stop_all(self) -> list[str]:
        """Stop the server, then the engines; the server too where the engines are in a Docker that does not answer."""
        stopped = [SERVER] if processes.stop(self.state.slot(SERVER)) else []
        self.state.twin.unlink(missing_ok=True)
        return stopped + choice.stop(self.state, self.cache)


def _refuse_used(port: int) -> None:
    if not ports.is_free(port):
        who = ports.listener(port) or "another program"
        raise PortInUseError(
            f"Port {port} is in use: {who} listens on it.",
            next_step="End that program, or choose another port: twinvault up --port 8790",
        )


def _overrides(endpoints: Mapping[str, str], artifact: str) -> dict[str, str]:
    """The values that differ from production, and nothing else; table names and key ids come from provisioning."""
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": endpoints["dynamodb"],
        "AWS_ENDPOINT_URL_KMS": endpoints["kms"],
        "TWINVAULT_ISSUER": endpoints["issuer"],
        "TWINVAULT_JWKS_URL": f"{endpoints['issuer']}/.well-known/jwks.json",
        reloading.ARTIFACT: artifact,
    }


def _claims(assembly: Assembly) -> Claims:
    """The form of the tokens that the functions expect, as the template tells them."""
    variables = ("TWINVAULT_AUDIENCE", "TWINVAULT_TENANT_CLAIM", "TWINVAULT_PERMISSIONS_CLAIM")
    for resource in assembly.resources(functions.FUNCTION):
        declared = resource.properties.get("Environment", {}).get("Variables", {})
        if all(isinstance(declared.get(name), str) for name in variables):
            return Claims(*(declared[name] for name in variables))
    raise TemplateError(f"No function of the template declares {', '.join(variables)}.")


def _table_names(assembly: Assembly, known: Known) -> dict[str, str]:
    outputs = assembly.outputs(known)
    if missing := [output for output in _TABLES.values() if output not in outputs]:
        raise TemplateError(f"The template has no output {', '.join(missing)}.")
    adopted = {path.rpartition("/")[2]: name for path, name in adopting.adopted(assembly).items()}
    return {table: adopted.get(output.removesuffix("Table"), outputs[output]) for table, output in _TABLES.items()}
