"""Who may invoke a function: the API and its rules, if the function's permissions say so."""

import re
import signal

import pytest

from twinvault_lambda import schedules
from twinvault_lambda.config import PermissionConfig, RouteConfig, ScheduleConfig
from twinvault_lambda.permissions import API_GATEWAY, EVENT_BRIDGE, INVOKE, permits
from twinvault_local.machine import waiting
from twinvault_serving.ledger import RecordedCall, recorded

HANDLERS = """
    def allowed(event, context):
        return {"statusCode": 200, "body": "ran"}

    def refused(event, context):
        return {"statusCode": 200, "body": "ran"}
    """
ACCOUNT = "000000000000"
FUNCTIONS = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:"
API = f"arn:aws:execute-api:eu-central-1:{ACCOUNT}:twinvault"
RULES = f"arn:aws:events:eu-central-1:{ACCOUNT}:rule/"
HOUR = 3600


def permission(function="allowed:live", principal=API_GATEWAY, source=f"{API}/*/*/a/{{id}}", account=None):
    return PermissionConfig(
        function_arn=FUNCTIONS + function, principal=principal, source_arn=source, source_account=account
    )


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    routes = {"GET /a/{id}": "allowed", "POST /a/{id}": "refused", "GET /a": "allowed"}
    rule = {"every_seconds": HOUR, "alias": "live"}
    return serve(
        HANDLERS,
        routes=tuple(RouteConfig.from_key(key, function=name, alias="live") for key, name in routes.items()),
        schedules=tuple(ScheduleConfig(name=name, function=name, **rule) for name in ("allowed", "refused")),
        permissions=(permission(), permission(principal=EVENT_BRIDGE, source=f"{RULES}allowed")),
        ledger=tmp_path_factory.mktemp("ledger") / "front-door.jsonl",
    )


def test_the_api_invokes_what_a_permission_lets_it(server):
    assert server.client.get("/a/1").text == "ran"


@pytest.mark.parametrize(
    ("method", "path"),
    [pytest.param("POST", "/a/1", id="another function"), pytest.param("GET", "/a", id="another route")],
)
def test_the_client_sees_the_apis_own_500_and_the_log_says_why(server, method, path):
    answer = server.client.request(method, path)
    assert (answer.status_code, answer.text) == (500, '{"message":"Internal Server Error"}')
    function = "refused" if method == "POST" else "allowed"
    errors = (server.config.log_dir.parent / "errors").read_text()
    source = re.escape(f"{API}/$default/{method}{path.replace('1', '{id}')}")
    said = rf"{API_GATEWAY} for {source} is not authorized to perform: {INVOKE} on resource: \S+{function}:live"
    assert re.search(said, errors)


def test_a_rule_calls_what_a_permission_lets_it(server):
    server.process.send_signal(signal.SIGUSR1)

    def said():
        return {one.schedule: one.error for one in schedules.read((server.config.log_dir.parent / "out").read_text())}

    assert waiting.until(lambda: len(said()) == 2, seconds=60)
    assert said() == {"allowed": "", "refused": "AccessDeniedException"}


def test_each_answer_stands_in_the_ledger(server):
    server.client.get("/a/1")
    server.client.post("/a/1")
    calls = list(recorded(server.config.ledger))
    source = f"{API}/$default/GET/a/{{id}}"
    facts = {"aws:sourceaccount": (ACCOUNT,), "aws:sourcearn": (source,)}
    about = {"caller": API_GATEWAY, "principal": API_GATEWAY, "action": INVOKE}
    allowed = RecordedCall(**about, resource=f"{FUNCTIONS}allowed:live", facts=facts, verdict="allow", by="resource")
    assert calls.count(allowed) == 1
    assert ("deny", f"{FUNCTIONS}refused:live") in {(one.verdict, one.resource) for one in calls}


CALL = RecordedCall(
    caller=API_GATEWAY,
    principal=API_GATEWAY,
    action=INVOKE,
    resource=f"{FUNCTIONS}allowed:live",
    facts={"aws:sourceaccount": (ACCOUNT,), "aws:sourcearn": (f"{API}/$default/GET/a/{{id}}",)},
    verdict="deny",
    by="resource",
)


@pytest.mark.parametrize(
    ("given", "lets"),
    [
        pytest.param(permission(), True, id="this"),
        pytest.param(permission(source=None), True, id="for any source"),
        pytest.param(permission(account=ACCOUNT), True, id="for this account"),
        pytest.param(permission(account="111122223333"), False, id="for another account"),
        pytest.param(permission(function="allowed"), False, id="for the function and not its alias"),
        pytest.param(permission(function="allowed:beta"), False, id="for another alias"),
        pytest.param(permission(function="refused:live"), False, id="for another function"),
        pytest.param(permission(principal=EVENT_BRIDGE), False, id="for another service"),
        pytest.param(permission(source=f"{API}/*/POST/a/{{id}}"), False, id="for another method"),
        pytest.param(permission(source=API.replace("twinvault", "other") + "/*/*/a/{id}"), False, id="another API"),
        pytest.param(permission(source=f"{API}/*"), True, id="for the whole API"),
    ],
)
def test_a_permission_lets_through_what_it_says(given, lets):
    assert permits(given, CALL) is lets
