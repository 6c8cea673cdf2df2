"""What a run of tests leaves as evidence: a small checkout of its own, run as `make test` runs this one."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from twinvault_verdict import evidence

HERE = Path(__file__).parents[1]
CONFTEST = f"""
import importlib.util
from pathlib import Path
spec = importlib.util.spec_from_file_location("recording", {str(HERE / "evidence.py")!r})
recording = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recording)
found = recording.found

def pytest_configure(config):
    recording.configure(config, root=Path(__file__).parents[1])

def pytest_runtest_setup(item):
    recording.announce(item)

def pytest_sessionfinish(session):
    evidence = session.config.pluginmanager.get_plugin("evidence")
    if evidence:
        evidence.tell("iam", passed=True, details={{"unused": [], "unannounced_denials": []}})
"""
TESTS = {
    "tests/test_a.py": """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_passes(number): pass

@pytest.mark.skip(reason="no root here")
def test_is_skipped(): pass

@pytest.mark.denies("read", "dynamodb:Scan")
def test_is_refused(): pass
""",
    "tests/kms_conformance/test_kms.py": "def test_conforms(): pass\n",
    "tests/either_way/test_reads.py": "def test_reads(found): found['formats'] = {'previous': 1, 'written': 1}\n",
}


def git(root, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments], cwd=root, check=True, capture_output=True
    )


@pytest.fixture
def checkout(tmp_path):
    files = {
        ".gitignore": "build/\n__pycache__/\n.pytest_cache/\n",
        "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\naddopts = ['--import-mode=importlib']\n",
        "tests/conftest.py": CONFTEST,
        **TESTS,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "functions.zip").write_bytes(b"an artifact")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "all")
    return tmp_path


def run(root, *arguments):
    xdist = ("-p", "xdist.plugin") if "-n" in arguments else ()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *xdist, *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # loading them takes longer than these tests
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)


def left(root, name):
    return evidence.read(name, (root / "build" / "evidence" / f"{name}.json").read_bytes())


def names(root):
    return {path.stem for path in (root / "build" / "evidence").glob("*.json")}


@pytest.mark.parametrize(
    "arguments", [pytest.param([], id="in one process"), pytest.param(["-n", "2", "-m", "not long"], id="by xdist")]
)
def test_the_whole_suite_leaves_evidence_of_all_its_parts(checkout, arguments):
    done = run(checkout, *arguments)
    assert done.returncode == 0, done.stdout
    assert names(checkout) == {"suite", "differences", "kms-conformance", "either-way", "iam"}
    assert left(checkout, "iam").details == {
        "unused": [],
        "unannounced_denials": [],
        "artifact_changed_meanwhile": False,
    }
    suite = left(checkout, "suite")
    assert suite.passed
    assert suite.about.tree_clean
    assert suite.about.artifact_sha256 == hashlib.sha256(b"an artifact").hexdigest()
    assert suite.details["whole"] is True
    assert "tests/test_a.py::test_passes[2]" in suite.details["passed"]
    assert suite.details["skipped"] == [{"test": "tests/test_a.py::test_is_skipped", "reason": "no root here"}]
    assert suite.details["announced_denials"] == [
        {"caller": "read", "action": "dynamodb:Scan", "test": "tests/test_a.py::test_is_refused"}
    ]
    assert left(checkout, "differences").details["tests"]["tests/test_a.py::test_passes"] == "passed"
    assert left(checkout, "differences").details["tests"]["tests/test_a.py::test_is_skipped"] == "skipped"
    assert left(checkout, "kms-conformance").details["passed"] == ["tests/kms_conformance/test_kms.py::test_conforms"]
    assert left(checkout, "either-way").details["formats"] == {"previous": 1, "written": 1}


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        pytest.param(
            ["tests"], {"suite", "differences", "kms-conformance", "either-way", "iam"}, id="the folder of all tests"
        ),
        pytest.param(["tests/kms_conformance"], {"kms-conformance"}, id="one part"),
        pytest.param(["tests/test_a.py"], set(), id="one file"),
        pytest.param(["-k", "passes"], set(), id="by name"),
        pytest.param(["-m", "denies"], set(), id="by mark"),
        pytest.param(["--deselect", "tests/test_a.py::test_passes"], set(), id="but for one"),
        pytest.param(["--ignore", "tests/kms_conformance"], set(), id="but for a folder"),
        pytest.param(["tests/kms_conformance", "tests/test_a.py"], set(), id="a part and more"),
        pytest.param(["--collect-only"], set(), id="nothing run"),
    ],
)
def test_a_part_of_the_suite_is_not_evidence_of_the_whole(checkout, arguments, wanted):
    run(checkout, *arguments)
    assert names(checkout) == wanted


def test_a_failure_is_evidence_too(checkout):
    (checkout / "tests/kms_conformance/test_kms.py").write_text("def test_conforms(): assert 0\n", encoding="utf-8")
    git(checkout, "commit", "-qam", "broken")
    assert run(checkout).returncode == 1
    for name in ("suite", "kms-conformance"):
        assert not left(checkout, name).passed
        assert left(checkout, name).details["failed"] == ["tests/kms_conformance/test_kms.py::test_conforms"]
    assert (
        left(checkout, "differences").details["tests"]["tests/kms_conformance/test_kms.py::test_conforms"] == "failed"
    )


def test_a_module_that_cannot_be_collected_is_a_failure_and_one_that_skips_itself_a_skip(checkout):
    (checkout / "tests/test_b.py").write_text(
        "import pytest\npytest.skip('not here', allow_module_level=True)\n", encoding="utf-8"
    )
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "more")
    run(checkout, "-n", "2")
    assert {"test": "tests/test_b.py", "reason": "not here"} in left(checkout, "suite").details["skipped"]
    (checkout / "tests/test_b.py").write_text("import nothing\n", encoding="utf-8")
    run(checkout)
    assert left(checkout, "suite").details["failed"] == ["tests/test_b.py"]


def test_a_dirty_tree_is_told(checkout):
    (checkout / "new.py").touch()
    run(checkout)
    assert not left(checkout, "suite").about.tree_clean


@pytest.mark.parametrize(
    ("statement", "clean"),
    [
        pytest.param("(ROOT / 'build/functions.zip').write_bytes(b'another')", True, id="the artifact"),
        pytest.param("(ROOT / 'tests/test_a.py').write_text('')", False, id="a test"),
    ],
)
def test_what_changes_while_the_tests_run_is_found(checkout, statement, clean):
    text = f"from pathlib import Path\nROOT = Path(__file__).parents[1]\ndef test_it(): {statement}\n"
    (checkout / "tests/test_z.py").write_text(text, encoding="utf-8")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "more")
    run(checkout)
    suite = left(checkout, "suite")
    assert suite.about.tree_clean is clean
    assert suite.passed is not clean or not suite.details["artifact_changed_meanwhile"]
    assert suite.details["artifact_changed_meanwhile"] is clean
    if clean:
        assert not suite.passed


def test_outside_of_a_checkout_tests_run_and_leave_nothing(checkout):
    (checkout / ".git").rename(checkout / "git")
    assert run(checkout).returncode == 0
    assert not (checkout / "build" / "evidence").exists()


def test_an_evidence_file_is_of_the_form_that_others_read(checkout):
    run(checkout)
    content = json.loads((checkout / "build/evidence/suite.json").read_bytes())
    wanted = {"name", "artifact_sha256", "commit", "tree_clean", "engines", "place", "at", "passed", "details", "seal"}
    assert set(content) == wanted
    assert {"DynamoDB Local", "Python", "Java"} <= content["engines"].keys()
