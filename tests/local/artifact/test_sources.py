"""The artifact and the assembly are made anew when what they are made of changed, and only then."""

import json
import sys
from pathlib import Path

import pytest

from twinvault_local.artifact import archive, sources
from twinvault_local.artifact.project import Project
from twinvault_local.artifact.sources import Sources
from twinvault_local.errors import BuildError

APP = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir(parents=True)
stage = json.loads(os.environ["CDK_CONTEXT_JSON"])["stage"]
(out / f"Twinvault-{stage}-Store.template.json").write_text("{}")
(out / "manifest.json").write_text(stage)
(out / "environment.json").write_text(json.dumps(dict(os.environ)))
"""


def cdk_json(**more: object) -> str:
    context = {"stage": "dev", "stages": {"dev": {"architecture": "x86_64"}, "prod": {}}, **more}
    return json.dumps({"app": f"{sys.executable} app.py", "context": context})


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with no dependencies and an app that only says that it ran."""
    for name, content in {
        "app.py": APP,
        "cdk.json": cdk_json(),
        "stacks/__init__.py": "",
        "functions/service/__init__.py": "",
        "requirements/runtime.txt": "",
        "requirements/dev.txt": "",
        "local/twin/twinvault_local/artifact/archive.py": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path


def ensure(checkout: Path) -> tuple[Sources, list[str]]:
    said: list[str] = []
    made = sources.ensure(
        Project.read(checkout),
        environ={"PATH": "/usr/bin:/bin:/usr/local/bin", "AWS_SECRET_ACCESS_KEY": "real"},
        progress=said.append,
    )
    return made, said


def test_what_is_missing_is_made_and_what_is_fresh_is_kept(checkout: Path) -> None:
    made, said = ensure(checkout)
    assert said == ["building the artifact", "synthesizing the stacks"]
    assert made.artifact.is_file()
    assert (made.assembly / "Twinvault-dev-Store.template.json").is_file()
    assert ensure(checkout) == (made, [])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param("functions/service/new.py", ["building the artifact", "synthesizing the stacks"], id="our code"),
        pytest.param("stacks/new.py", ["synthesizing the stacks"], id="a stack"),
        pytest.param("cdk.json", ["synthesizing the stacks"], id="a stage's values"),
        pytest.param("build/functions.zip", ["building the artifact"], id="the artifact by another hand"),
        pytest.param("cdk.out/manifest.json", ["synthesizing the stacks"], id="another stage, by another hand"),
        pytest.param("functions/__pycache__/x.pyc", [], id="only a cache"),
        pytest.param("docs/new.md", [], id="something else"),
    ],
)
def test_a_change_makes_anew_what_it_touches(checkout: Path, changed: str, says: list[str]) -> None:
    ensure(checkout)
    path = checkout / changed
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(cdk_json(more=1) if changed == "cdk.json" else "{}\n", encoding="utf-8")
    assert ensure(checkout)[1] == says


def test_an_artifact_is_current_until_our_code_changes(checkout: Path) -> None:
    made, _ = ensure(checkout)
    sha256 = archive.sha256(made.artifact)
    assert sources.is_current(Project.read(checkout), sha256)
    assert not sources.is_current(Project.read(checkout), "0" * 64)
    (checkout / "functions" / "service" / "new.py").touch()
    assert not sources.is_current(Project.read(checkout), sha256)


def test_times_alone_change_nothing(checkout: Path) -> None:
    ensure(checkout)
    (checkout / "app.py").touch()
    assert ensure(checkout)[1] == []


def test_synthesizing_sees_no_credentials(checkout: Path) -> None:
    made, _ = ensure(checkout)
    assert "AWS_SECRET_ACCESS_KEY" not in (made.assembly / "environment.json").read_text(encoding="utf-8")


def test_an_app_that_fails_says_what_it_said_and_is_tried_again(checkout: Path) -> None:
    (checkout / "app.py").write_text("raise SystemExit('cdk.json: stage dev: region is missing')", encoding="utf-8")
    with pytest.raises(BuildError, match="region is missing"):
        ensure(checkout)
    (checkout / "app.py").write_text(APP, encoding="utf-8")
    assert ensure(checkout)[1] == ["synthesizing the stacks"]
