"""How far a migration came: one small file, replaced at once after each chunk that is done.

It holds where the source goes on, which of a table is a key of it, so only its owner can read it.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from twinvault_durable import files
from twinvault_migration.errors import ProgressError
from twinvault_migration.report import MigrationReport
from twinvault_migration.sources import Cursor

_FORMAT = 1


class MigrationStage(StrEnum):
    """What is being done."""

    WRITING = "writing"
    VERIFYING = "verifying"
    DONE = "done"


@dataclass(slots=True)
class Reached:
    """Where a migration stands.

    Attributes:
        mapping: SHA-256 of the mapping file that it was begun with.
        source: what it reads.
        cursor: where the source goes on; None: from the beginning.
    """

    path: Path
    mapping: str
    source: str
    stage: MigrationStage = MigrationStage.WRITING
    cursor: Cursor | None = None
    report: MigrationReport = field(default_factory=MigrationReport)

    @staticmethod
    def at(path: Path, *, mapping: str, source: str) -> "Reached":
        """What the file says, or the beginning where there is none.

        Raises:
            ProgressError: it is of another mapping or source, or is none.
        """
        try:
            told: dict[str, Any] = json.loads(path.read_bytes())
            told = {_FORMAT: told}[told["format"]]  # another format is a KeyError
            report, stage = MigrationReport.of(told["report"]), MigrationStage(told["stage"])
            begun_with = told["mapping"], told["source"]
        except FileNotFoundError:
            return Reached(path, mapping, source)
        except (OSError, ValueError, KeyError, TypeError):
            raise ProgressError(f"{path} is not what a migration left.") from None
        if begun_with != (mapping, source):
            raise ProgressError(f"{path} is of another mapping, or of this one before it was changed.")
        return Reached(path, mapping, source, stage, told["cursor"], report)

    def begin_anew(self) -> None:
        """Forgets how far it came: a migration that was complete reads its source once more."""
        self.stage, self.cursor, self.report = MigrationStage.WRITING, None, MigrationReport()

    def step(self, cursor: Cursor | None, *, after: MigrationStage) -> None:
        """Notes that everything before `cursor` is done; with None the stage is, and `after` begins."""
        self.cursor = cursor
        if cursor is None:
            self.stage = after
        content = {
            "format": _FORMAT,
            "mapping": self.mapping,
            "source": self.source,
            "stage": self.stage,
            "cursor": self.cursor,
            "report": self.report.document(),
        }
        files.write(self.path, json.dumps(content).encode())
