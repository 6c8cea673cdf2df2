"""Functions that cannot start: which, and what they said."""

from collections.abc import Mapping
from pathlib import Path

from twinvault_lambda import standing
from twinvault_local.errors import LoadError
from twinvault_local.machine import processes
from twinvault_local.state import SERVER, StateFolder

MEND_AND_RELOAD = "Mend it, then type: twinvault reload"
_MOST_LINES = 12
_BEGINS, _ENDS = "[ERROR]", "INIT_REPORT"


def failed(state: StateFolder) -> Mapping[str, str]:
    """The functions that the running server could not start when it took them up, each with its error type."""
    slot = state.slot(SERVER)
    last = standing.read(processes.output(slot)) if processes.running(slot) is not None else None
    return last[1].failed if last else {}


def error(state: StateFolder, names: Mapping[str, str], *, what_holds: str) -> LoadError:
    """The error that says which functions cannot start, what they said, and what holds meanwhile."""
    lines = [f"{name} cannot start: {kind}{_said(state.logs / f'{name}.log')}" for name, kind in sorted(names.items())]
    first = min(names)
    return LoadError(
        "\n".join([*lines, what_holds]),
        next_step=f"{MEND_AND_RELOAD}    The whole of it: twinvault logs {first}",
    )


def _said(log: Path) -> str:
    """What a function wrote when it last failed to start, from the error on."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    ends = [index for index, line in enumerate(lines) if line.startswith(_ENDS)]
    if not ends:
        return ""
    before = lines[max(ends[-1] - 4 * _MOST_LINES, 0) : ends[-1]]
    begins = [index for index, line in enumerate(before) if line.startswith(_BEGINS)]
    said = before[begins[-1] :] if begins else before
    return "".join(f"\n  {line}" for line in said[-_MOST_LINES:])
