"""The check of words: what it refuses, what it lets pass, and that it reads what git tracks or would track."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_words.py"


def check(folder, **files):
    """Runs the check over a repository of these files."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return subprocess.run([sys.executable, str(SCRIPT)], cwd=folder, capture_output=True, text=True, check=False)


# A ~ is taken out: this very file is read by the check too.
@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("cd /wo~rk/main", "a path of one machine", id="the checkout's path"),
        pytest.param("python = /ro~ot/.pyenv", "a path of one machine", id="the root user's home"),
        pytest.param('"/ho~me/alice/twinvault"', "a path of one machine", id="a user's home"),
        pytest.param("see ../sha~red/notes", "a folder outside the repository", id="a folder beside"),
        pytest.param("https://py~pi.org/simple", "a package index's address", id="an index"),
        pytest.param('  "res~olved": "x"', "a download address", id="npm's resolved"),
        pytest.param("first\n--index-~url x", "a download address", id="pip's index-url"),
        pytest.param(f"AKIA~{'Z' * 16}", "an AWS access key", id="an access key"),
        pytest.param("-----BEGIN EC PRI~VATE KEY-----", "a private key", id="a private key"),
    ],
)
def test_what_must_not_stand_in_the_repository_is_named_with_its_place(tmp_path, text, what):
    run = check(tmp_path, notes__txt=f"innocent\n{text.replace('~', '')}\n")
    assert run.returncode == 1
    assert run.stdout.startswith("notes.txt:")
    assert what in run.stdout


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("http://127.0.0.1:8787/work/items", id="a path of a URL"),
        pytest.param("build/root/x", id="a relative path"),
        pytest.param("$HOME/work/x", id="below a variable"),
        pytest.param('GET "/home/x"', id="a route"),
        pytest.param("https://docs.aws.amazon.com/kms/latest/developerguide/", id="documentation"),
    ],
)
def test_what_only_looks_alike_passes(tmp_path, text):
    assert check(tmp_path, notes__txt=text).returncode == 0


def test_ignored_files_are_not_read(tmp_path):
    run = check(tmp_path, secret__txt="AKIA" + "Z" * 16, __gitignore="secret.txt\n")
    assert run.returncode == 0, run.stdout
