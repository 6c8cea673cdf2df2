"""The engines as plain processes of this machine."""

from dataclasses import dataclass
from pathlib import Path

from twinvault_local.engines import dynamodb, python, starting
from twinvault_local.engines.launcher import PROCESS, Claims
from twinvault_local.machine import processes, toolchain
from twinvault_local.machine.progress import Progress
from twinvault_local.machine.system import Machine
from twinvault_local.state import DYNAMODB, GATE, ISSUER, KMS, StateFolder


@dataclass(frozen=True, slots=True)
class ProcessLauncher:
    """Runs the engines as processes of this user. All data lies in the state folder."""

    state: StateFolder
    cache: Path
    name: str = PROCESS

    def ready(self, progress: Progress) -> None:
        """Find Java and fetch the engine."""
        dynamodb.refuse_other_processors(Machine.here())
        toolchain.find_java()
        dynamodb.ensure(self.cache, progress=progress)

    def start(self, claims: Claims, *, provisioner: str, progress: Progress) -> dict[str, str]:
        """Start the engines side by side; where they answer."""
        java, engine = toolchain.find_java(), dynamodb.ensure(self.cache, progress=progress)
        progress(f"starting DynamoDB Local {dynamodb.VERSION}, the gate before it, the local KMS and the issuer")
        state, chosen = self.state, starting.choose_ports(self.state)
        commands = {
            ISSUER: python.issuer_command(
                port=chosen[ISSUER],
                data=state.issuer,
                audience=claims.audience,
                tenant_claim=claims.tenant_claim,
                permissions_claim=claims.permissions_claim,
            ),
            KMS: python.kms_command(
                port=chosen[KMS],
                data=state.kms,
                seed=state.seed,
                callers=state.callers,
                policies=state.policies,
                ledger=state.ledger_of(KMS),
            ),
            DYNAMODB: dynamodb.command(java, engine, port=chosen[DYNAMODB], data=state.dynamodb),
            GATE: python.gate_command(
                port=chosen[GATE],
                admin_port=chosen[starting.GATE_ADMIN],
                engine_port=chosen[DYNAMODB],
                namespace=dynamodb.NAMESPACE,
                provisioner=provisioner,
                callers=state.callers,
                policies=state.policies,
                ledger=state.ledger_of(GATE),
            ),
        }
        for name, command in commands.items():
            starting.launch(state, name, command)
        told = starting.endpoints(chosen)
        starting.await_engines(state, told)
        return told

    def stop(self) -> list[str]:
        """End them; the names of what had been running."""
        return [name for name in starting.ENGINES if processes.stop(self.state.slot(name))]

    def wipe(self) -> None:
        """Nothing of it lies outside the state folder."""
