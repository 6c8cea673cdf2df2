"""A pytest plugin for what stands on Twinvault: real engines, a twin, faults, a clock, snapshots (docs/testing.md).

The names here are the types of its fixtures, for annotations. They are imported when they are asked for: pytest loads
the plugin in every run.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinvault_testing.clock import MovableClock
    from twinvault_testing.engines import OwnEngines
    from twinvault_testing.faults import FaultNeverMetError, FaultsByName
    from twinvault_testing.store import OwnStore, SavedStore
    from twinvault_testing.twins import RunningTwin

__all__ = [
    "FaultNeverMetError",
    "FaultsByName",
    "MovableClock",
    "OwnEngines",
    "OwnStore",
    "RunningTwin",
    "SavedStore",
]

_MODULES = {
    "FaultNeverMetError": "faults",
    "FaultsByName": "faults",
    "MovableClock": "clock",
    "OwnEngines": "engines",
    "OwnStore": "store",
    "RunningTwin": "twins",
    "SavedStore": "store",
}


def __getattr__(name: str) -> object:
    """One of these names (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
