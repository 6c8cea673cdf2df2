"""Two releases and one state. The earlier one is rebuilt from the last tag, or given as a file:

make either-way                     # the last tag's artifact, rebuilt
make either-way PREVIOUS=FILE.zip   # that file; its template is the last tag's, if there is one
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from histories import History
from previous import Release, given, newer, rebuilt
from vaults import ROOT, make_sources

from twinvault_verdict.gathering import everything, git


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--previous", type=Path, help="the last released artifact, as a file")
    parser.addoption("--previous-assembly", type=Path, help="the folder of its synthesized app")


@pytest.fixture(scope="session")
def previous(request: pytest.FixtureRequest) -> Release:
    """The last release."""
    file, assembly = (request.config.getoption(name) for name in ("--previous", "--previous-assembly"))
    last = git.last_release(ROOT)
    if last is None and file is None:
        pytest.skip("there is no release before this commit")
    tagged = rebuilt(ROOT, last) if last is not None and not (file and assembly) else None
    return given(file, assembly=assembly, tagged=tagged, root=ROOT) if file else tagged


@pytest.fixture(scope="session")
def present(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """This checkout's own."""
    made = make_sources(tmp_path_factory.mktemp("present"))
    return Release("this", git.commit(ROOT), made, everything.digest_of(made.artifact))


@pytest.fixture(scope="session")
def following(present: Release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release after this one: it knows a kind of item more, and a field more of each perspective."""
    return newer(ROOT, present, into=tmp_path_factory.mktemp("following"))


@pytest.fixture(scope="session")
def history(previous: Release, present: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """One state folder, which one release after the other serves."""
    folder = tmp_path_factory.mktemp("history")
    made = History(folder / "state", previous=previous, present=present)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)
