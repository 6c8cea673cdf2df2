"""The devcontainer: JSON that any reader takes, with the versions that the repository itself names."""

import json
import re
from pathlib import Path

from twinvault_local.machine import toolchain

ROOT = Path(__file__).resolve().parents[2]
# Strict JSON: the comments that editors allow there, other readers do not.
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
FEATURES = {name.rpartition("/")[2].partition(":")[0]: (name, given) for name, given in CONTAINER["features"].items()}


def test_its_python_is_lambdas() -> None:
    runtime = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["runtime"]
    assert f"python{toolchain.RUNTIME_PYTHON}" == runtime
    assert re.search(rf":\d+-{re.escape(toolchain.RUNTIME_PYTHON)}-", CONTAINER["image"])


def test_its_java_and_node_are_what_the_twin_asks_for() -> None:
    assert FEATURES["java"][1] == {"version": str(toolchain.JAVA_AT_LEAST), "installMaven": "true"}
    assert int(FEATURES["node"][1]["version"]) >= toolchain.NODE_AT_LEAST


def test_it_is_what_ci_runs_on() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    for tool in ("java", "node"):
        assert set(re.findall(rf'{tool}-version: "(\d+)"', workflow)) == {FEATURES[tool][1]["version"]}


def test_nothing_of_it_floats_over_a_version_that_breaks() -> None:
    assert all(re.search(r":\d+$", name) for name, _ in FEATURES.values())
    assert ":latest" not in CONTAINER["image"]


def test_it_has_a_docker_and_ends_where_a_checkout_begins() -> None:
    assert "docker-in-docker" in FEATURES
    assert CONTAINER["postCreateCommand"] == "make setup"
