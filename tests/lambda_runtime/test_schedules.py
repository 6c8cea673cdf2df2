"""Functions that a schedule calls: by time, by signal, with EventBridge's event; whatever becomes of one call."""

import json
import signal
from collections.abc import Callable

import pytest

from twinvault_lambda import schedules
from twinvault_lambda.config import ScheduleConfig, ServerConfig
from twinvault_lambda.errors import ServerConfigError
from twinvault_local.machine import waiting

HANDLERS = """
    import json, os, pathlib, time

    def notes(event, context):
        if "routeKey" in event:
            return {"seen": _seen()}
        whole = _place().joinpath(event["id"])
        whole.with_suffix(".part").write_text(json.dumps(event))
        whole.with_suffix(".part").rename(whole)
        return {"statusCode": 500}

    def fails(event, context):
        raise ValueError("as told")

    def exits(event, context):
        os._exit(3)

    def _place():
        folder = pathlib.Path(os.environ["DECLARED_PLACE"])
        folder.mkdir(exist_ok=True)
        return folder

    def _seen():
        return [json.loads(one.read_text()) for one in sorted(_place().iterdir()) if not one.suffix]
    """
HOUR = 3600


def scheduled(*pairs: tuple[str, int]) -> tuple[ScheduleConfig, ...]:
    return tuple(ScheduleConfig(name=f"{name}-rule", function=name, every_seconds=every) for name, every in pairs)


@pytest.fixture
def serving(serve: Callable[..., object], tmp_path):
    def start(*pairs):
        limits = {"environment": {"DECLARED_PLACE": str(tmp_path / "seen")}}
        return serve(HANDLERS, limits=limits, schedules=scheduled(*pairs))

    return start


def said(server):
    return schedules.read((server.config.log_dir.parent / "out").read_text())


def seen(server):
    return server.client.get("/notes/x").json()["seen"]


def test_a_function_is_called_when_its_time_has_come_and_again(serving):
    server = serving(("notes", 1))
    assert waiting.until(lambda: len(seen(server)) >= 3, seconds=60)
    event = seen(server)[0]
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"] == ["arn:aws:events:eu-central-1:000000000000:rule/notes-rule"]
    assert event["account"] == "000000000000"
    assert len({one["id"] for one in seen(server)}) == len(seen(server))


def test_a_signal_makes_every_schedule_call_at_once_and_its_time_goes_on(serving):
    server = serving(("notes", HOUR), ("fails", HOUR), ("exits", HOUR))
    assert seen(server) == []
    server.process.send_signal(signal.SIGUSR1)
    assert waiting.until(lambda: len(said(server)) == 3, seconds=60), said(server)
    assert len(seen(server)) == 1
    ended = {one.schedule: one.error for one in said(server)}
    # As for the API: whatever a handler raises is one kind of error.
    assert ended == {"notes-rule": "", "fails-rule": "Runtime.Unknown", "exits-rule": "Runtime.ExitError"}
    server.process.send_signal(signal.SIGUSR1)
    assert waiting.until(lambda: len(said(server)) == 6, seconds=60), "whatever became of one call, the next is made"


def test_a_server_with_schedules_ends_as_any_other(serving):
    server = serving(("notes", 1))
    assert waiting.until(lambda: seen(server), seconds=60)
    assert server.stop() == 0


def test_a_schedule_that_calls_nobody_is_refused(serve):
    server = serve(HANDLERS, limits={"environment": {"DECLARED_PLACE": "x"}}, schedules=scheduled(("notes", HOUR)))
    whole = json.loads(server.config.to_json())
    assert ServerConfig.from_json(json.dumps(whole)) == server.config
    for change in ({"function": "nobody"}, {"every_seconds": 0}, {"every_seconds": "5"}):
        changed = {**whole, "schedules": [{**whole["schedules"][0], **change}]}
        with pytest.raises(ServerConfigError):
            ServerConfig.from_json(json.dumps(changed))
