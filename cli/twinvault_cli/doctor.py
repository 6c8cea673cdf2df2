"""doctor: what this machine has of what the twin needs, and what to install."""

from dataclasses import asdict

import typer
from rich.markup import escape
from rich.table import Table

from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import UNAVAILABLE
from twinvault_cli.given import carried
from twinvault_cli.output import print_json, results
from twinvault_cli.state import PortOption, StateOption, project_folder, state_folder
from twinvault_local import doctor as looking
from twinvault_local.artifact.project import Project
from twinvault_local.doctor import Grade
from twinvault_local.engines import starting

app = typer.Typer()

_COLOURS = {Grade.WELL: "green", Grade.NOTE: "yellow", Grade.BAD: "red"}


@app.command()
def doctor(
    *,
    port: PortOption = None,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Look at versions, ports, disk and state folder, and say what to install. Exit code 4 if `up` would fail."""
    folder = state_folder(state)
    number = port or starting.api_port(folder)
    project = Project.read(project_folder())
    findings = looking.examine(folder, project.root / ".cache", port=number, architecture=project.architecture)
    if as_json:
        print_json([{**asdict(finding), "advice": carried(finding.advice)} for finding in findings])
    else:
        table = Table(box=None, show_header=False)
        for finding in findings:
            colour = _COLOURS[finding.grade]
            table.add_row(finding.what, f"[{colour}]{finding.grade}[/]", escape(finding.found))
            if finding.advice:
                table.add_row("", "", f"[bold]{escape(carried(finding.advice))}[/]")
        results.print(table, soft_wrap=False)
    if any(finding.grade is Grade.BAD for finding in findings):
        raise typer.Exit(UNAVAILABLE)
