"""The engines in Docker: docker-compose.yml with keys, seed, callers and policies from the state folder.

DynamoDB's data lies in a volume of the state folder's own Compose project. For each container, `run/` names the process
that follows its log. That one lives as long as the container, so `status` and `logs` work as they do where the engines
are plain processes.
"""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault_local.engines import docker, dynamodb, image, starting
from twinvault_local.engines.docker import Docker
from twinvault_local.engines.launcher import DOCKER, Claims
from twinvault_local.errors import EngineError, FetchError, ToolMissingError
from twinvault_local.machine import files, processes
from twinvault_local.machine.checkout import ROOT
from twinvault_local.machine.progress import Progress
from twinvault_local.state import DYNAMODB, GATE, ISSUER, KMS, StateFolder

if TYPE_CHECKING:
    import subprocess

DYNAMODB_IMAGE = f"amazon/dynamodb-local:{dynamodb.VERSION}"
_COMPOSE_FILES = (ROOT / "docker-compose.yml", ROOT / "local" / "twin" / "compose.state.yml")
_AGAIN = "Check the network, then type the command again."
_OTHERWISE = f"{_AGAIN} Or run the engines as plain processes: twinvault up --launcher process"


@dataclass(frozen=True, slots=True)
class DockerLauncher:
    """Runs the engines as containers. DynamoDB's data lies in a volume, all else in the state folder."""

    state: StateFolder
    engine: Docker
    project: str
    name: str = DOCKER

    def ready(self, progress: Progress) -> None:
        """Pull and build the images that are missing."""
        self._ensure_images(self._no_variables(), progress)

    def start(self, claims: Claims, *, provisioner: str, progress: Progress) -> dict[str, str]:
        """Pull and build what is missing, and start the containers; where they answer on this machine."""
        chosen = starting.choose_ports(self.state)
        variables = self._variables(chosen, claims, provisioner=provisioner)
        self._ensure_images(variables, progress)
        progress(f"starting DynamoDB Local {dynamodb.VERSION}, the gate, the local KMS and the issuer in Docker")
        files.write_json(self.state.containers, {"project": self.project})
        done = self._compose("up", "--detach", "--no-build", "--force-recreate", "--remove-orphans", **variables)
        if done.returncode != 0:
            raise EngineError(
                f"Docker could not start the engines:\n{docker.tail(done)}",
                next_step="Mend what Docker says, then type the command again.",
            )
        for name in starting.ENGINES:
            follow = self.engine.command("logs", "--follow", f"{self.project}-{name}-1")
            starting.launch(self.state, name, follow)
        told = starting.endpoints(chosen)
        starting.await_engines(self.state, told)
        return told

    def stop(self) -> list[str]:
        """Remove the containers and their network; the volume with the data stays."""
        places = {name: self.state.slot(name) for name in starting.ENGINES}
        stopped = [name for name, place in places.items() if processes.running(place)]
        if self.state.containers.exists():
            self._down()
        for place in places.values():
            processes.stop(place)
        return stopped

    def wipe(self) -> None:
        """Delete the volume with DynamoDB's data."""
        self._down("--volumes")

    def _down(self, *options: str) -> None:
        done = self._compose("down", "--remove-orphans", *options, **self._no_variables())
        if done.returncode != 0:
            raise EngineError(
                f"Docker could not stop the engines:\n{docker.tail(done)}",
                next_step="Mend what Docker says, then type the command again.",
            )
        self.state.containers.unlink(missing_ok=True)

    def _ensure_images(self, variables: dict[str, str], progress: Progress) -> None:
        # Data that lies in Docker already leaves no choice.
        next_step = _AGAIN if self.state.provisioned.exists() else _OTHERWISE
        if not self.engine.has_image(DYNAMODB_IMAGE):
            progress(f"pulling {DYNAMODB_IMAGE} (once)")
            done = self._compose("pull", "--quiet", DYNAMODB, **variables)
            if done.returncode != 0:
                raise FetchError(f"Docker could not pull {DYNAMODB_IMAGE}:\n{docker.tail(done)}", next_step=next_step)
        if not self.engine.has_image(variables["TWINVAULT_IMAGE"]):
            progress("building the image of the gate, the local KMS and the issuer (once for each change of them)")
            done = self._compose("build", KMS, **variables)
            if done.returncode != 0:
                raise FetchError(
                    f"Docker could not build the image of the gate, the local KMS and the issuer:\n{docker.tail(done)}",
                    next_step=next_step,
                )

    def _variables(self, chosen: dict[str, int], claims: Claims, *, provisioner: str) -> dict[str, str]:
        """The variables of the two Compose files."""
        owner = self.state.folder.stat()
        return {
            "TWINVAULT_IMAGE": image.tag(),
            "TWINVAULT_NETWORK": self.project,
            "TWINVAULT_FOLDER": str(self.state.folder),
            # A rootless engine's root is the user that runs it.
            "TWINVAULT_USER": "0:0" if self.engine.rootless else f"{owner.st_uid}:{owner.st_gid}",
            "TWINVAULT_DYNAMODB_PORT": str(chosen[GATE]),
            "TWINVAULT_DYNAMODB_ENGINE_PORT": str(chosen[DYNAMODB]),
            "TWINVAULT_GATE_ADMIN_PORT": str(chosen[starting.GATE_ADMIN]),
            "TWINVAULT_KMS_PORT": str(chosen[KMS]),
            "TWINVAULT_ISSUER_PORT": str(chosen[ISSUER]),
            "TWINVAULT_PROVISIONER": provisioner,
            "TWINVAULT_AUDIENCE": claims.audience,
            "TWINVAULT_TENANT_CLAIM": claims.tenant_claim,
            "TWINVAULT_PERMISSIONS_CLAIM": claims.permissions_claim,
        }

    def _no_variables(self) -> dict[str, str]:
        """The variables, for a command that starts nothing."""
        return self._variables(dict.fromkeys(starting.LISTENERS, 0), Claims("", "", ""), provisioner="")

    def _compose(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        named = [option for file in _COMPOSE_FILES for option in ("--file", str(file))]
        options = ("--project-name", self.project, *named, "--ansi", "never", "--progress", "plain")
        return self.engine.run("compose", *options, *arguments, **variables)


def require_images() -> None:
    """Refuse where nothing is there to make the engines' images from (ToolMissingError): wheels hold no Dockerfile."""
    if not _COMPOSE_FILES[0].is_file():
        raise ToolMissingError(
            "Engines run in Docker from a checkout of Twinvault alone, and this is an installed one."
        )


def new_project() -> str:
    """A name for the containers, the network and the volume of one state folder, of no other on this machine."""
    return f"twinvault-{secrets.token_hex(4)}"
