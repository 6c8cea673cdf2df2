"""The state folder: what a twin keeps between `up` and `up`, and where each part of it lies."""

import re
import secrets
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import twinvault_durable as durable
from twinvault_local.errors import StateError
from twinvault_local.machine import files, locks
from twinvault_local.machine.processes import Slot

DYNAMODB, GATE, KMS, ISSUER, SERVER = "dynamodb", "gate", "kms", "issuer", "server"
SERVICES = (ISSUER, KMS, DYNAMODB, GATE, SERVER)  # in the order of starting; stopped in the other
FIRST_PORT = 8787
"""The API's, where nothing else was asked for yet."""
SEED_BYTES = 32
FORMAT = 2
"""Of what lies in a state folder, its tables and keys included: one more whenever what was stored before does not open
any more. Folders from before there were formats have none."""

_SEED = re.compile(rb"[0-9a-f]{64}\n?")
_FORMAT_FILE = "format.json"
# "bytecode": twins wrote their compiled modules there before the artifact brought its own.
_FOLDERS = ("kms", "dynamodb", "gate", "issuer", "ledger", "artifact", "bytecode", "logs", "run")
_LEDGERS = {GATE: "gate.jsonl", KMS: "kms.jsonl", SERVER: "front-door.jsonl"}
LEDGERS = tuple(_LEDGERS)
"""The services that write down what they were asked."""
_NOTES = ("provisioned.json", "callers.json", "ports.json", "launcher.json", "server.json", "twin.json", "project.json")
_FILES = ("seed", "lock", _FORMAT_FILE, *_NOTES, "route.json")


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The paths of one state folder, spelled here and nowhere else."""

    folder: Path

    @property
    def seed(self) -> Path:
        """64 hex digits, from which the local KMS derives every key: who reads them reads everything."""
        return self.folder / "seed"

    @property
    def kms(self) -> Path:
        """The local KMS's store."""
        return self.folder / "kms"

    @property
    def dynamodb(self) -> Path:
        """DynamoDB Local's database."""
        return self.folder / "dynamodb"

    @property
    def issuer(self) -> Path:
        """The issuer's signing key."""
        return self.folder / "issuer"

    @property
    def artifact(self) -> Path:
        """The unpacked artifacts, one folder for each sha256."""
        return self.folder / "artifact"

    @property
    def logs(self) -> Path:
        """One log for each engine, each function, and the API's access."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """One file for each process that was started."""
        return self.folder / "run"

    @property
    def provisioned(self) -> Path:
        """Stack and logical id to physical name, of everything that was made."""
        return self.folder / "provisioned.json"

    @property
    def callers(self) -> Path:
        """Whom gate and KMS take a caller for, and with which secret."""
        return self.folder / "callers.json"

    @property
    def policies(self) -> Path:
        """Which policies the gate enforces. In a folder of its own: a container must see the file replaced."""
        return self.folder / "gate" / "policies.json"

    @property
    def format(self) -> Path:
        """The format of what lies here."""
        return self.folder / _FORMAT_FILE

    @property
    def ports(self) -> Path:
        """The engines' ports, kept over restarts."""
        return self.folder / "ports.json"

    @property
    def launcher(self) -> Path:
        """Which launcher starts the engines, and their project's name in Docker."""
        return self.folder / "launcher.json"

    @property
    def former_launcher(self) -> Path:
        """The same, as earlier versions named it: `down` and `reset` must still find what runs and lies in Docker."""
        return self.folder / "route.json"

    @property
    def containers(self) -> Path:
        """Present while containers of this twin may run."""
        return self.run / "containers.json"

    @property
    def workers(self) -> Path:
        """Present while workers of this twin may run as containers."""
        return self.run / "workers.json"

    @property
    def server(self) -> Path:
        """The Lambda server's configuration."""
        return self.folder / "server.json"

    @property
    def project(self) -> Path:
        """Whose functions run here: the project's folder and its stage."""
        return self.folder / "project.json"

    @property
    def twin(self) -> Path:
        """What `twinvault status --json` tells of a twin that came up."""
        return self.folder / "twin.json"

    def ledger_of(self, service: str) -> Path:
        """What was asked of the gate, the KMS or the front door, and what the policies said."""
        return self.folder / "ledger" / _LEDGERS[service]

    def slot(self, service: str) -> Slot:
        """Where the process of a service is remembered."""
        return Slot(name=service, run=self.run, logs=self.logs)

    def lock(self) -> AbstractContextManager[None]:
        """Held by every command that changes what runs or lies here; a second one is refused (BusyError)."""
        self._make()
        return locks.held(self.folder / "lock", wait=False)

    def prepare(self) -> None:
        """Make what is missing: the folders, for the owner alone, and a seed drawn once.

        Raises:
            StateError: the folder holds something, and it is not a twin's; what it holds is of another format; or the
                seed is damaged or gone.
        """
        self.check()
        self._make()
        for name in _FOLDERS:
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        if not self.provisioned.exists():  # before there is any data: what is here now is what this twin makes
            files.write_json(self.format, {"format": FORMAT})
        if not self.seed.exists():
            durable.write(self.seed, f"{secrets.token_hex(SEED_BYTES)}\n".encode())

    def _make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def check(self) -> None:
        """Refuse a folder that is not a twin's, or whose format or seed does not go with its data (StateError)."""
        self.refuse_strangers()
        self._refuse_other_formats()
        if self.seed.exists() and not _SEED.fullmatch(self.seed.read_bytes()):
            raise StateError(
                f"{self.seed} is damaged.", next_step="Put it back, or wipe data and keys: twinvault reset"
            )
        if self.provisioned.exists() and not self.seed.exists():
            raise StateError(
                f"{self.seed} is gone: what the tables hold cannot be opened without it.",
                next_step="Put it back, or wipe data and keys: twinvault reset",
            )

    def _refuse_other_formats(self) -> None:
        """Refuse data that an older or newer twinvault left, which would fail to open one by one (StateError)."""
        if not self.provisioned.exists():
            return
        found = files.read_json(self.format).get("format", 0)
        if not isinstance(found, int) or found > FORMAT:
            raise StateError(
                f"What {self.folder} holds was made by a newer twinvault, and this one cannot open it.",
                next_step="Update this checkout, or name another folder: --state",
            )
        if found < FORMAT:
            raise StateError(
                f"What {self.folder} holds was made by an older twinvault, and this one cannot open it.",
                next_step="Wipe its data and keys, and begin anew: twinvault reset && twinvault up",
            )

    def refuse_strangers(self) -> None:
        """Refuse a folder that holds what is not a twin's (StateError): it was named by mistake."""
        if not self.folder.exists():
            return
        names = {path.name for path in self.folder.iterdir()} - {*_FOLDERS, *_FILES}
        half_written = tuple(f".{known}." for known in _FILES)
        if strange := sorted(name for name in names if not name.startswith(half_written)):
            raise StateError(
                f"{self.folder} holds {strange[0]!r}, which is not a twin's.", next_step="Name another folder: --state"
            )

    def holds(self) -> frozenset[str]:
        """What lies here now, by name."""
        return frozenset(path.name for path in self.folder.iterdir()) if self.folder.exists() else frozenset()

    def withdraw(self, before: frozenset[str]) -> None:
        """Remove what an `up` that failed has put here, `before` being what was here when it began.

        What it made in the tables and keys stays, once it is noted: the next `up` goes on with it. So do logs that say
        something.
        """
        if self.provisioned.exists() and self.provisioned.name not in before:
            return
        for name in (*_FOLDERS, *_FILES):
            place = self.folder / name
            if name in before or not place.exists() or (name == self.logs.name and any(place.iterdir())):
                continue
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def wipe(self) -> None:
        """Delete data, keys and everything else of the twin; what is not a twin's own stays, whatever `folder` is."""
        for name in _FOLDERS:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in _FILES:
            (self.folder / name).unlink(missing_ok=True)
            for half_written in self.folder.glob(f".{name}.*"):
                half_written.unlink()
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()
