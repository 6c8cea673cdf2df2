"""One whole twin, brought up from the checkout as `twinvault up` does it, in a state folder and on ports of its own."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from samples import canonical

from twinvault_local import tokens
from twinvault_local.artifact import sources
from twinvault_local.artifact.project import Project
from twinvault_local.artifact.sources import Sources
from twinvault_local.machine import processes
from twinvault_local.machine.ports import free_port
from twinvault_local.provision import aws, callers
from twinvault_local.state import SERVER, StateFolder
from twinvault_local.status import Facts
from twinvault_local.twin import Twin

ROOT = Path(__file__).parents[2]


@dataclass
class Vault:
    """A twin that is up, and a caller of it."""

    twin: Twin
    facts: Facts
    made: Sources

    def token(self, tenant: str = "acme", **options: Any) -> str:
        return tokens.mint_token(self.twin.state, tenant=tenant, **options)

    def call(
        self, method: str, path: str, *, tenant: str = "acme", token: str | None = None, content: bytes | None = None
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.token(tenant)}", "content-type": "application/json"}
        url = self.facts.url + path
        return httpx.request(method, url, content=content, headers=headers, timeout=40, trust_env=False)

    def load(self, document: Any, **options: Any) -> httpx.Response:
        body = document if isinstance(document, bytes) else canonical(document)
        return self.call("POST", "/dialogues/import", content=body, **options)

    def export(self, dialogue_id: str, **options: Any) -> httpx.Response:
        return self.call("GET", f"/dialogues/{dialogue_id}/export", **options)

    def items(self, table: str) -> list[dict[str, Any]]:
        pages = self.dynamodb().get_paginator("scan").paginate(TableName=self.facts.tables[table])
        return [item for page in pages for item in page["Items"]]

    def dynamodb(self) -> Any:
        """The tables as the operator sees them, through the gate."""
        operator = callers.read(self.twin.state.callers, callers.OPERATOR)
        return aws.dynamodb_client(self.facts.endpoints["dynamodb"], region=self.facts.region, caller=operator)

    def workers(self, function: str) -> list[int]:
        """The process ids of a function's workers, as the machine lists them."""
        server = processes.running(self.twin.state.slot(SERVER))
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if b"awslambdaric" in command and function.encode() in command and parent == server:
                found.append(int(entry.name))
        return found


def make_sources(folder: Path) -> Sources:
    """The checkout's artifact and templates as they are now."""
    return sources.copied(sources.ensure(Project.read(ROOT), environ=os.environ, progress=lambda _: None), folder)


def bring_up(state: Path, made: Sources) -> Vault:
    """A twin of these sources, up, on ports of its own."""
    twin = Twin(StateFolder(state), ROOT / ".cache")
    facts, _ = twin.up(lambda _: made, port=free_port(), progress=lambda _: None)
    return Vault(twin, facts, made)
