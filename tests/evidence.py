"""What a run of the tests leaves behind for the verdict: build/evidence, a file for the suite and for each part of it.

Evidence is written by the whole suite, and by a run of one part's folder and nothing else; `-k`, `-m` and their like
write none. A test that makes a call be refused says so beforehand: `@pytest.mark.denies("read", "dynamodb:Scan")`.
"""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from twinvault_local.engines import versions
from twinvault_local.state import SERVICES
from twinvault_verdict import evidence
from twinvault_verdict.errors import GatheringError
from twinvault_verdict.evidence import Subject
from twinvault_verdict.gathering import everything

ROOT = Path(__file__).resolve().parents[1]
PARTS = {"kms-conformance": "tests/kms_conformance", "either-way": "tests/either_way", "docker": "tests/docker"}
"""Evidence that one folder's tests make; those of the suite make it with the suite too."""
GATE = "gate"
_CHOOSING = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "failedfirst", "collectonly", "stepwise")
_WHOLE = "not long"
"""What `make test` leaves out runs in `make test-all`, and a shorter one of it in the suite."""
_DENIES = "denies"


def subject(root: Path = ROOT) -> Subject:
    """What a test that runs now is about.

    Raises:
        GatheringError: this is no git checkout.
    """
    return everything.subject(root, engines=versions.versions())


def record(name: str, *, about: Subject, passed: bool, details: Mapping[str, Any], root: Path = ROOT) -> Path:
    """Write a piece of evidence. It has passed only if the artifact and the commit still are what they were before.

    `about` is what `subject` said at the beginning.
    """
    now = subject(root)
    same = (now.artifact_sha256, now.commit) == (about.artifact_sha256, about.commit)
    clean = Subject(
        artifact_sha256=now.artifact_sha256,
        commit=now.commit,
        tree_clean=about.tree_clean and now.tree_clean,
        engines=about.engines,
        place=about.place,
    )
    told = {**details, "artifact_changed_meanwhile": not same}
    return evidence.write(
        root / everything.EVIDENCE, name, about=clean, at=datetime.now(UTC), passed=passed and same, details=told
    )


class Recorder:
    """Listens to a run and writes its evidence at the end. Only where the run is led: xdist's workers tell it."""

    def __init__(self, config: pytest.Config, root: Path) -> None:
        self._config = config
        self._root = root
        self._about = subject(root)
        self._passed: set[str] = set()
        self._failed: set[str] = set()
        self._skipped: dict[str, str] = {}
        self._denied: list[dict[str, str]] = []
        self._found: dict[str, Any] = {}
        self._told: dict[str, tuple[bool, Mapping[str, Any]]] = {}

    def tell(self, name: str, *, passed: bool, details: Mapping[str, Any]) -> None:
        """What another plugin found out of the whole suite, such as `iam`; it is written with the suite's own.

        `config.pluginmanager.get_plugin("evidence").tell(...)`, before the end of `pytest_sessionfinish`.
        """
        self._told[name] = (passed, details)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test has ended."""
        test = report.nodeid
        if report.failed:
            self._failed.add(test)
        elif report.skipped:
            self._skipped[test] = (
                f"expected to fail: {report.wasxfail}" if hasattr(report, "wasxfail") else _why(report)
            )
        elif report.when == "call":
            self._passed.add(test)
            self._denied += [
                {"caller": caller, "action": action, "test": test}
                for name, value in report.user_properties
                if name == _DENIES
                for caller, action in [value]
            ]
        for name, value in report.user_properties:
            if name.startswith("evidence:"):
                self._found[name.removeprefix("evidence:")] = value

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module or folder was collected; one that cannot be is a failure, one that skips itself a skip."""
        if report.failed:
            self._failed.add(report.nodeid)
        elif report.skipped:
            self._skipped[report.nodeid] = _why(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Everything has run; what other plugins made of it stands in the session's own exit status."""
        went_well = session.exitstatus == pytest.ExitCode.OK
        chosen = [] if _narrowed(self._config) else _chosen(self._config, self._root)
        whole = chosen == ["tests"]
        if whole:
            self._write("suite", passed=went_well, tests="tests/", more=self._of_the_suite())
            self._write_differences(passed=went_well)
            for name, (passed, details) in self._told.items():
                record(name, about=self._about, passed=passed, details=details, root=self._root)
        for name, folder in PARTS.items():
            ran = any(test.startswith(f"{folder}/") for test in self._passed | self._failed)
            if ran and (whole or chosen == [folder]):
                self._write(name, passed=went_well or whole, tests=f"{folder}/", more=self._found)

    def _of_the_suite(self) -> dict[str, Any]:
        gate = GATE in SERVICES  # the twin starts it, and so every end-to-end test goes through it
        return {"whole": True, "through_gate": gate, "launcher": "process", "announced_denials": self._denied}

    def _write(self, name: str, *, passed: bool, tests: str, more: Mapping[str, Any]) -> None:
        failed = sorted(test for test in self._failed if test.startswith(tests))
        skipped = {test: why for test, why in self._skipped.items() if test.startswith(tests)}
        details = {
            "passed": sorted(t for t in self._passed - self._failed if t.startswith(tests) and t not in skipped),
            "failed": failed,
            "skipped": [{"test": test, "reason": skipped[test]} for test in sorted(skipped)],
            **more,
        }
        record(name, about=self._about, passed=passed and not failed, details=details, root=self._root)

    def _write_differences(self, *, passed: bool) -> None:
        """By the name of the test function: one that is parametrized has passed if each case of it has."""
        outcomes: dict[str, str] = {}
        for outcome, tests in (("passed", self._passed), ("skipped", self._skipped), ("failed", self._failed)):
            outcomes |= dict.fromkeys((test.partition("[")[0] for test in tests), outcome)
        record("differences", about=self._about, passed=passed, details={"tests": outcomes}, root=self._root)


@pytest.fixture
def found(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """What a test puts in here stands among the details of its part's evidence."""
    told: dict[str, Any] = {}
    yield told
    request.node.user_properties += [(f"evidence:{name}", value) for name, value in told.items()]


def configure(config: pytest.Config, *, root: Path = ROOT) -> None:
    """Called by tests/conftest.py: make the run leave evidence, if this is a checkout that evidence can be about."""
    config.addinivalue_line("markers", f"{_DENIES}(caller, action): this test makes that call of the caller be refused")
    if not hasattr(config, "workerinput"):
        with contextlib.suppress(GatheringError):
            config.pluginmanager.register(Recorder(config, root), "evidence")


def announce(item: pytest.Item) -> None:
    """Called by tests/conftest.py as a test begins: what it says it makes be refused travels with its report."""
    for marker in item.iter_markers(_DENIES):
        item.user_properties.append((_DENIES, marker.args))


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


def _narrowed(config: pytest.Config) -> bool:
    """Whether only some of the tests were asked for, or a KMS that is not ours."""
    another = config.getoption("--kms-endpoint", "ours") != "ours"
    chosen = {name: getattr(config.option, name, None) for name in _CHOOSING}
    if chosen["markexpr"] == _WHOLE:
        del chosen["markexpr"]
    return another or any(chosen.values())


def _chosen(config: pytest.Config, root: Path) -> list[str]:
    """The folders that were asked for, from the checkout's root."""
    paths = [(config.invocation_params.dir / one).resolve() for one in config.args]
    return [str(path.relative_to(root)) if path.is_relative_to(root) else str(path) for path in paths]
