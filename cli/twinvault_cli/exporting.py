"""export --all: a tenant's dialogues in one file, with progress, and what is not in it by name."""

from dataclasses import asdict
from pathlib import Path

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from twinvault_cli.errors import CliError, TamperingError
from twinvault_cli.export_all import Exported, export_all
from twinvault_cli.export_file import ExportFile, partial_of, under_way
from twinvault_cli.output import console, counted, print_json, results
from twinvault_cli.patience import PatientClient

_EACH = 500  # dialogues between two lines of progress, where there is no terminal


def write_all(client: PatientClient, path: Path, *, force: bool, as_json: bool) -> None:
    """Write all of a tenant's dialogues into a file, or go on with it.

    Raises:
        TamperingError: it is written, and some are not in it: the result names them.
        UsageError: the file must not be written; a file of another tenant's must not be gone on with.
        CliError: the service does not answer, or refuses; what was written stays, and the same command goes on.
    """
    with under_way(path, force=force) as file:
        try:
            done = _shown(client, file)
            file.finish()
        except CliError as error:
            if file.ids:
                kept = f"{counted(len(file.ids), 'dialogue')} in {partial_of(path)}: the same command goes on with it."
                error.next_step = f"{error.next_step}\n{kept}".strip()
            raise
        total = len(file.ids)
    if as_json:
        print_json({"file": str(path), "dialogues": total, **asdict(done)})
    else:
        _tell(path, total, done)
    if done.left_out:
        raise TamperingError(
            f"{counted(len(done.left_out), 'dialogue is', 'dialogues are')} not in {path}.",
            next_step="What is incomplete, importing its file again completes; the rest is for an operator: "
            "twinvault fsck. Then type the command again, with --force.",
        )


def _shown(client: PatientClient, file: ExportFile) -> Exported:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("listing", total=None)

        def show(at: int, total: int) -> None:
            progress.update(task, description="dialogues", completed=at, total=total)
            if not console.is_terminal and at and at % _EACH == 0:
                console.print(f"{at} of {counted(total, 'dialogue')}")

        return export_all(client, file, show=show)


def _tell(path: Path, total: int, done: Exported) -> None:
    for one in done.left_out:
        if "id" in one:
            place = one["id"]
        else:
            place = f"partition {one['partition']}" if one["partition"] else "a row that is no dialogue of this tenant"
        about = f"{one['problem']}, correlation id {one['correlation_id']}" if one["correlation_id"] else one["problem"]
        results.print(f" not in it: {escape(place)} ({escape(about)})")
    for erased in done.erased_since:
        results.print(f" in it, and erased since: {escape(erased)}")
    gone = f", {done.gone} erased meanwhile" if done.gone else ""
    before = f", {done.already} of them before" if done.already else ""
    console.print(f"{escape(str(path))}: [green]{counted(total, 'dialogue')}[/]{before}{gone}")
