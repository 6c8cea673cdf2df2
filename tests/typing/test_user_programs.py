"""The library's types as its users meet them: right programs are clean, each wrong line is an error and no other is.

Checked from a folder of their own, under no settings of this repository, with twinvault found as an installed package:
without `py.typed` it would have no types at all.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).with_name("programs")
PYRIGHT = ROOT / "node_modules" / ".bin" / "pyright"
SECONDS = 280
RIGHT = ["right.py", "right_typed.py"]
WRONG = ["wrong.py", "wrong_typed.py"]
STRICT = {"typeCheckingMode": "strict", "pythonVersion": "3.13"}

type Errors = dict[str, dict[int, str]]

pytestmark = pytest.mark.xdist_group("user programs")  # one run of each checker serves all tests here


def run(*command: str | Path, cwd: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    line = [str(one) for one in command]
    done = subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode in {0, 1}, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def by_mypy(folder: Path) -> Errors:
    found: Errors = {}
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--output=json"]
    for line in run(*command, *RIGHT, *WRONG, cwd=folder).splitlines():
        error = json.loads(line)
        if error["severity"] == "error":
            found.setdefault(error["file"], {})[error["line"]] = error["message"]
    return found


def by_pyright(folder: Path) -> Errors:
    assert PYRIGHT.exists(), "pyright is not installed. Type: make node_modules"
    (folder / "pyrightconfig.json").write_text(json.dumps(STRICT), encoding="utf-8")
    told = json.loads(run(PYRIGHT, "--outputjson", "--pythonpath", sys.executable, "--project", folder, cwd=folder))
    found: Errors = {}
    for error in told["generalDiagnostics"]:
        if error["severity"] == "error":
            place = found.setdefault(Path(error["file"]).name, {})
            place[error["range"]["start"]["line"] + 1] = error["message"]
    assert told["summary"]["filesAnalyzed"] == len(list(folder.glob("*.py")))
    return found


@pytest.fixture(scope="module", params=[by_mypy, by_pyright], ids=["mypy", "pyright"])
def errors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Errors:
    folder = tmp_path_factory.mktemp("program")
    for program in PROGRAMS.glob("*.py"):
        shutil.copy(program, folder)
    found: Errors = request.param(folder)
    return found


@pytest.mark.parametrize("program", RIGHT)
def test_a_right_program_is_clean(errors: Errors, program: str) -> None:
    assert errors.get(program, {}) == {}


@pytest.mark.parametrize("program", WRONG)
def test_each_wrong_line_is_an_error_and_no_other_line_is(errors: Errors, program: str) -> None:
    lines = (PROGRAMS / program).read_text(encoding="utf-8").splitlines()
    marked = {number: line for number, line in enumerate(lines, 1) if re.search("# wrong: ", line)}
    found = errors[program]
    assert found.keys() == marked.keys(), {number: found.get(number) for number in found.keys() ^ marked.keys()}
