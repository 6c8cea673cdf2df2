"""The makefile's own rules: `make verdict` runs what is missing first, and a NO-GO ends `make deploy` before AWS."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DONE = (".venv/.installed", "build/functions.zip", "build/functions.cdx.json", "node_modules")  # as if made already


@pytest.fixture
def folder(tmp_path):
    """The makefile among programs that write down how they were called; what they answer is in `answers`."""
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    for name in (".venv/bin/twinvault", ".venv/bin/python", "bin/npx"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"""#!/bin/sh
echo "{path.name} $*" >> called
case "$*" in *--missing*) cat missing; exit 0 ;; esac
[ "{path.name} $1" != "$(cat refuses)" ]
""",
            encoding="utf-8",
        )
        path.chmod(0o755)
    (tmp_path / "bin/make-missing").write_text("#!/bin/sh\necho made >> called\nexit 1\n", encoding="utf-8")
    (tmp_path / "bin/make-missing").chmod(0o755)
    (tmp_path / "missing").touch()
    (tmp_path / "refuses").touch()
    return tmp_path


def make(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment["PATH"] = f"{folder / 'bin'}:{environment['PATH']}"
    given = [option for path in DONE for option in ("-o", path)]
    done = subprocess.run(
        ["make", *given, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, (folder / "called").read_text(encoding="utf-8").splitlines()


def test_the_help_says_how_the_demo_gets_another_port():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.split()[1] == "demo"]
    assert "PORT=8790" in line
    assert "${PORT:+--port" in (ROOT / "scripts" / "demo").read_text(encoding="utf-8")


def test_a_deployment_is_the_verdict_then_a_release_of_what_was_judged_then_a_look_at_what_runs(folder):
    signing = ("KEY=awskms:alias/verdict", "VERIFIER=https://ci")
    code, called = make(folder, "deploy", "STAGE=live", *signing, "CDK=--quiet")
    assert code == 0
    assert [line.replace("  ", " ").strip() for line in called] == [
        "twinvault verdict --stage live --missing",
        "twinvault verdict --stage live --key awskms:alias/verdict --verifier https://ci",
        "python -m twinvault_verdict.rollout --stage live",
        "npx cdk deploy --all --app build/rollout/live --quiet",
        "twinvault verify-deploy --stage live",
    ]


def test_a_deployment_has_a_name_gates_or_none_and_may_be_of_one_stack(folder):
    code, called = make(folder, "deploy", "STAGE=live", "RELEASE=2026-11-30.2", "GATES=off", "ONLY=Api")
    assert code == 0
    assert [line.replace("  ", " ").strip() for line in called[2:4]] == [
        "python -m twinvault_verdict.rollout --stage live --release 2026-11-30.2 --gates off",
        "npx cdk deploy Twinvault-live-Api --exclusively --app build/rollout/live",
    ]


@pytest.mark.parametrize(
    ("refuses", "last"),
    [
        pytest.param("twinvault verdict", "twinvault verdict", id="NO-GO reaches no AWS"),
        pytest.param("python -m", "python -m", id="a release that is not what was judged reaches no AWS"),
        pytest.param("npx cdk", "npx cdk", id="a deployment that fails is not looked at"),
        pytest.param("twinvault verify-deploy", "twinvault verify-deploy", id="another artifact is an error"),
    ],
)
def test_what_fails_ends_it(folder, refuses, last):
    (folder / "refuses").write_text(refuses, encoding="utf-8")
    code, called = make(folder, "deploy")
    assert code != 0
    assert called[-1].startswith(last)


def test_what_is_missing_is_run_before_the_verdict_whether_it_passes_or_not(folder):
    (folder / "missing").write_text("make-missing one\nmake-missing two\n", encoding="utf-8")
    code, called = make(folder, "verdict")
    assert code == 0
    assert called[1:3] == ["made", "made"]
    assert called[-1].startswith("twinvault verdict")
