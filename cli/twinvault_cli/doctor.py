"""doctor: what this machine has of what the twin needs, and what to install."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import UNAVAILABLE
from twinvault_cli.output import print_json, results
from twinvault_cli.state import ROOT, StateOption, state_folder
from twinvault_local import doctor as looking
from twinvault_local.doctor import Grade
from twinvault_local.twin import DEFAULT_PORT

app = typer.Typer()

_COLOURS = {Grade.WELL: "green", Grade.NOTE: "yellow", Grade.BAD: "red"}


@app.command()
def doctor(
    *,
    port: Annotated[int, typer.Option(help="Port that the API is to have.", min=1, max=65535)] = DEFAULT_PORT,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Look at versions, ports, disk and state folder, and say what to install. Exit code 4 if `up` would fail."""
    findings = looking.examine(state_folder(state), ROOT / ".cache", port=port)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table(box=None, show_header=False)
        for finding in findings:
            colour = _COLOURS[finding.grade]
            table.add_row(finding.what, f"[{colour}]{finding.grade}[/]", escape(finding.found))
            if finding.advice:
                table.add_row("", "", f"[bold]{escape(finding.advice)}[/]")
        results.print(table)
    if any(finding.grade is Grade.BAD for finding in findings):
        raise typer.Exit(UNAVAILABLE)
