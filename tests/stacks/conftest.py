"""Both stages, synthesized once for all tests of a run by the app itself, and read as CloudFormation will read them."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.sample_stages import context as sample_context
from twinvault_local.machine import locks

ROOT = Path(__file__).resolve().parents[2]
SYNTH_SECONDS = 240

type Json = Any

CHOSEN = {
    "domain": {
        "name": "api.acme.org",
        "certificate_arn": "arn:aws:acm:eu-central-1:111122223333:certificate/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        "hosted_zone_id": "Z0123456789ABCDEFGHIJ",
        "alone": True,
    },
    "records_table": "Twinvault-prod-records-20261130",
}


def with_prod(**values: Json) -> dict[str, Json]:
    """The sample stages, prod's with other values."""
    stages = sample_context()["stages"]
    return {**stages, "prod": {**stages["prod"], **values}}


@dataclass(frozen=True, slots=True)
class Assembly:
    """The templates of one synthesized stage."""

    stage: str
    folder: Path

    def template(self, stack: str) -> dict[str, Json]:
        path = self.folder / f"Twinvault-{self.stage}-{stack}.template.json"
        if stack == "Address" and not path.exists():
            return {}  # a stage without a name of its own has no such stack
        return json.loads(path.read_text(encoding="utf-8"))

    def resources(self, stack: str, kind: str) -> dict[str, Json]:
        """The resources of one type by logical id, every intrinsic rendered as text such as ``${Records.Arn}``."""
        found = self.template(stack)["Resources"].items()
        return {name: self.render(body) for name, body in found if body["Type"] == kind}

    def outputs(self, stack: str) -> dict[str, Json]:
        return {name: self.render(output["Value"]) for name, output in self.template(stack)["Outputs"].items()}

    def stacks(self) -> dict[str, Json]:
        """What the manifest says of each stack, by its short name."""
        artifacts = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        found = {name: body for name, body in artifacts.items() if body["type"] == "aws:cloudformation:stack"}
        return {name.removeprefix(f"Twinvault-{self.stage}-"): body for name, body in found.items()}

    def render(self, value: Json) -> Json:  # noqa: PLR0911  # one answer for each intrinsic
        match value:
            case {"Ref": name}:
                return f"${{{name}}}"
            case {"Fn::GetAtt": [name, attribute]}:
                return f"${{{name}.{attribute}}}"
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self.render(part) for part in parts)
            case {"Fn::Sub": text}:
                return text
            case {"Fn::ImportValue": name}:
                return self._exported(name)
            case dict():
                assert not any(key.startswith("Fn::") for key in value), value
                return {key: self.render(item) for key, item in value.items()}
            case list():
                return [self.render(item) for item in value]
            case _:
                return value

    def _exported(self, name: str) -> str:
        for stack in ("Store",):
            for output in self.template(stack)["Outputs"].values():
                if output.get("Export", {}).get("Name") == name:
                    return self.render(output["Value"])
        raise AssertionError(f"no stack exports {name}")


def _synthesize(context: dict[str, Json], folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", str(folder)),
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    # From another folder: the app finds its own files wherever it is called.
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SYNTH_SECONDS,
    )


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """One folder for all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def artifact(shared_folder: Path) -> Path:
    """A small stand-in for the artifact: synthesizing reads its bytes only to name them."""
    path = shared_folder / "stand-in.zip"
    with locks.held(shared_folder / "stand-in.lock", wait=True):
        if not path.exists():
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(zipfile.ZipInfo("service/__init__.py"), "")
    return path


@pytest.fixture(scope="session")
def synthesize(artifact: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Synthesizes with a context of the test's own into a folder."""

    def run(folder: Path, **context: Json) -> "subprocess.CompletedProcess[str]":
        return _synthesize({"artifact": str(artifact), "stages": sample_context()["stages"], **context}, folder)

    return run


@pytest.fixture(scope="session")
def synthesized(shared_folder: Path, synthesize: Callable[..., Json]) -> Callable[..., Assembly]:
    """A stage as it is with a context of the test's own, synthesized by the first worker that asks, for all to read."""

    def of(stage: str, **context: Json) -> Assembly:
        asked = json.dumps([stage, context], sort_keys=True).encode()
        folder = shared_folder / f"cdk.out-{hashlib.sha256(asked).hexdigest()[:16]}"
        with locks.held(folder.with_name(f"{folder.name}.lock"), wait=True):
            if not (folder / "manifest.json").exists():
                run = synthesize(folder, stage=stage, **context)
                assert run.returncode == 0, run.stderr
        return Assembly(stage=stage, folder=folder)

    return of


@pytest.fixture(scope="session")
def dev(synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized("dev")


@pytest.fixture(scope="session")
def prod(synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized("prod")


@pytest.fixture(scope="session")
def chosen(synthesized: Callable[..., Assembly]) -> Assembly:
    """Stage prod with every value that may be null."""
    return synthesized("prod", stages=with_prod(**CHOSEN))


@pytest.fixture(params=["dev", "prod"])
def either(request: pytest.FixtureRequest, synthesized: Callable[..., Assembly]) -> Assembly:
    """Each promise holds in every stage."""
    return synthesized(request.param)
