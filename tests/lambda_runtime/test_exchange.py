"""Functions exchanged for newer ones while the server goes on: at SIGHUP, whole or not at all."""

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx

from twinvault_lambda import standing
from twinvault_lambda.config import ServerConfig
from twinvault_lambda.standing import Standing
from twinvault_local.machine import waiting

SOURCE = """
import pathlib, time


def tells(event, context):
    query = event.get("queryStringParameters") or {}
    if "folder" in query:
        folder = pathlib.Path(query["folder"])
        (folder / "begun").touch()
        while not (folder / "go_on").exists():
            time.sleep(0.01)
    return {"edition": "first"}


def other(event, context):
    return "other"
"""


def said(server):
    return (server.config.log_dir.parent / "out").read_text()


def exchange(server, source):
    """Ask for functions of this source; what the server says of them."""
    config = ServerConfig.from_json((server.config.log_dir.parent / "server.json").read_text())
    task_root = Path(f"{server.config.task_root}-{config.generation + 1}")
    task_root.mkdir()
    (task_root / "app.py").write_text(source)
    wanted = replace(config, task_root=task_root, generation=config.generation + 1)
    (server.config.log_dir.parent / "server.json").write_text(wanted.to_json())
    server.process.send_signal(signal.SIGHUP)
    assert waiting.until(lambda: standing.read(said(server), generation=wanted.generation), seconds=30), said(server)
    return standing.read(said(server), generation=wanted.generation)


def test_requests_go_to_the_newer_functions_and_the_older_workers_end(serve):
    server = serve(SOURCE, min_workers=2)
    assert standing.read(said(server)) == ("serving", Standing(generation=0))
    before = {one.pid for one in server.workers()}
    assert exchange(server, SOURCE.replace("first", "second")) == ("serving", Standing(generation=1))
    assert server.client.get("/tells/x").json() == {"edition": "second"}
    assert waiting.until(lambda: not before & {one.pid for one in server.workers()}, seconds=10)
    assert waiting.until(lambda: len(server.workers()) == 4, seconds=10)


def test_what_an_older_worker_has_begun_it_finishes(serve, tmp_path):
    server = serve(SOURCE)
    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(server.client.get, "/tells/x", params={"folder": str(tmp_path)})
        assert waiting.until((tmp_path / "begun").exists, seconds=10)
        assert exchange(server, SOURCE.replace("first", "second"))[0] == "serving"
        assert httpx.get(f"{server.url}/tells/x").json() == {"edition": "second"}
        (tmp_path / "go_on").touch()
        assert call.result().json() == {"edition": "first"}
    assert waiting.until(lambda: len(server.workers()) == 2, seconds=10)


def test_functions_that_cannot_start_are_refused_and_the_older_ones_go_on(serve):
    server = serve(SOURCE)
    before = {one.pid for one in server.workers()}
    told = exchange(server, SOURCE.replace("import", "import no_such_module,"))
    assert told == (
        "refused",
        Standing(generation=1, failed=dict.fromkeys(["tells", "other"], "Runtime.ImportModuleError")),
    )
    assert standing.read(said(server)) == ("serving", Standing(generation=0))
    assert server.client.get("/tells/x").json() == {"edition": "first"}
    assert {one.pid for one in server.workers()} == before


def test_no_request_fails_while_functions_are_exchanged(serve):
    server = serve(SOURCE, min_workers=2)
    with ThreadPoolExecutor(4) as callers:
        calls = [callers.submit(httpx.get, f"{server.url}/tells/x", trust_env=False, timeout=40) for _ in range(150)]
        assert exchange(server, SOURCE.replace("first", "second"))[0] == "serving"
        answers = [call.result() for call in calls]
    assert {one.status_code for one in answers} == {200}
    assert server.client.get("/tells/x").json() == {"edition": "second"}


def test_a_function_that_cannot_start_is_named_when_the_server_is_ready(serve):
    server = serve("import no_such_module\ndef never(event, context):\n    return 1\n")
    assert standing.read(said(server)) == (
        "serving",
        Standing(generation=0, failed={"never": "Runtime.ImportModuleError"}),
    )
