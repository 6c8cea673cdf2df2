"""DynamoDB Local's launcher: complete or not at all."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from twinvault_local.engines import dynamodb
from twinvault_local.errors import FetchError, ToolMissingError
from twinvault_local.machine.ports import LOOPBACK, free_port
from twinvault_local.machine.system import LINUX, MAC, Machine


def test_the_engine_answers_a_real_call(dynamodb_endpoint: str, aws: dict[str, Any]) -> None:
    assert dynamodb.answers(dynamodb_endpoint)
    assert "TableNames" in boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **aws).list_tables()


def test_a_port_without_an_engine_does_not_answer() -> None:
    assert not dynamodb.answers(f"http://{LOOPBACK}:{free_port()}")


class _SomethingElse(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args: object) -> None:
        pass


def test_a_listener_that_is_not_dynamodb_does_not_answer() -> None:
    with HTTPServer((LOOPBACK, 0), _SomethingElse) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert not dynamodb.answers(f"http://{LOOPBACK}:{server.server_port}")


def test_a_damaged_cache_is_noticed(repository_cache: Path, tmp_path: Path) -> None:
    engine = dynamodb.ensure(repository_cache, progress=print)
    copy = tmp_path / engine.name
    copy.mkdir()
    for file in engine.iterdir():
        (copy / file.name).symlink_to(file)
    assert dynamodb._complete(copy)
    (copy / "DynamoDBLocal-3.3.1.jar").unlink()
    assert not dynamodb._complete(copy)
    (copy / "DynamoDBLocal-3.3.1.jar").write_bytes(b"half of it")
    assert not dynamodb._complete(copy)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("echo '[ERROR] no route to host'; exit 1", "no route to host", id="maven fails"),
        pytest.param("exit 0", "not what", id="maven fetches nothing and says success"),
        pytest.param(
            'for a; do case "$a" in -DoutputDirectory=*) d="${a#*=}";; esac; done\n'
            'mkdir "$d" && echo half > "$d/DynamoDBLocal-3.3.1.jar"',
            "not what",
            id="half of the files come",
        ),
    ],
)
def test_a_fetch_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:/usr/bin:/bin")
    cache = tmp_path / "cache"
    with pytest.raises(FetchError, match=says) as caught:
        dynamodb.ensure(cache, progress=print)
    assert caught.value.next_step
    assert [path.name for path in cache.iterdir()] == ["dynamodb-local.lock"]


def test_a_missing_maven_names_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="mvn"):
        dynamodb.ensure(tmp_path / "cache", progress=print)


def test_a_machine_that_its_native_library_has_no_code_for_is_sent_to_docker() -> None:
    dynamodb.refuse_other_processors(Machine(MAC, "x86_64"))
    with pytest.raises(ToolMissingError, match="on x86_64 alone, and this is Linux on arm64") as caught:
        dynamodb.refuse_other_processors(Machine(LINUX, "arm64"))
    assert "--launcher docker" in caught.value.next_step
