"""Workers that crash, hang, leak, fail to start, and are killed: every caller gets an answer."""

import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from twinvault_local.machine import waiting

INTERNAL = {"message": "Internal Server Error"}
HANDLERS = """
    import json, os, pathlib, subprocess, sys, time

    def pid(event, context):
        return {"pid": os.getpid(), "left": context.get_remaining_time_in_millis(), "arn": context.invoked_function_arn}

    def raises(event, context):
        if event["rawPath"].endswith("/pid"):
            return {"pid": os.getpid()}
        raise ValueError("as told")

    def exits(event, context):
        if event["rawPath"].endswith("/pid"):
            return {"pid": os.getpid()}
        print("a line without its end", end="")
        os._exit(3)

    def sleeps(event, context):
        if event["rawPath"].endswith("/pid"):
            return {"pid": os.getpid()}
        child = subprocess.Popen(["/bin/sleep", "60"])
        pathlib.Path(event["queryStringParameters"]["child"]).write_text(str(child.pid))
        time.sleep(60)

    def leaks(event, context):
        if event["rawPath"].endswith("/pid"):
            return {"pid": os.getpid()}
        block = bytearray(120 * 1024 * 1024)
        for index in range(0, len(block), 4096):
            block[index] = 1
        if event["rawPath"].endswith("/stay"):
            time.sleep(60)
        return {"size": len(block)}
    """


@pytest.fixture(scope="module")
def server(serve):
    return serve(HANDLERS, limits={"timeout_seconds": 1, "memory_mb": 96})


def gone(pid):
    return waiting.until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", seconds=10)


def test_the_context_is_lambdas(server):
    answer = server.client.get("/pid/x").json()
    assert answer["arn"] == "arn:aws:lambda:eu-central-1:000000000000:function:pid"
    assert 0 < answer["left"] <= 1000


def test_a_handler_that_raises_fails_and_its_worker_goes_on(server):
    before = server.client.get("/raises/pid").json()
    response = server.client.get("/raises/now")
    assert (response.status_code, response.json()) == (500, INTERNAL)
    assert server.client.get("/raises/pid").json() == before
    log = server.log("raises")
    assert "[ERROR] ValueError: as told" in log
    assert "Status: error" in log


def test_a_worker_that_exits_is_replaced_and_its_caller_told(server):
    before = server.client.get("/exits/pid").json()
    response = server.client.get("/exits/now")
    assert (response.status_code, response.json()) == (500, INTERNAL)
    assert server.client.get("/exits/pid").json() != before
    log = server.log("exits")
    assert re.search(
        r"^a line without its end\n"
        r"RequestId: (\S+) Error: Runtime exited with error: exit status 3\nRuntime\.ExitError\n"
        r"END RequestId: \1\nREPORT RequestId: \1\t.*\tStatus: error\tError Type: Runtime\.ExitError$",
        log,
        re.MULTILINE,
    )


def test_a_function_that_outlives_its_timeout_is_killed_with_its_children(server, tmp_path):
    before = server.client.get("/sleeps/pid").json()["pid"]
    response = server.client.get("/sleeps/now", params={"child": str(tmp_path / "child")})
    assert (response.status_code, response.json()) == (500, INTERNAL)
    assert gone(before)
    assert gone(int((tmp_path / "child").read_text()))
    assert server.client.get("/sleeps/pid").json()["pid"] != before
    assert re.search(
        r"Z \S+ Task timed out after 1\.00 seconds\nEND .*\nREPORT .*\tStatus: timeout$",
        server.log("sleeps"),
        re.MULTILINE,
    )


@pytest.mark.parametrize(
    "path", [pytest.param("stay", id="while it runs"), pytest.param("go", id="by the time it answers")]
)
def test_a_function_that_exceeds_its_memory_is_killed(server, path):
    before = server.client.get("/leaks/pid").json()["pid"]
    response = server.client.get(f"/leaks/{path}")
    assert (response.status_code, response.json()) == (500, INTERNAL)
    assert gone(before)
    assert server.client.get("/leaks/pid").json()["pid"] != before
    assert re.search(
        r"Error: Runtime exited with error: signal: killed\nRuntime\.OutOfMemory\n"
        r"END .*\nREPORT .*\tMemory Size: 96 MB\tMax Memory Used: 96 MB\t.*Error Type: Runtime\.OutOfMemory$",
        server.log("leaks"),
        re.MULTILINE,
    )


def test_an_idle_worker_that_dies_is_replaced(server):
    before = server.client.get("/pid/x").json()["pid"]
    psutil.Process(before).send_signal(signal.SIGKILL)
    assert gone(before)
    assert server.client.get("/pid/x").json()["pid"] != before


def test_an_invocation_may_go_on_after_the_api_gave_up_on_it(serve, tmp_path):
    source = """
        import pathlib, time

        def slow(event, context):
            go_on = pathlib.Path(event["queryStringParameters"]["go_on"])
            while not go_on.exists():
                time.sleep(0.01)
            return "late"
        """
    slow = serve(source, integration_timeout_seconds=0.3)
    response = slow.client.get("/slow/x", params={"go_on": str(tmp_path / "go_on")})
    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})
    assert "END" not in slow.log("slow")
    (tmp_path / "go_on").touch()
    assert waiting.until(lambda: "END" in slow.log("slow"), seconds=10)
    assert "Status" not in slow.log("slow")


@pytest.mark.parametrize(
    ("line", "error_type"),
    [
        pytest.param("import no_such_module", "Runtime.ImportModuleError", id="an import that fails"),
        pytest.param("def broken(:", "Runtime.UserCodeSyntaxError", id="a syntax error"),
        pytest.param("raise ValueError('as told')", "ValueError", id="an error"),
        pytest.param("import os; os._exit(7)", "Runtime.ExitError", id="an exit"),
    ],
)
def test_a_function_that_cannot_start_fails_its_callers(serve, line, error_type):
    server = serve(f"{line}\ndef never(event, context):\n    return 1\n")
    response = server.client.get("/never/x")
    assert (response.status_code, response.json()) == (500, INTERNAL)
    assert f"Phase: init\tStatus: error\tError Type: {error_type}" in server.log("never")


def test_a_function_that_never_comes_to_ask_for_work_fails_its_callers(serve):
    source = "import time; time.sleep(60)\ndef never(event, context):\n    return 1\n"
    server = serve(source, limits={"timeout_seconds": 1})
    assert server.client.get("/never/x").status_code == 500
    assert "Phase: init\tStatus: error\tError Type: Sandbox.Timedout" in server.log("never")


def test_a_function_that_starts_at_last_serves(serve, tmp_path):
    cured = tmp_path / "cured"
    server = serve(
        f"""
        import pathlib
        assert pathlib.Path({str(cured)!r}).exists(), "not yet"

        def cured(event, context):
            return "served"
        """
    )
    assert server.client.get("/cured/x").status_code == 500
    cured.touch()
    assert waiting.until(lambda: server.client.get("/cured/x").status_code == 200, seconds=30)


def test_workers_are_added_while_requests_wait_up_to_the_maximum(serve, tmp_path):
    source = """
        import os, pathlib, time

        def meets(event, context):
            folder = pathlib.Path(event["queryStringParameters"]["folder"])
            (folder / str(os.getpid())).touch()
            while len(list(folder.iterdir())) < 3:
                time.sleep(0.01)
            return {"pid": os.getpid()}
        """
    server = serve(source, max_workers=3)
    with ThreadPoolExecutor(9) as callers:
        answers = list(callers.map(lambda _: server.client.get("/meets/x", params={"folder": str(tmp_path)}), range(9)))
    assert [one.status_code for one in answers] == [200] * 9
    assert len({one.json()["pid"] for one in answers}) == 3
    assert len(server.workers()) == 3


def test_no_request_hangs_while_workers_are_killed(serve):
    source = """
        import os, time

        def busy(event, context):
            time.sleep(0.02)
            return {"pid": os.getpid()}
        """
    server = serve(source, min_workers=2, max_workers=4)
    done = threading.Event()

    def kill():
        while not done.is_set():
            for worker in server.workers()[:1]:
                worker.kill()
            done.wait(0.2)

    def call(_):
        return httpx.get(f"{server.url}/busy/x", timeout=40, trust_env=False).status_code

    killer = threading.Thread(target=kill)
    killer.start()
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(call, range(160)))
    done.set()
    killer.join()
    assert set(answers) <= {200, 500}
    assert answers.count(200) > answers.count(500)
    assert waiting.until(lambda: len(server.workers()) >= 2, seconds=10)
    assert server.client.get("/busy/x").status_code == 200


def test_lines_of_two_workers_never_mix_and_stand_within_their_invocation(serve):
    source = """
        import json

        def talks(event, context):
            for index in range(20):
                print(json.dumps({"id": context.aws_request_id, "text": "x" * 5000}))
            return "done"
        """
    server = serve(source, min_workers=2)
    with ThreadPoolExecutor(4) as callers:
        list(callers.map(lambda _: server.client.get("/talks/x"), range(12)))
    lines = server.log("talks").splitlines()
    assert len(lines) == 12 * (20 + 3)
    for line in lines:
        assert re.match(r'(START|END|REPORT) RequestId: |\{"id": "[^"]+", "text": "x{5000}"\}$', line)
    for request_id in {line.split()[2].strip() for line in lines if line.startswith("START")}:
        mine = [line.split()[0] for line in lines if request_id in line]
        assert mine == ["START", *['{"id":'] * 20, "END", "REPORT"]


def test_only_the_first_report_of_a_worker_names_its_start(serve):
    server = serve(HANDLERS)
    for _ in range(2):
        server.client.get("/pid/x")
    reports = [line for line in server.log("pid").splitlines() if line.startswith("REPORT")]
    assert [("Init Duration" in line) for line in reports] == [True, False]
    assert all(
        re.search(
            r"Duration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: [1-9]\d* MB", one
        )
        for one in reports
    )


def test_told_to_stop_the_server_ends_its_workers_and_exits_with_0(serve):
    server = serve(HANDLERS)
    workers = [one.pid for one in server.workers()]
    assert len(workers) == len(server.config.functions)
    assert server.stop() == 0
    assert all(gone(pid) for pid in workers)
    assert "INIT_REPORT" not in server.log("pid")


def test_a_request_that_is_under_way_is_answered_before_the_server_ends(serve, tmp_path):
    source = """
        import pathlib, time

        def slow(event, context):
            folder = pathlib.Path(event["queryStringParameters"]["folder"])
            (folder / "begun").touch()
            while not (folder / "go_on").exists():
                time.sleep(0.01)
            return "answered"
        """
    server = serve(source)
    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(server.client.get, "/slow/x", params={"folder": str(tmp_path)})
        assert waiting.until((tmp_path / "begun").exists, seconds=10)
        server.process.send_signal(signal.SIGTERM)
        (tmp_path / "go_on").touch()
        assert call.result().json() == "answered"
    assert server.stop() == 0


def test_a_server_that_is_killed_takes_its_workers_along(serve):
    server = serve(HANDLERS)
    workers = [one.pid for one in server.workers()]
    server.process.kill()
    server.process.wait(10)
    assert all(gone(pid) for pid in workers)


def test_a_port_in_use_is_named_and_nothing_is_started(serve, tmp_path):
    server = serve(HANDLERS)
    with pytest.raises(AssertionError, match=r"127\.0\.0\.1:\d+ cannot be listened on: Address already in use"):
        serve(HANDLERS, api_port=int(server.url.rpartition(":")[2]))
