"""A project: the folder of a cdk.json, and what of it makes the artifact and what makes the templates."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinvault_local.artifact.project import Project
from twinvault_local.errors import ProjectError

CONTEXT = {"stage": "test", "stages": {name: {"architecture": "x86_64"} for name in ("test", "live")}}


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    def make(**cdk_json: Any) -> Path:
        for name in (
            "functions/clinic/visits.py",
            "requirements/runtime.txt",
            "infra/stacks.py",
            "app.py",
            "tests/x.py",
        ):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("")
        said = {"app": ".venv/bin/python app.py", "context": CONTEXT, **cdk_json}
        (tmp_path / "cdk.json").write_text(json.dumps(said))
        return tmp_path

    return make


def test_the_stage_is_the_one_that_is_asked_for_or_the_one_that_cdk_json_names(project: Callable[..., Path]) -> None:
    assert Project.read(project()).stage == "test"
    assert Project.read(project(), stage="live").stage == "live"


def test_the_artifact_is_where_cdk_json_says(project: Callable[..., Path]) -> None:
    root = project(context={**CONTEXT, "artifact": "out/f.zip"})
    assert Project.read(root).artifact == root / "out" / "f.zip"
    assert Project.read(project()).artifact == root / "build" / "functions.zip"


@pytest.mark.parametrize(
    ("cdk_json", "stage", "says"),
    [
        ({"context": {}}, None, "app and context.stage must be texts"),
        ({"app": 1}, None, "app and context.stage must be texts"),
        ({"context": None}, None, "must be JSON with app and context"),
        ({}, "dev", "has no stage 'dev': it has live, test"),
        ({"context": {"stage": "dev"}}, None, "has no stage 'dev': it has none"),
    ],
)
def test_a_cdk_json_without_what_it_takes_says_so(
    project: Callable[..., Path], cdk_json: dict[str, Any], stage: str | None, says: str
) -> None:
    with pytest.raises(ProjectError, match=says):
        Project.read(project(**cdk_json), stage=stage)


def test_a_folder_without_cdk_json_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"holds no cdk\.json"):
        Project.read(tmp_path)


@pytest.mark.parametrize(
    ("changed", "artifact", "templates"),
    [
        ("functions/clinic/visits.py", True, False),
        ("requirements/runtime.txt", True, True),
        ("requirements/wheels.txt", True, True),
        ("wheels/twinvault.whl", True, True),
        ("infra/stacks.py", False, True),
        ("app.py", False, True),
        ("tests/x.py", False, False),
        ("infra/notes.md", False, False),
        (".venv/lib/x.py", False, False),
    ],
)
def test_what_a_change_is_a_change_of(
    project: Callable[..., Path], changed: str, *, artifact: bool, templates: bool
) -> None:
    one = Project.read(project())
    before = one.artifact_inputs(), one.assembly_inputs()
    (one.root / changed).parent.mkdir(parents=True, exist_ok=True)
    (one.root / changed).write_text("changed")
    after = one.artifact_inputs(), one.assembly_inputs()
    assert (after[0] != before[0], after[1] != before[1]) == (artifact, templates)
