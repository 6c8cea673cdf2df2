"""scripts/release.py: everything that a release is made of, once, with hashes that hold."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "release.py"
SECONDS = 280
PROJECTS = [
    path for path in ROOT.glob("**/pyproject.toml") if not {".venv", ".cache", "build", "examples"} & set(path.parts)
]


def release(*options: str | Path) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, str(SCRIPT), *(str(option) for option in options)]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=SECONDS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with the locked wheels' names in a stand-in for the artifact: its bytes are copied, nothing more."""
    folder = tmp_path_factory.mktemp("release")
    with zipfile.ZipFile(folder / "functions.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("service/__init__.py"), "")
    done = release("--artifact", folder / "functions.zip", "--into", folder / "out")
    assert done.returncode == 0, done.stderr
    return folder


def project(path: Path) -> dict[str, str]:
    read: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return read


def test_a_release_is_the_artifact_every_package_a_bill_of_materials_and_the_hashes(made: Path) -> None:
    version = project(ROOT / "pyproject.toml")["version"]
    packages = [project(path) for path in PROJECTS]
    wheels = {f"{one['name'].replace('-', '_')}-{one['version']}-py3-none-any.whl" for one in packages}
    functions = {f"twinvault-functions-{version}.{suffix}" for suffix in ("zip", "cdx.json")}
    assert {path.name for path in (made / "out").iterdir()} == wheels | functions | {"SHA256SUMS"}


def test_every_file_has_the_hash_that_is_written_down(made: Path) -> None:
    lines = (made / "out" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    told = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = [path for path in (made / "out").iterdir() if path.name != "SHA256SUMS"]
    assert told == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_artifact_is_the_one_that_was_built(made: Path) -> None:
    (copy,) = (made / "out").glob("twinvault-functions-*.zip")
    assert copy.read_bytes() == (made / "functions.zip").read_bytes()


def test_the_bill_of_materials_lists_every_locked_requirement_with_its_hashes(made: Path) -> None:
    (path,) = (made / "out").glob("*.cdx.json")
    bill = json.loads(path.read_text(encoding="utf-8"))
    locked = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    wanted = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", locked, re.MULTILINE))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {one["name"]: one["version"] for one in bill["components"]} == wanted
    about = hashlib.sha256((made / "functions.zip").read_bytes()).hexdigest()
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": about}]
    for one in bill["components"]:
        assert any(reference.get("hashes") for reference in one["externalReferences"]), one["name"]


def test_the_same_commit_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    done = release("--artifact", made / "functions.zip", "--into", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / "SHA256SUMS").read_bytes() == (made / "out" / "SHA256SUMS").read_bytes()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(["--tag", "v9.9.9"], "The tag is v9.9.9 and pyproject.toml says", id="another version's tag"),
        pytest.param(["--artifact", "nowhere.zip"], "There is no artifact at nowhere.zip", id="nothing built"),
    ],
)
def test_what_cannot_be_released_is_refused_and_nothing_is_written(
    tmp_path: Path, options: list[str], says: str
) -> None:
    done = release(*options, "--into", tmp_path / "out")
    assert done.returncode == 1
    assert says in done.stderr
    assert not (tmp_path / "out").exists()
