"""migrate: data that exists, of a table or an export, becomes declared records (docs/migrate.md)."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.progress import TextColumn, TimeElapsedColumn

from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import CliError, TamperingError, UnavailableError, UsageError
from twinvault_cli.output import console, counted, print_json, results
from twinvault_migration import MigrationError, MigrationReport, SourceError, load_mapping, running
from twinvault_migration.migrating import DEFAULT_UNITS
from twinvault_migration.progress import MigrationStage

app = typer.Typer()

_EACH = 10  # chunks between two lines of progress, where there is no terminal
_GOES_ON = "The same command goes on where it was."


@app.command()
def migrate(
    mapping: Annotated[Path, typer.Argument(metavar="FILE", help="Which attribute becomes what; TOML, or .json.")],
    *,
    principal: Annotated[
        str,
        typer.Option(metavar="ID", help="Who migrates, as the audit log will say: an opaque id.", show_default=False),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written and refused; write nothing.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare what is stored with the source; write no record.")
    ] = False,
    units: Annotated[
        float, typer.Option("--units", min=1, metavar="N", help="Write units in a second, at most.")
    ] = DEFAULT_UNITS,
    progress: Annotated[
        Path | None,
        typer.Option(
            "--progress", metavar="FILE", help="How far it came.", show_default="beside the mapping, .progress"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make records of a table or an export, and compare them afterwards; the same command goes on after a kill."""
    if dry_run and verify:
        raise UsageError("--dry-run and --verify exclude each other.")
    if not principal and not dry_run:
        raise UsageError("Who migrates is absent.", next_step=f"Say it: twinvault migrate {mapping} --principal ID")
    try:
        report = _run(mapping, principal or "nobody", dry_run=dry_run, verify=verify, units=units, progress=progress)
    except SourceError as error:
        raise UnavailableError(str(error), next_step=_GOES_ON) from None
    except MigrationError as error:
        raise UsageError(str(error)) from None
    if as_json:
        print_json({"dry_run": dry_run, "verify": verify, **report.document()})
    else:
        _tell(report, dry_run=dry_run)
    _end(report)


def _run(
    path: Path, principal: str, *, dry_run: bool, verify: bool, units: float, progress: Path | None
) -> MigrationReport:
    with Bar(TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as bar:
        task, seen = bar.add_task("reading"), [0]

        def show(stage: MigrationStage, report: MigrationReport) -> None:
            done = report.compared if stage is MigrationStage.VERIFYING else report.items
            line = f"{stage}: {counted(done, 'record' if stage is MigrationStage.VERIFYING else 'item')}"
            bar.update(task, description=line)
            seen[0] += 1
            if not console.is_terminal and seen[0] % _EACH == 0:
                console.print(line)

        mapping = load_mapping(path)
        migration = running.migration(mapping, principal, units=units, show=show)
        try:
            if dry_run:
                return migration.dry_run()
            if verify:
                return migration.verify()
            return migration.run(running.progress_of(migration, progress or path.with_name(f"{path.name}.progress")))
        except running.TAMPERED as error:
            raise TamperingError("The stored data failed an integrity check.", next_step="twinvault fsck") from error
        except running.UNAVAILABLE as error:
            raise UnavailableError(f"The store: {error}", next_step=_GOES_ON) from None


def _tell(report: MigrationReport, *, dry_run: bool) -> None:
    for title, notes in (("refused", report.refused), ("differs", report.different)):
        for one in notes:
            about = ".".join(name for name in (one.entity, one.field) if name)
            first = ", ".join(one.first)
            results.print(f" {title}: {one.count}  {escape(about)}: {escape(one.reason)} ({escape(first)})")
    skipped = f", {report.skipped} skipped" if report.skipped else ""
    would = "would be written" if dry_run else f"{report.written} written, {report.already} were there"
    refused, different = report.counts()
    compared = "" if dry_run else f"; {report.compared} compared, {different} differ"
    console.print(
        f"{counted(report.items, 'item')}{skipped}: {counted(report.records, 'record')}: {would}, "
        f"{refused} refused{compared}"
    )


def _end(report: MigrationReport) -> None:
    refused, different = report.counts()
    if different:
        raise TamperingError(
            f"{counted(different, 'record is', 'records are')} not in the store as the source has it.",
            next_step="Changed by a writer since, or never written: twinvault migrate FILE --verify --principal ID",
        )
    if refused:
        raise _RefusedError(
            f"{counted(refused, 'item')} became no record.",
            next_step="Mend the mapping or the source; a changed mapping begins with another --progress file.",
        )


class _RefusedError(CliError):
    """Something of the source is not in the store."""

    exit_code = UsageError.exit_code
