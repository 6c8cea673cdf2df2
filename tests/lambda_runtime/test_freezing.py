"""An idle worker is frozen, as Lambda freezes an environment after the response."""

import signal

import psutil

from twinvault_local.machine import waiting

HANDLERS = """
    import os, pathlib, threading, time

    def later(event, context):
        query = event.get("queryStringParameters") or {}
        if "file" in query:
            thread = threading.Thread(target=_work, args=(pathlib.Path(query["file"]), query["go_on"]))
            thread.start()
        return {"pid": os.getpid()}

    def _work(file, go_on):
        while not pathlib.Path(go_on).exists():
            time.sleep(0.01)
        file.touch()
    """


def frozen(pid):
    return waiting.until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, seconds=10)


def test_work_that_is_left_after_the_response_goes_on_only_with_the_next_request(serve, tmp_path):
    server = serve(HANDLERS)
    file, go_on = tmp_path / "file", tmp_path / "go_on"
    pid = server.client.get("/later/x", params={"file": str(file), "go_on": str(go_on)}).json()["pid"]
    assert frozen(pid)
    go_on.touch()
    assert frozen(pid)
    assert not file.exists()

    def next_request():
        assert server.client.get("/later/x").json()["pid"] == pid
        return file.exists()

    assert waiting.until(next_request, seconds=10)


def test_a_worker_is_frozen_before_its_first_request_too_and_served_all_the_same(serve):
    server = serve(HANDLERS)
    (worker,) = server.workers()
    assert frozen(worker.pid)
    assert server.client.get("/later/x").json()["pid"] == worker.pid


def test_a_frozen_worker_ends_with_the_server(serve):
    server = serve(HANDLERS)
    (worker,) = server.workers()
    assert frozen(worker.pid)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    assert waiting.until(lambda: not psutil.pid_exists(worker.pid), seconds=10)
