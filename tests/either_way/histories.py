"""One state, served by one release and then another: what each wrote, everybody reads."""

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from previous import Release
from samples import canonical, dialogue
from vaults import ROOT, Vault

from twinvault_lambda.config import ServerConfig
from twinvault_local import lambda_server
from twinvault_local.artifact import archive
from twinvault_local.engines import python
from twinvault_local.machine import waiting
from twinvault_local.machine.ports import LOOPBACK, free_port
from twinvault_local.state import StateFolder
from twinvault_local.twin import Twin

TENANTS = ("acme", "umbra")
START_SECONDS = 120
WORK_SECONDS = 600
REWRITE = json.dumps({"work": "rewrite", "kind": "dialogue"}).encode()


@dataclass
class History:
    """What was written so far, and by which release it is served."""

    state: Path
    previous: Release
    present: Release
    written: dict[tuple[str, str], bytes] = field(default_factory=dict)  # (tenant, id) to the document
    configs: dict[str, ServerConfig] = field(default_factory=dict)
    formats: dict[str, set[int]] = field(default_factory=dict)  # by release, of what it wrote

    @property
    def twin(self) -> Twin:
        return Twin(StateFolder(self.state), ROOT / ".cache")

    @contextmanager
    def served(self, release: Release) -> Iterator[Vault]:
        """A twin of this release over the state: its artifact, the variables and roles of its own template."""
        facts, _ = self.twin.up(lambda _: release.made, port=free_port(), progress=lambda _: None)
        try:
            self.configs[release.name] = lambda_server.read(self.twin.state)
            yield Vault(self.twin, facts, release.made)
        finally:
            self.twin.down()

    @contextmanager
    def also_served(self, release: Release, beside: Vault) -> Iterator[Vault]:
        """A second server over the running twin's engines: this release's functions as its own template made them."""
        folder = self.state.parent / "second"
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        port = free_port()
        config = replace(
            self.configs[release.name],
            api_port=port,
            task_root=archive.unpack(release.made.artifact, folder / "artifact"),
            log_dir=folder / "logs",
            schedules=(),
        )
        (folder / "server.json").write_text(config.to_json(), encoding="utf-8")
        said = folder / "said.log"
        with (
            said.open("wb") as output,
            subprocess.Popen(
                python.server_command(folder / "server.json"),
                env={"LANG": "C.UTF-8", "PATH": os.defpath},
                stdout=output,
                stderr=output,
            ) as process,
        ):
            try:
                assert waiting.until(
                    lambda: b"ready " in said.read_bytes(),
                    seconds=START_SECONDS,
                    alive=lambda: process.poll() is None,
                ), said.read_text(encoding="utf-8")
                facts = replace(beside.facts, url=f"http://{LOOPBACK}:{port}", artifact=release.artifact_sha256)
                yield Vault(beside.twin, facts, release.made)
            finally:
                process.terminate()
                process.wait(30)

    def reads_everything(self, vault: Vault) -> None:
        """Whatever was written by whomever comes out as it went in, is listed, and is known again."""
        for (tenant, name), document in self.written.items():
            answer = answered(partial(vault.export, name, tenant=tenant))
            assert answer.status_code == 200, f"{tenant}/{name}: {answer.status_code} {answer.text}"
            assert canonical(answer.json()) == document, f"{tenant}/{name} came back otherwise"
            again = answered(partial(vault.load, document, tenant=tenant))
            assert (again.status_code, again.json()["result"]) == (200, "unchanged"), f"{tenant}/{name}: {again.text}"
        for tenant in TENANTS:
            found = {one["id"] for one in listed(vault, tenant)}
            assert found >= {name for owner, name in self.written if owner == tenant}

    def writes(self, vault: Vault, release: Release, word: str) -> None:
        """New dialogues for each tenant, under keys that are there and new ones; then all of one sealed anew."""
        for tenant in TENANTS:
            for size in (3, 110) if tenant == TENANTS[0] else (3,):  # one transaction, and several
                self._write(vault, release, (tenant, f"{word}-{size}"), perspectives=size)
            rotated = answered(partial(vault.call, "POST", "/keys/rotate", tenant=tenant, content=b"{}"))
            assert rotated.status_code in {200, 201}, rotated.text
            self._write(vault, release, (tenant, f"{word}-after-rotation"), perspectives=2)
        rewrite(vault, TENANTS[0])

    def _write(self, vault: Vault, release: Release, at: tuple[str, str], *, perspectives: int) -> None:
        tenant, name = at
        document = dialogue(name, perspectives=perspectives, words=5)
        answer = answered(partial(vault.load, document, tenant=tenant))
        assert answer.status_code in {200, 201}, f"{tenant}/{name}: {answer.status_code} {answer.text}"
        self.written[at] = canonical(document)
        told = answered(partial(vault.call, "GET", f"/dialogues/{name}", tenant=tenant)).json()
        rows = vault.dynamodb().query(
            TableName=vault.facts.tables["records"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": told["stored"]["partition_key"]}},
        )["Items"]
        assert rows
        self.formats.setdefault(release.name, set()).update(int(row["format"]["N"]) for row in rows)

    def stop(self) -> None:
        self.twin.down()


def answered(call: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer to a request that is repeated while it is told to be: 202, 503 and silence say so (docs/api.md)."""
    answers: list[httpx.Response] = []

    def settled() -> bool:
        with contextlib.suppress(httpx.TimeoutException):
            answers.append(call())
            return answers[-1].status_code not in {202, 503}
        return False

    waiting.until(settled, seconds=START_SECONDS)
    assert answers, f"no answer within {START_SECONDS} s"
    return answers[-1]


def listed(vault: Vault, tenant: str) -> list[dict[str, Any]]:
    """Every dialogue of a tenant's list, page by page."""
    answer = answered(partial(vault.call, "GET", "/dialogues", tenant=tenant))
    assert answer.status_code == 200, answer.text
    content = answer.json()
    found: list[dict[str, Any]] = content["dialogues"]
    while cursor := content["cursor"]:
        content = vault.call("GET", f"/dialogues?cursor={cursor}", tenant=tenant).json()
        found += content["dialogues"]
    return found


def rewrite(vault: Vault, tenant: str) -> None:
    """Has every record of a tenant's dialogues sealed anew, and waits until that is done."""
    answer = vault.call("POST", "/maintenance", tenant=tenant, content=REWRITE)
    assert answer.status_code == 202, answer.text
    work = answer.json()["id"]

    states: list[dict[str, Any]] = []

    def ended() -> bool:
        states.append(vault.call("POST", f"/maintenance/{work}", tenant=tenant, content=b"{}").json())
        return states[-1].get("state") == "done"

    assert waiting.until(ended, seconds=WORK_SECONDS), states[-1]
    assert not states[-1]["counts"]["failed"], states[-1]
