"""A migration: the source is read chunk by chunk, planned, written, and compared afterwards.

Which place a record has follows from its item alone, and what stands there already is left as it is. So it can be
killed anywhere and begun again: a chunk that was done in part is done again, and nothing twice.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from twinvault_migration.attributes import plain
from twinvault_migration.errors import ItemRefused, MappingError
from twinvault_migration.mapping import Mapping
from twinvault_migration.pacing import Pace, parts
from twinvault_migration.progress import MigrationStage, Reached
from twinvault_migration.report import MigrationReport
from twinvault_migration.sources import Chunk, Source, SourceItem
from twinvault_migration.storing import Storing
from twinvault_migration.target import Destination, Migrated, Planned

DEFAULT_UNITS = 500.0
_TWICE = "another item of the source has its place"

type Tell = Callable[[MigrationStage, MigrationReport], None]


@dataclass(frozen=True, slots=True)
class Migration:
    """What is migrated, how, and into what.

    Attributes:
        units_per_second: how many write units are used in a second, at most on the average.
        show: is told after each chunk.
    """

    source: Source
    mapping: Mapping
    storing: Storing
    units_per_second: float = DEFAULT_UNITS
    show: Tell = lambda _stage, _report: None
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def dry_run(self) -> MigrationReport:
        """What would be written and what refused: reads the source whole, and nothing else."""
        report, places = MigrationReport(), dict[bytes, bytes]()
        for chunk in self.source.chunks(None):
            for one in self._planned(chunk, report):
                place, content = _digests(one)
                if places.setdefault(place, content) != content:
                    report.refuse(one.position, ItemRefused(_TWICE, entity=one.draft.entity))
            self.show(MigrationStage.WRITING, report)
        return report

    def run(self, progress: Reached) -> MigrationReport:
        """Writes what is not written yet, then compares everything; goes on where an earlier call was killed.

        Raises:
            SourceError: the source cannot be read.
            TwinvaultError: the store's data failed an integrity check, or something that it calls is unavailable.
        """
        if progress.stage is MigrationStage.DONE:
            progress.begin_anew()  # what came since is written now; what is there is compared
        pace = Pace(self.units_per_second, self.monotonic, self.sleep)
        while progress.stage is MigrationStage.WRITING:
            for chunk in self.source.chunks(progress.cursor):
                self._write(chunk, progress.report, pace=pace)
                self.show(MigrationStage.WRITING, progress.report)
                progress.step(chunk.next, after=MigrationStage.VERIFYING)
        while progress.stage is MigrationStage.VERIFYING:
            for chunk in self.source.chunks(progress.cursor):
                # What became of the items was counted when they were written.
                self._compare(chunk, progress.report, counted=MigrationReport())
                self.show(MigrationStage.VERIFYING, progress.report)
                progress.step(chunk.next, after=MigrationStage.DONE)
        return progress.report

    def verify(self) -> MigrationReport:
        """Compares every record of the source with the store, and writes no record."""
        report = MigrationReport()
        for chunk in self.source.chunks(None):
            self._compare(chunk, report, counted=report)
            self.show(MigrationStage.VERIFYING, report)
        return report

    def _write(self, chunk: Chunk, report: MigrationReport, *, pace: Pace) -> None:
        for group in _by_place(self._planned(chunk, report)):
            for part in parts(_each_once(group, report)):
                pace.wait(part)
                self.storing.write(part, report)

    def _compare(self, chunk: Chunk, report: MigrationReport, *, counted: MigrationReport) -> None:
        for group in _by_place(self._planned(chunk, counted)):
            self.storing.compare(group, report)

    def _planned(self, chunk: Chunk, report: MigrationReport) -> list[Planned]:
        """What the items of a chunk become. What is refused is in the report, and keeps no other back."""
        done = list[Planned]()
        for found in chunk.found:
            report.items += 1
            try:
                targets = self._targets(found)
                planned = [self.storing.plan(target, found.position) for target in targets]
            except ItemRefused as error:
                report.refuse(found.position, error)
                continue
            report.skipped += not planned
            report.records += len(planned)
            done += planned
        return done

    def _targets(self, found: SourceItem) -> Sequence[Migrated]:
        if found.item is None:
            raise ItemRefused("is no item in DynamoDB's JSON")
        item = found.item
        if self.mapping.opener is not None:
            try:
                item = self.mapping.opener(item)
            except Exception as error:  # noqa: BLE001  # another library's; its message may hold anything
                raise ItemRefused(f"does not open ({type(error).__name__})") from None
        try:
            values = plain(item)
        except (ValueError, TypeError):
            raise ItemRefused("is no item in DynamoDB's JSON") from None
        if self.mapping.function is None:
            return self.mapping.targets(values)
        try:
            targets = self.mapping.targets(values)
        except ItemRefused:
            raise
        except Exception as error:  # noqa: BLE001  # the mapping's own code; its message may hold anything
            raise ItemRefused(f"the mapping's function refuses it ({type(error).__name__})") from None
        if not all(isinstance(one, Migrated) for one in targets):
            raise MappingError("function: must return a list of Migrated")
        return targets


def _by_place(planned: Sequence[Planned]) -> Iterator[list[Planned]]:
    groups = dict[Destination, list[Planned]]()
    for one in planned:
        groups.setdefault(one.place, []).append(one)
    yield from groups.values()


def _each_once(group: Sequence[Planned], report: MigrationReport) -> list[Planned]:
    """The records of one partition, each place once: a write may not hold two of one."""
    seen = dict[str, Planned]()
    for one in group:
        first = seen.setdefault(one.draft.sk, one)
        if first is one:
            continue
        if one.draft == first.draft:
            report.already += 1
        else:
            report.refuse(one.position, ItemRefused(_TWICE, entity=one.draft.entity))
    return list(seen.values())


def _digests(one: Planned) -> tuple[bytes, bytes]:
    """Where a record goes, and what it is, as digests: a source may have more records than memory has room for."""
    content = repr(sorted(one.draft.fields.items(), key=lambda pair: pair[0]))
    return tuple(  # type: ignore[return-value]  # of two
        hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        for text in (repr((one.place, one.draft.sk)), content)
    )
