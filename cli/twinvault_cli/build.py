"""build: a project's artifact, as Lambda and the twin run it."""

import typer

from twinvault_cli.connection import JsonOption
from twinvault_cli.output import ProgressLines, print_json
from twinvault_cli.state import AppOption, StageOption, project_folder
from twinvault_local.artifact import archive, sources
from twinvault_local.artifact.project import Project

app = typer.Typer()


@app.command()
def build(
    *,
    app_folder: AppOption = None,
    stage: StageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a project's artifact: its functions/, its locked requirements, our library; the same bytes everywhere."""
    project = Project.read(project_folder(app_folder), stage=stage)
    with ProgressLines().shown() as steps:
        made = sources.ensure_artifact(project, progress=steps)
    digest = archive.sha256(made)
    if as_json:
        print_json({"artifact": str(made), "bytes": made.stat().st_size, "sha256": digest})
        return
    typer.echo(f"{made}  {made.stat().st_size / 1e6:.1f} MB  sha256 {digest}")
