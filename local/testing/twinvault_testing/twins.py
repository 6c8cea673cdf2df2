"""A whole twin for one test session: a project's artifact in workers, behind its API, gate, KMS and issuer."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from twinvault import TableNames
from twinvault_local import calling, lambda_server, tokens
from twinvault_local.artifact import sources
from twinvault_local.artifact.project import Project
from twinvault_local.artifact.sources import Sources
from twinvault_local.errors import PortInUseError
from twinvault_local.issuer import DEFAULT_SECONDS
from twinvault_local.machine.ports import free_port
from twinvault_local.provision import aws, callers
from twinvault_local.state import StateFolder
from twinvault_local.status import Facts
from twinvault_local.twin import Twin
from twinvault_testing.clock import MovableClock
from twinvault_testing.faults import FaultsByName
from twinvault_testing.keeper import kept

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

_TRIES = 3
_ANSWER_SECONDS = 40  # longer than an API waits for a function


@dataclass(frozen=True)
class RunningTwin:
    """A twin that is up; `clock` is what its tokens go by, and its workers do not."""

    state: StateFolder
    facts: Facts
    clock: MovableClock
    permissions: tuple[str, ...]
    _clients: list[httpx.Client] = field(default_factory=list, repr=False)

    @property
    def url(self) -> str:
        """Where its API answers."""
        return self.facts.url

    @property
    def tables(self) -> TableNames:
        """The tables' names."""
        told = self.facts.tables
        return TableNames(told["records"], told["keys"], told["marks"], told["audit"])

    @cached_property
    def root_key(self) -> str:
        """The id of the root key."""
        made = json.loads(self.state.provisioned.read_bytes())
        return next(str(name) for path, name in made.items() if path.endswith("/RootKey"))

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The tables as the operator sees them, through the gate."""
        return aws.dynamodb_client(self.facts.endpoints["dynamodb"], region=self.facts.region, caller=self._operator)

    @cached_property
    def kms(self) -> "KMSClient":
        """The keys, for whoever administers them and opens nothing: the account's root."""
        return aws.kms_client(self.facts.endpoints["kms"], region=self.facts.region, caller=self._operator)

    @cached_property
    def faults(self) -> FaultsByName:
        """What goes wrong with it, by name: of the gate all, of the KMS what a key's state says."""
        return FaultsByName(
            gate=self.facts.endpoints["gate_admin"],
            kms_admin=None,
            dynamodb=self.dynamodb,
            kms=self.kms,
            records=self.tables.records,
            root_key=self.root_key,
        )

    def token(
        self,
        *,
        tenant: str,
        permissions: Sequence[str] | None = None,
        subject: str = tokens.SUBJECT,
        expires_in: int = DEFAULT_SECONDS,
    ) -> str:
        """A bearer token, issued at the time that `clock` says; for a negative `expires_in`, one that has expired."""
        asked = self.permissions if permissions is None else permissions
        return tokens.mint_token(
            self.state,
            tenant=tenant,
            subject=subject,
            permissions=asked,
            expires_in=expires_in,
            issued_at=int(self.clock()) if self.clock.moved else None,
        )

    def client(self, token: str = "") -> httpx.Client:
        """A client of the API that shows this token; without one, nobody's. Closed with the twin."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        made = httpx.Client(base_url=self.url, headers=headers, timeout=_ANSWER_SECONDS, trust_env=False)
        self._clients.append(made)
        return made

    def environment(self, function: str | None = None) -> dict[str, str]:
        """What `twinvault env` prints: endpoints and names, and with a function's full name its credentials.

        Raises:
            ValueError: there is no such function.
        """
        names = [one.name for one in lambda_server.read(self.state).functions]
        if function is not None and function not in names:
            raise ValueError(f"{function}: there is no such function, but {', '.join(names)}")
        return {name: value for name, value in calling.variables(self.state, function).items() if value is not None}

    def close(self) -> None:
        """End its connections."""
        for client in self._clients:
            client.close()
        for name in ("dynamodb", "kms", "faults"):
            if name in self.__dict__:
                self.__dict__[name].close()

    @property
    def _operator(self) -> callers.AccessKey:
        return callers.read(self.state.callers, callers.OPERATOR)


@contextmanager
def running_twin(
    project: Project, folder: Path, *, cache: Path, clock: MovableClock, permissions: Sequence[str]
) -> Iterator[RunningTwin]:
    """The twin of a project in `folder`, on free ports, until this is left or the process dies.

    Raises:
        TwinError: it cannot be built or started; says what to type.
    """
    state = StateFolder(folder / "twin")
    with kept(state, cache):
        facts = _up(Twin(state, cache), _sources(project, folder / "made"))
        twin = RunningTwin(state, facts, clock, tuple(permissions))
        try:
            yield twin
        finally:
            twin.close()


def _sources(project: Project, folder: Path) -> Sources:
    """The project's artifact and templates as they are now."""
    return sources.copied(sources.ensure(project, environ=os.environ, progress=lambda _: None), folder)


def _up(twin: Twin, made: Sources) -> Facts:
    for left in reversed(range(_TRIES)):
        try:
            return twin.up(lambda _: made, port=free_port(), progress=lambda _: None)[0]
        except PortInUseError:
            if not left:
                raise
    raise AssertionError  # never reached: the last try raises
