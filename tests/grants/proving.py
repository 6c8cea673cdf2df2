"""`--grants`: at the end of the whole suite, a grant that no test needs fails the run, and a refusal nobody announced.

A test that makes a call be refused says so: it reports a user property `denies` of a caller and an action.
"""

import shutil
from typing import Any

import pytest

from tests.grants import suite

_DENIES = "denies"


def add_option(parser: pytest.Parser) -> None:
    parser.addoption("--grants", action="store_true", help="fail for grants that no test of this run needs")


def configure(config: pytest.Config) -> None:
    """Called by tests/conftest.py."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(HandingOver(config, config.workerinput["workerid"]), "grants-handing-over")
        return
    if not config.getoption("--grants"):
        return
    shutil.rmtree(suite.COLLECTED, ignore_errors=True)
    if not config.getoption("numprocesses", None):
        config.pluginmanager.register(HandingOver(config, "alone"), "grants-handing-over")
    config.pluginmanager.register(Judging(), "grants")


class HandingOver:
    """Where tests run: what their twins wrote down is kept."""

    def __init__(self, config: pytest.Config, worker: str) -> None:
        self._config = config
        self._worker = worker

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        if self._config.getoption("--grants"):
            factory: Any = self._config._tmp_path_factory  # pytest has no other
            suite.collect(factory.getbasetemp(), suite.COLLECTED / self._worker)


class Judging:
    """Where the run is led: workers have ended when this one does."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._announced: set[tuple[str, str]] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test has ended."""
        for name, value in report.user_properties:
            if name == _DENIES and isinstance(value, (list, tuple)):
                caller, action = value
                self._announced.add((str(caller), str(action)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            report = suite.report(self._announced)
            self.complaints = report.complaints
            tell(session.config, report)
        if self.complaints:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.complaints:
            terminalreporter.section("grants", red=True)
            for line in self.complaints:
                terminalreporter.line(line)


def tell(config: pytest.Config, report: suite.Report) -> None:
    """What the suite proved is evidence, where the run leaves any."""
    recorder: Any = config.pluginmanager.get_plugin("evidence")
    if recorder is not None:
        recorder.tell("iam", passed=not report.complaints, details=report.details)
