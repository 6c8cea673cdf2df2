"""The KMS without its HTTP server, for tests that ask it thousands of things or look into it."""

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kms.running import REGION, ROOT
from twinvault_kms.engine import Engine
from twinvault_kms.identity import Identity
from twinvault_kms.journal import Journal
from twinvault_kms.model import Caller
from twinvault_kms.ring import KeyRing
from twinvault_kms.seed import Seed


def caller(arn: str = ROOT) -> Identity:
    return Identity(Caller(arn=arn, access_key_id="ID", name="caller"), REGION)


@dataclass(slots=True)
class InProcess:
    """One engine, and a loop of its own to ask it on."""

    engine: Engine
    runner: asyncio.Runner = field(repr=False)

    def raw(self, operation: str, body: bytes, *, identity: Identity | None = None) -> bytes:
        return self.runner.run(self.engine.answer(operation, body, identity or caller()))

    def ask(self, operation: str, **document: Any) -> dict[str, Any]:
        """Asks as the account's root."""
        return self.ask_as(caller(), operation, **document)

    def ask_as(self, identity: Identity, operation: str, **document: Any) -> dict[str, Any]:
        return dict(json.loads(self.raw(operation, body(document), identity=identity) or b"{}"))

    def key(self, **document: Any) -> str:
        return str(self.ask("CreateKey", **document)["KeyMetadata"]["KeyId"])


def body(document: dict[str, Any]) -> bytes:
    """A request's body; bytes in it become base64, as on the wire."""
    return json.dumps(document, default=lambda blob: base64.b64encode(blob).decode()).encode()


@contextmanager
def in_process(folder: Path) -> Iterator[InProcess]:
    seed = Seed(bytes(32))
    engine = Engine(Journal(folder, seed=seed), KeyRing(seed))
    with asyncio.Runner() as runner:
        try:
            yield InProcess(engine, runner)
        finally:
            engine.close()
