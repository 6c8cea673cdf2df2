"""reload, tick, and what `up --watch` and `up --debug` do once the twin is up."""

import threading
import time

import typer
from rich.markup import escape

from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import UsageError
from twinvault_cli.given import carried
from twinvault_cli.output import ProgressLines, console, print_json
from twinvault_cli.projects import project_of
from twinvault_cli.state import StateOption, state_folder
from twinvault_local.artifact import sources
from twinvault_local.errors import NotRunningError, TwinError
from twinvault_local.inner_loop import debugging, loading, reloading, ticking
from twinvault_local.machine.progress import Progress
from twinvault_local.state import StateFolder

app = typer.Typer()

_OTHER_STACKS = "The stacks changed too. That takes effect with: twinvault down && twinvault up"


@app.command()
def reload(*, as_json: JsonOption = False, state: StateOption = None) -> None:
    """Rebuild our code and let the running twin serve it; the engines go on."""
    with ProgressLines().shown() as steps:
        changed = _reload(state_folder(state), steps)
    other_stacks = sources.has_other_stacks(project_of(state_folder(state)))
    if as_json:
        print_json({"changed": changed, "stacks_changed": other_stacks})
        return
    console.print(
        f"The twin serves the project's code after {steps.seconds:.1f} s."
        if changed
        else "The twin serves the project's code already."
    )
    if other_stacks:
        _tell_of_other_stacks()


@app.command()
def tick(*, as_json: JsonOption = False, state: StateOption = None) -> None:
    """Let every schedule of the running twin call its function now, as it does by itself every few minutes."""
    called = ticking.tick(state_folder(state))
    if as_json:
        print_json([{"schedule": fired.schedule, "error": fired.error or None} for fired in called])
        return
    for fired in called:
        said = f"[red]{escape(fired.error)}[/]" if fired.error else "done"
        console.print(f"{escape(fired.schedule)}: {said}")


def complete_function(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell: the functions that begin so."""
    names = debugging.functions(state_folder(context.params.get("state")))
    short = [name.rpartition("-")[2] for name in names]
    return [name for name in [*short, *names] if name.startswith(incomplete)]


def full_name(state: StateFolder, name: str) -> str:
    """The function that `name` means: `read` is `twinvault-dev-read`.

    Raises:
        UsageError: none, or several.
    """
    known = debugging.functions(state)
    matching = [one for one in known if one == name] or [one for one in known if one.endswith(f"-{name}")]
    if len(matching) != 1:
        raise UsageError(f"There is no function {name!r}.", next_step=f"The functions are: {', '.join(known)}")
    return matching[0]


def debug(state: StateFolder, name: str, *, port: int) -> None:
    """Let a function wait for a debugger, and say how to attach one."""
    function = full_name(state, name)
    debugging.attach(state, project_of(state).root / ".cache", function, port=port)
    console.print(f"{function} waits for a debugger on 127.0.0.1:{port}.")
    said = "Path mapping, as editors call it: functions/ here, . there.    End it: twinvault down"
    console.print(escape(carried(said)))


def watch(state: StateFolder, *, failed: TwinError | None = None, ended: threading.Event | None = None) -> None:
    """Reload whenever a source file is saved, until Ctrl-C or `ended`; what fails is said, and the watch goes on.

    `failed`: what cannot start already.
    """
    if failed:
        tell_the_watcher(failed)
    from watchfiles import watch as watched  # noqa: PLC0415  # 30 ms that no other command should wait for

    console.print("Watching the sources; Ctrl-C ends the watch and leaves the twin up.")
    project = project_of(state)
    for _ in watched(*project.watched, raise_interrupt=False, debounce=200, stop_event=ended):
        began = time.monotonic()
        try:
            changed = _reload(state, lambda _: None)
        except NotRunningError:
            raise
        except (TwinError, OSError) as error:
            tell_the_watcher(error)
            continue
        if changed:
            console.print(f"{time.strftime('%H:%M:%S')}  reloaded in {time.monotonic() - began:.1f} s")
        if sources.has_other_stacks(project):
            _tell_of_other_stacks()


def _tell_of_other_stacks() -> None:
    console.print(f"[yellow]{escape(carried(_OTHER_STACKS))}[/]")


def tell_the_watcher(error: TwinError | OSError) -> None:
    """Say what failed to whoever watches, for whom saving a file is what reloads."""
    said = str(error).replace(loading.MEND_AND_RELOAD, "Mend it and save it: that reloads.")
    console.print(f"[bold red]{escape(carried(said))}[/]")


def failed_functions(state: StateFolder) -> TwinError | None:
    """The error that says which functions of a twin that is up cannot start; None if all can."""
    failed = loading.failed(state)
    return loading.error(state, failed, what_holds="The twin is up without them.") if failed else None


def _reload(state: StateFolder, progress: Progress) -> bool:
    zipped = sources.ensure_artifact(project_of(state), progress=progress)
    progress("starting the newer functions beside the older")
    return reloading.reload(state, zipped)[1]
