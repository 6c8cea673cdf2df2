"""`make wheels`: what a project of one's own installs, each the same bytes wherever it is built, locked by hash."""

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def make(out: Path) -> Path:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "wheels.py", out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("wheels") / "dist")


def locked(lock: Path) -> dict[str, str]:
    found = re.findall(r"^([a-z-]+)==\S+ \\\n    --hash=sha256:([0-9a-f]{64})$", lock.read_text(), re.MULTILINE)
    assert len(found) == lock.read_text().count("==")
    return dict(found)


def test_every_package_is_a_wheel_that_one_lock_file_names_by_its_hash(made: Path) -> None:
    packages = {
        re.search(r'^name = "(.+)"$', path.read_text(), re.MULTILINE)[1]  # type: ignore[index]  # each has a name
        for path in ROOT.rglob("pyproject.toml")
        if path.relative_to(ROOT).parts[0] in {"pyproject.toml", "cli", "constructs", "local", "packaging"}
    }
    artifact, rest = locked(made / "wheels.txt"), locked(made / "wheels-dev.txt")
    assert set(artifact) == {"twinvault", "twinvault-http"}
    assert set(artifact) | set(rest) == packages
    assert not set(artifact) & set(rest)
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in made.glob("*.whl")}
    assert hashes == {*artifact.values(), *rest.values()}


def test_they_are_the_same_bytes_a_second_time(made: Path, tmp_path: Path) -> None:
    again = make(tmp_path / "dist")
    for path in made.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_what_the_twin_needs_beside_its_modules_is_in_its_wheel(made: Path) -> None:
    (wheel,) = made.glob("twinvault_local-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"twinvault_local/engines/pom.xml", "twinvault_local/machine/lambda.txt"} <= names
