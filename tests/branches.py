"""How `make test` measures branches at little cost: coverage's plugin `tests.branches`, named in pyproject.toml.

Since Python 3.14 coverage measures by `sys.monitoring`, whose events cost nothing in code that is not measured. Before,
it asks for branches by `settrace`, which is called in all code, botocore's too: our tests took twice the CPU. In
3.13 both ways out of a branch have one event: it stays on until both were taken, and is then as free.
"""

import sys
from types import CodeType
from typing import Any

import coverage.control
from coverage import env
from coverage.disposition import FileDisposition
from coverage.plugin_support import Plugins
from coverage.sysmon import DISABLE, MonitorReturn, SysMonitor

_EVENTS = sys.monitoring.events


class Branches(SysMonitor):
    """Coverage's own monitor, told of branches as Python 3.13 tells of them."""

    def __init__(self) -> None:
        super().__init__()
        self._ways: dict[tuple[int, int], int] = {}
        """Where a branch went at first, by its code and place: the code lives as long as this, for its id's sake."""

    def start(self) -> None:
        super().start()
        if self.trace_arcs:
            sys.monitoring.register_callback(self.myid, _EVENTS.BRANCH, self.branch)

    def local_events(self) -> int:
        lines = _EVENTS.LINE
        return lines | _EVENTS.PY_RETURN | _EVENTS.BRANCH if self.trace_arcs else lines

    def branch(self, code: CodeType, offset: int, destination: int) -> MonitorReturn:
        """Called for a branch until it went both ways; DISABLE would end it for both."""
        place = (id(code), offset)
        way = self._ways.setdefault(place, -1)
        if way == destination:
            return None
        self.sysmon_branch_either(code, offset, destination)
        self._ways[place] = destination
        return None if way < 0 else DISABLE


class Core:
    """What coverage measures with; its own choice would be `settrace`."""

    tracer_class = Branches
    file_disposition_class = FileDisposition
    supports_plugins = False
    supports_dynamic_contexts = False
    packed_arcs = False
    systrace = False

    def __init__(self, **_options: object) -> None:
        self.tracer_kwargs: dict[str, Any] = {}


def coverage_init(_reg: Plugins, _options: object) -> None:
    """Called by coverage before it chooses."""
    if not env.PYBEHAVIOR.branch_right_left:
        coverage.control.Core = Core
