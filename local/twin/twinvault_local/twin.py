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
from twinvault_local.engines import choice, dynamodb, gate, python, starting, workers
from twinvault_local.engines.launcher import AUTO, PROCESS
from twinvault_local.errors import EngineError, TemplateError
from twinvault_local.inner_loop import reloading
from twinvault_local.machine import files, ports, processes
from twinvault_local.machine.progress import Progress
from twinvault_local.provision import adopting, aws, callers, functions, permissions, policies, schedules
from twinvault_local.provision.ledger import Ledger
from twinvault_local.provision.provisioner import Provisioner
from twinvault_local.provision.template import ACCOUNT, Assembly, Known
from twinvault_local.readiness import Preparation, Ready
from twinvault_local.state import SERVER, StateFolder
from twinvault_local.status import Facts

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
        port: int | None = None,
        progress: Progress,
        launcher: str = PROCESS,
        asked_workers: str = AUTO,
    ) -> tuple[Facts, bool]:
        """Start everything; the twin's facts, and whether it had to be started at all.

        `make` gives the artifact and the assembly; `port` is the API's, else the one it had; `launcher` names the
        engines' launcher, for good once there is data; `asked_workers` is what the functions run in. What an earlier
        `up` left half-started, or what died since, is ended once all is there that a start needs. Whatever fails, and
        a Ctrl-C too, leaves nothing running that this call started, and nothing in the state folder that was not there.

        Raises:
            TwinError: with what happened and the next command.
        """
        self.state.check()
        before = self.state.holds()
        with self.state.lock():
            now = status.look(self.state)
            if now.running and now.facts:
                choice.refuse_other(self.state, launcher)
                return now.facts, False
            try:
                chosen = choice.choose(self.state, self.cache, asked=launcher, progress=progress)
                number = port or starting.api_port(self.state)
                ready = Preparation(self.state, self.cache).make(
                    make, chosen, port=number, progress=progress, asked_workers=asked_workers
                )
                return self._restart(ready, progress), True
            except BaseException:
                self.state.withdraw(before)
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

    def _restart(self, ready: Ready, progress: Progress) -> Facts:
        """End what is left of an earlier `up`, and start; what this starts ends again if it fails."""
        self._stop_all()
        choice.forget(self.state, self.cache)
        self.state.prepare()
        try:
            return self._start(ready, progress)
        except BaseException:
            self._stop_all()
            choice.forget(self.state, self.cache)
            raise

    def _start(self, ready: Ready, progress: Progress) -> Facts:
        assembly = ready.assembly
        self._admit(assembly)
        choice.remember(self.state, ready.launcher)
        endpoints = ready.launcher.start(ready.claims, provisioner=callers.PROVISIONER, progress=progress)
        known = self._provision(assembly, endpoints, progress)

        progress("starting the functions")
        task_root = self._unpack(ready.artifact)
        workers.remember(self.state, ready.workers)
        self._serve(self._config(ready, known, endpoints=endpoints, task_root=task_root))
        facts = Facts(
            url=f"http://{ports.LOOPBACK}:{ready.port}",
            launcher=ready.launcher.name,
            endpoints=endpoints,
            engine_access_key_id=dynamodb.NAMESPACE,
            tables=_table_names(assembly, known),
            region=assembly.region,
            artifact=task_root.name,
            workers=ready.workers.name,
        )
        status.remember(self.state, facts)
        starting.remember_port(self.state, ready.port)
        return facts

    def _config(self, ready: Ready, known: Known, *, endpoints: Mapping[str, str], task_root: Path) -> ServerConfig:
        """What the template says of the functions and of whoever invokes them, for the Lambda server."""
        assembly = ready.assembly
        overrides = _overrides(endpoints, task_root.name, host=ready.workers.host)
        caller = partial(callers.read, self.state.callers)
        api = functions.read_api(assembly, known, overrides=overrides, caller=caller)
        try:
            return ServerConfig(
                api_port=ready.port,
                region=assembly.region,
                account=ACCOUNT,
                python=ready.workers.python,
                task_root=task_root,
                runtime_dir=ready.workers.runtime,
                containers=ready.workers.containers,
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
        workers.remove(self.state)
        self.state.twin.unlink(missing_ok=True)
        return stopped + choice.stop(self.state, self.cache)


def _overrides(endpoints: Mapping[str, str], artifact: str, *, host: str) -> dict[str, str]:
    """The values that differ from production, and nothing else; table names and key ids come from provisioning.

    `host` is what workers call this machine. The issuer's name is compared and not asked: it is the one in its tokens.
    """
    reached = {name: url.replace(f"//{ports.LOOPBACK}:", f"//{host}:") for name, url in endpoints.items()}
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": reached["dynamodb"],
        "AWS_ENDPOINT_URL_KMS": reached["kms"],
        "TWINVAULT_ISSUER": endpoints["issuer"],
        "TWINVAULT_JWKS_URL": f"{reached['issuer']}/.well-known/jwks.json",
        reloading.ARTIFACT: artifact,
    }


def _table_names(assembly: Assembly, known: Known) -> dict[str, str]:
    outputs = assembly.outputs(known)
    if missing := [output for output in _TABLES.values() if output not in outputs]:
        raise TemplateError(f"The template has no output {', '.join(missing)}.")
    adopted = {path.rpartition("/")[2]: name for path, name in adopting.adopted(assembly).items()}
    return {table: adopted.get(output.removesuffix("Table"), outputs[output]) for table, output in _TABLES.items()}
