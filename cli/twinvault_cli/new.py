"""new: a project of one's own, ready to be tested, served and deployed."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from twinvault_cli import project
from twinvault_cli.connection import JsonOption
from twinvault_cli.output import console, print_json
from twinvault_cli.state import ROOT

app = typer.Typer()


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What the project is called: 1 to 20 of a-z, 0-9 and '-'.")],
    *,
    into: Annotated[Path | None, typer.Option(help="Folder to write it to.", show_default="NAME, here")] = None,
    wheels: Annotated[
        Path, typer.Option(help="Folder of Twinvault's wheels, which the project gets a copy of (make wheels).")
    ] = ROOT / "dist",
    as_json: JsonOption = False,
) -> None:
    """Write a project of your own: records, handlers, what is deployed, tests that pass. From examples/clinic."""
    files = project.files_of(ROOT / "examples" / project.EXAMPLE, name)
    found, locks = project.locks_of(wheels)
    target = (into or Path(name)).absolute()
    project.write(target, {**files, **locks}, wheels=found)
    if as_json:
        print_json({"project": str(target), "files": sorted(files), "wheels": sorted(path.name for path in found)})
        return
    console.print(f"{escape(str(target))}: {len(files)} files, and {len(found)} wheels that it locks by hash.")
    console.print(f"Test it: cd {escape(shlex.quote(str(target)))} && make test    What there is: README.md")
