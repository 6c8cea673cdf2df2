"""Which tests one worker of xdist runs together: those of modules that say so by `xdist_group`.

xdist 3.8 writes a group at the end of an item's id, where pytest 9.2 does not look any more: every worker brought up a
twin of its own. The marks stay as they are, and are read here from the modules' source: xdist's controller imports
none of them.
"""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

_MARK = re.compile(r"^pytestmark = \[?pytest\.mark\.xdist_group\(\"([^\"]+)\"\)", re.MULTILINE)


class Together(LoadGroupScheduling):
    """Load by groups, as `--dist=loadgroup` promises."""

    def _split_scope(self, nodeid: str) -> str:
        return group(self.config.rootpath / nodeid.partition("::")[0]) or nodeid


@cache
def group(module: Path) -> str | None:
    """The group of a test module, if it names one."""
    found = _MARK.search(module.read_text(encoding="utf-8"))
    return found[1] if found else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together | None:
    """Called by xdist where it runs at all."""
    return Together(config, log) if config.getoption("dist") == "loadgroup" else None
