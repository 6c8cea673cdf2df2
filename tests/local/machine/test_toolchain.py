"""What is missing on a machine names itself, and what to type."""

import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from twinvault_local.errors import ToolMissingError
from twinvault_local.machine import system, toolchain
from twinvault_local.machine.system import MAC, Machine


@pytest.mark.parametrize(
    ("name", "says", "find"),
    [
        pytest.param("java", "echo 'openjdk version \"11.0.2\"' >&2", toolchain.find_java, id="an old Java"),
        pytest.param("java", "echo nonsense >&2", toolchain.find_java, id="a Java that says nothing"),
        pytest.param("node", "echo v18.1.0", toolchain.find_node, id="an old Node"),
        pytest.param("node", "exit 1", toolchain.find_node, id="a Node that says nothing"),
    ],
)
def test_an_old_tool_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str, find: Callable[[], Path]
) -> None:
    tool = tmp_path / name
    tool.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ToolMissingError, match=name) as caught:
        find()
    assert caught.value.next_step.startswith("Install")


@pytest.mark.parametrize("find", [toolchain.find_java, toolchain.find_maven, toolchain.find_node])
def test_a_missing_tool_names_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, find: Callable[[], Path]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="There is no") as caught:
        find()
    assert caught.value.next_step.startswith("Install")


def test_the_tools_of_this_machine_are_found() -> None:
    assert toolchain.find_java().exists()
    assert toolchain.find_node().exists()
    assert toolchain.base_python().name == "python3.13"
    assert toolchain.base_python().parent.parent == Path(sys.base_prefix)


@pytest.mark.parametrize(
    ("find", "says"),
    [
        pytest.param(toolchain.find_java, "https://adoptium.net/; the /usr/bin/java of macOS only", id="java"),
        pytest.param(toolchain.find_maven, "https://maven.apache.org/download.cgi", id="maven"),
        pytest.param(toolchain.find_node, "https://nodejs.org/", id="node"),
    ],
)
def test_a_mac_is_told_where_each_project_offers_it_and_nothing_of_debian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, find: Callable[[Machine], Path], says: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError) as caught:
        find(Machine(MAC, "arm64"))
    assert says in caught.value.next_step
    assert "apt-get" not in caught.value.next_step


@pytest.mark.parametrize(("kernels", "lambdas"), [("aarch64", "arm64"), ("AMD64", "x86_64"), ("riscv64", "riscv64")])
def test_a_processor_has_lambdas_name(kernels: str, lambdas: str) -> None:
    assert system.lambdas(kernels) == lambdas
    assert Machine.here().system == platform.system()


def test_another_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "RUNTIME_PYTHON", "3.99")
    with pytest.raises(ToolMissingError, match=r"3\.99"):
        toolchain.base_python()


def test_the_lambda_runtime_is_installed_once(repository_cache: Path) -> None:
    first = toolchain.ensure_lambda_runtime(repository_cache, toolchain.base_python())
    made = first.stat().st_mtime_ns
    assert (first / "awslambdaric").is_dir()
    assert toolchain.ensure_lambda_runtime(repository_cache, toolchain.base_python()).stat().st_mtime_ns == made
