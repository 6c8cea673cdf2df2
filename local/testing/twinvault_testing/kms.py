"""The strict local KMS in the tests' own process: one store of keys, put in place of another within milliseconds."""

from pathlib import Path

from twinvault_kms.engine import Engine
from twinvault_kms.process import Options, open_engine
from twinvault_kms.server import KmsApi
from twinvault_serving.exchange import Receive, Scope, Send
from twinvault_serving.faults import Faults
from twinvault_testing.clock import MovableClock

_JOURNAL = "journal"


class OwnKms:
    """A KMS whose keys can be saved, and be those that were saved. Used within the thread that serves it."""

    def __init__(self, folder: Path, *, seed: Path, callers: Path, clock: MovableClock) -> None:
        self.faults = Faults()
        self._options = Options(port=0, data=folder, seed_file=seed, callers=callers)
        self._clock = clock
        self._engine, self._api = self._open()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with the keys of this moment."""
        await self._api(scope, receive, send)

    def saved(self) -> bytes:
        """All keys, as they stand in the journal."""
        return (self._options.data / _JOURNAL).read_bytes()

    def replace(self, saved: bytes) -> None:
        """Have these keys, and no others."""
        self._engine.close()
        (self._options.data / _JOURNAL).write_bytes(saved)
        self._engine, self._api = self._open()

    def close(self) -> None:
        """Serve no more."""
        self._engine.close()

    def _open(self) -> tuple[Engine, KmsApi]:
        engine, callers = open_engine(self._options)
        engine.clock = self._clock.of_kms
        return engine, KmsApi(engine, callers, self.faults)
