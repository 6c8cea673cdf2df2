"""up, down, status, reset, logs, token: the twin's half of the command."""

import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from twinvault_cli import inner_loop
from twinvault_cli.completing import complete_permissions
from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import UNAVAILABLE, UsageError
from twinvault_cli.given import carried, remember, remember_state
from twinvault_cli.output import ProgressLines, console, print_json, print_table
from twinvault_cli.projects import cache_of, note, refuse_another
from twinvault_cli.state import AppOption, PortOption, StageOption, StateOption, project_folder, state_folder
from twinvault_local import status, tokens
from twinvault_local.artifact import sources
from twinvault_local.artifact.project import Project
from twinvault_local.engines.launcher import IN_WORDS
from twinvault_local.inner_loop import loading
from twinvault_local.inner_loop.debugging import DEFAULT_PORT as DEBUG_PORT
from twinvault_local.issuer import DEFAULT_SECONDS
from twinvault_local.state import StateFolder
from twinvault_local.status import Facts, Health
from twinvault_local.twin import Twin

app = typer.Typer()

_COLOURS = {Health.WELL: "green", Health.SILENT: "yellow", Health.DIED: "red", Health.STOPPED: "dim"}


def _twin(state: StateFolder) -> Twin:
    return Twin(state, cache_of(state))


LauncherOption = Annotated[
    Literal["auto", "docker", "process"],
    typer.Option(envvar="TWINVAULT_LAUNCHER", help="How the engines run; fixed by the first `up` of a state folder."),
]
WorkersOption = Annotated[
    Literal["auto", "docker", "process"],
    typer.Option(
        envvar="TWINVAULT_WORKERS",
        help="What the functions run in: processes on Linux of the stage's processor, else Docker.",
    ),
]


@app.command()
def up(
    *,
    port: PortOption = None,
    launcher: LauncherOption = "auto",
    workers: WorkersOption = "auto",
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and reload when a source file is saved.")] = False,
    debug: Annotated[
        str | None,
        typer.Option(metavar="FUNCTION", autocompletion=inner_loop.complete_function, help="Let it wait for debugpy."),
    ] = None,
    debug_port: Annotated[int, typer.Option(help="Where it waits, on 127.0.0.1.", min=1, max=65535)] = DEBUG_PORT,
    app_folder: AppOption = None,
    stage: StageOption = None,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Start the twin: engines, tables, keys, functions, API."""
    _stop_as_a_ctrl_c_does()
    project, folder = _place(app_folder, stage, state=state)
    with ProgressLines().shown() as steps:
        facts, started = Twin(folder, project.root / ".cache").up(
            lambda progress: sources.ensure(project, environ=os.environ, progress=progress),
            port=port,
            launcher=launcher,
            asked_workers=workers,
            progress=steps,
        )
    if started:
        note(project, folder)
        parts = f"its engines {IN_WORDS[facts.launcher]}, its functions {IN_WORDS[facts.workers]}"
        console.print(f"The twin is up after {steps.seconds:.1f} s, {parts}.")
    else:
        _tell_that_it_is_up(facts, port, project)
    if as_json:
        print_json({**asdict(facts), "started": started})
    else:
        typer.echo(facts.url)
    if (failed := inner_loop.failed_functions(folder)) and not watch:
        raise failed
    if debug:
        inner_loop.debug(folder, debug, port=debug_port)
    if watch:
        inner_loop.watch(folder, failed=failed)


def _stop_as_a_ctrl_c_does() -> None:
    """What was started is stopped again, whoever ends the command."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))


def _place(app_folder: Path | None, stage: str | None, *, state: Path | None) -> tuple[Project, StateFolder]:
    """The project that is asked for, and its state folder, or the one that is named, if it holds no other's twin."""
    project = Project.read(project_folder(app_folder), stage=stage)
    folder = StateFolder((state or project.root / ".twinvault").absolute())
    if app_folder is not None and state is None:
        remember_state(folder.folder)
    refuse_another(project, folder)
    return project, folder


def _tell_that_it_is_up(facts: Facts, port: int | None, project: Project) -> None:
    console.print(f"The twin is already up on {facts.url}.")
    if port is not None and facts.port != port:
        said = f"It stays there. On port {port}: twinvault down && twinvault up --port {port}"
        console.print(f"[yellow]{escape(carried(said))}[/]")
    if not sources.is_current(project, facts.artifact):
        console.print(f"[yellow]{escape(carried('It runs older code than the project: twinvault reload'))}[/]")


@app.command()
def down(*, as_json: JsonOption = False, state: StateOption = None) -> None:
    """Stop everything that `up` started; data and keys stay."""
    stopped = _twin(state_folder(state)).down()
    if as_json:
        print_json({"stopped": stopped})
        return
    console.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command(name="status")
def show_status(
    *,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Tell whether the twin runs, where, and how each part does. Exit code 4 unless everything is well."""
    now, failed = status.look(state_folder(state)), loading.failed(state_folder(state))
    if as_json:
        print_json({**now.as_json(), "failed_functions": dict(failed)})
    else:
        _print_status(now)
        for name, kind in failed.items():
            said = carried(f"What it said: twinvault logs {name}")
            console.print(f"[red]{escape(name)} could not start: {escape(kind)}[/]    {escape(said)}")
    if failed or not now.running:
        raise typer.Exit(UNAVAILABLE)


@app.command()
def reset(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Stop the twin and delete its data and keys for good."""
    folder = state_folder(state).folder
    if not yes and not typer.confirm(f"Delete all data and keys in {folder} for good?", err=True):
        raise UsageError("Nothing was deleted.")
    _twin(state_folder(state)).reset()
    if as_json:
        print_json({"wiped": str(folder)})
        return
    console.print(f"{escape(str(folder))} is wiped.")


@app.command()
def token(
    tenant: Annotated[str, typer.Option(callback=remember, help="Whose data.")],
    subject: Annotated[str, typer.Option(help="Who asks, in the audit log.")] = tokens.SUBJECT,
    permissions: Annotated[
        str, typer.Option(autocompletion=complete_permissions, help="Separated by commas.")
    ] = ",".join(tokens.ALL_PERMISSIONS),
    expires_in: Annotated[int, typer.Option(help="Seconds; negative: expired already.")] = DEFAULT_SECONDS,
    *,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Print a bearer token of the local issuer."""
    names = [one.strip() for one in permissions.split(",") if one.strip()]
    minted = tokens.mint_token(
        state_folder(state), tenant=tenant, subject=subject, permissions=names, expires_in=expires_in
    )
    if as_json:
        print_json({"token": minted, "expires_in": expires_in})
    else:
        typer.echo(minted)


def _print_status(now: status.Status) -> None:
    services = [
        (name, f"[{_COLOURS[health]}]{health}[/]", escape(now.facts.address(name)) if now.facts else "")
        for name, health in now.services.items()
    ]
    print_table(("service", "how", "where"), services, on=console)
    if now.facts:
        console.print(
            f"\n{now.facts.url}  launcher {now.facts.launcher}, workers {now.facts.workers}, region {now.facts.region}"
        )
        for table, name in now.facts.tables.items():
            console.print(f"  {table:<12} {name}")
        console.print(f"  artifact     {now.facts.artifact}")
    if now.stopped:
        console.print(escape(carried("Start it: twinvault up")))
    elif not now.running:
        said = "Start again what died: twinvault up    What it said: twinvault logs NAME"
        console.print(escape(carried(said)))
