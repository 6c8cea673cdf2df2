"""twinvault new: what it writes, under which names, and what it refuses. That its own tests pass: tests/new_project."""

import ast
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cli.calling import Call
from twinvault_cli import project

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "clinic"
MORE = {"twinvault-durable", "twinvault-kms"}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Stand-ins: they are copied and hashed, nothing more."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in project.NEEDED | MORE:
        with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-0.1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("name", name)
    return folder


@pytest.fixture
def ward(call: Call, wheels: Path, tmp_path: Path) -> Path:
    done = call("new", "ward-round", "--into", str(tmp_path / "ward"), "--wheels", str(wheels))
    assert done.code == 0, done.err
    assert f"cd {tmp_path / 'ward'} && make test" in done.out + done.err
    return tmp_path / "ward"


def test_it_is_the_example_under_another_name(ward: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    wanted = {name.replace("/clinic/", "/ward_round/") for name in tracked} | {*project.LOCKS, project.FIND_PYTHON}
    written = {path.relative_to(ward).as_posix() for path in ward.rglob("*") if path.is_file()}
    assert {name for name in written if not name.startswith("wheels/")} == wanted


def test_code_settings_and_permissions_bear_its_name_and_none_the_examples(ward: Path) -> None:
    context = json.loads((ward / "cdk.json").read_text())["context"]
    assert {stage["store"] for stage in context["stages"].values()} == {"ward-round-dev", "ward-round-prod"}
    assert 'name="ward-round"' in (ward / "app.py").read_text()
    assert "ward-round:read" in (ward / "pyproject.toml").read_text()
    for path in ward.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("clinic"), path
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
                assert "clinic" not in node.value, (path, node.value)
    assert not re.search(r"clinic(?:/|\.|:|-)", (ward / "README.md").read_text())


@pytest.mark.parametrize("name", ["a", "aaaaaaaaaaaaaaaaaaaa", "zzzzzzzzz-zzzzzzzzzz"])
def test_it_is_formatted_and_linted_as_its_own_make_check_asks(
    call: Call, wheels: Path, tmp_path: Path, name: str
) -> None:
    ward = tmp_path / "ward"
    assert call("new", name, "--into", str(ward), "--wheels", str(wheels)).code == 0
    for step in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *step, "."], cwd=ward, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_wheels_are_copied_and_locked_by_hash_and_not_ignored(ward: Path, wheels: Path) -> None:
    line = re.compile(r"^([a-z-]+)==0\.1\.0 \\\n    --hash=sha256:([0-9a-f]{64})$", re.MULTILINE)
    deployed, others = (dict(line.findall((ward / lock).read_text())) for lock in project.LOCKS)
    assert deployed.keys() == {"twinvault", "twinvault-http"}
    told = deployed | others
    assert told.keys() == project.NEEDED | MORE
    for name, digest in told.items():
        copied = ward / "wheels" / f"{name.replace('-', '_')}-0.1.0-py3-none-any.whl"
        assert hashlib.sha256(copied.read_bytes()).hexdigest() == digest
    assert "wheels" not in (ward / ".gitignore").read_text()
    assert "wheels/" in (EXAMPLE / ".gitignore").read_text()


def test_as_json_it_says_what_it_wrote(call: Call, wheels: Path, tmp_path: Path) -> None:
    done = call("new", "ward", "--into", str(tmp_path / "w"), "--wheels", str(wheels), "--json")
    told = json.loads(done.out)
    assert told["project"] == str(tmp_path / "w")
    assert "functions/ward/records.py" in told["files"]


@pytest.mark.parametrize(
    "name", ["Ward", "1st", "a--b", "ward-", "x" * 21, "", "twinvault-own", "json", "class", "boto3", "../ward"]
)
def test_a_name_that_no_project_can_have_is_refused(call: Call, wheels: Path, tmp_path: Path, name: str) -> None:
    done = call("new", name, "--into", str(tmp_path / "w"), "--wheels", str(wheels))
    assert done.code == 2
    assert "NAME" in done.err
    assert not (tmp_path / "w").exists()


def test_what_is_there_stays(call: Call, wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "mine").write_text("mine")
    done = call("new", "ward", "--into", str(tmp_path / "w"), "--wheels", str(wheels))
    assert (done.code, [path.name for path in (tmp_path / "w").iterdir()]) == (2, ["mine"])
    assert "is there already" in done.err


def test_a_wheel_that_is_missing_is_named(call: Call, wheels: Path, tmp_path: Path) -> None:
    (wheels / "twinvault_http-0.1.0-py3-none-any.whl").unlink()
    done = call("new", "ward", "--into", str(tmp_path / "w"), "--wheels", str(wheels))
    assert done.code == 2
    assert "twinvault-http" in done.err
    assert "make wheels" in done.err


def test_two_wheels_of_a_name_are_refused(call: Call, wheels: Path, tmp_path: Path) -> None:
    (wheels / "twinvault-0.0.9-py3-none-any.whl").write_bytes(b"")
    assert call("new", "ward", "--into", str(tmp_path / "w"), "--wheels", str(wheels)).code == 2
