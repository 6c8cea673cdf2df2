import json
from pathlib import Path

import pytest

from twinvault_lambda.config import (
    CorsConfig,
    Credentials,
    FunctionConfig,
    RouteConfig,
    ServerConfig,
    ThrottleConfig,
)
from twinvault_lambda.errors import ServerConfigError

FUNCTION = FunctionConfig(
    name="twinvault-dev-read",
    handler="service.handlers.read_dialogues.handler",
    timeout_seconds=29,
    memory_mb=1024,
    environment={"TWINVAULT_LOG_LEVEL": "INFO"},
    credentials=Credentials(access_key_id="AKIDREAD", secret_access_key="s3cret", session_token="t0ken"),
)


def config(**changes):
    values = {
        "api_port": 8787,
        "region": "eu-central-1",
        "account": "000000000000",
        "python": Path("/usr/bin/python3.13"),
        "task_root": Path("/tmp/artifact"),  # noqa: S108  # never opened
        "runtime_dir": Path("/tmp/runtime"),  # noqa: S108  # never opened
        "log_dir": Path("/tmp/logs"),  # noqa: S108  # never opened
        "functions": (FUNCTION,),
        "routes": (RouteConfig.from_key("GET /dialogues/{id}", function=FUNCTION.name),),
        "throttle": ThrottleConfig(rate=50.0, burst=100),
        "cors": CorsConfig(allow_origins=("https://app.example",), max_age_seconds=300),
    }
    return ServerConfig(**(values | changes))


@pytest.mark.parametrize("cors", [pytest.param(None, id="no cors"), pytest.param(CorsConfig(), id="empty cors")])
def test_a_configuration_reads_back_equal(cors):
    written = config(cors=cors)
    assert ServerConfig.from_json(written.to_json()) == written


def test_fields_with_defaults_may_be_absent():
    data = json.loads(config().to_json())
    for name in ("cors", "api_id", "min_workers", "max_workers"):
        del data[name]
    read = ServerConfig.from_json(json.dumps(data))
    assert (read.cors, read.min_workers, read.max_workers) == (None, 2, 8)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"port": 1}, "port: unknown", id="unknown field"),
        pytest.param({"region": 5}, "region: not of", id="wrong type"),
        pytest.param({"api_port": True}, "api_port: not of", id="a boolean is no number"),
        pytest.param({"throttle": {"rate": 1.5}}, "throttle.burst: missing", id="missing nested field"),
        pytest.param({"functions": {}}, "functions: not of", id="object for a list"),
        pytest.param({"functions": []}, "names the unknown function", id="route to nothing"),
        pytest.param({"min_workers": 9}, "min_workers", id="more eager workers than allowed"),
        pytest.param({"throttle": {"rate": 1, "burst": 1, "x": 1}}, "throttle.x: unknown", id="unknown nested field"),
    ],
)
def test_a_wrong_file_names_the_field(change, named):
    data = json.loads(config().to_json()) | change
    with pytest.raises(ServerConfigError, match=named):
        ServerConfig.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["[]", "null", '"server"'])
def test_a_file_that_holds_no_object_says_so(text):
    with pytest.raises(ServerConfigError, match="the file: not of"):
        ServerConfig.from_json(text)


def test_a_file_that_is_not_json_says_so():
    with pytest.raises(ServerConfigError, match="not JSON"):
        ServerConfig.from_json("{")


def test_a_wrongly_typed_secret_is_not_shown():
    data = json.loads(config().to_json())
    data["functions"][0]["credentials"]["secret_access_key"] = ["do-not-show"]
    with pytest.raises(ServerConfigError) as caught:
        ServerConfig.from_json(json.dumps(data))
    assert "do-not-show" not in str(caught.value)
    assert "functions[0].credentials.secret_access_key" in str(caught.value)


def test_secrets_and_environment_stay_out_of_the_representation():
    text = repr(config())
    assert "s3cret" not in text
    assert "t0ken" not in text
    assert "TWINVAULT_LOG_LEVEL" not in text


@pytest.mark.parametrize(
    ("key", "method", "path"),
    [
        pytest.param("POST /dialogues/import", "POST", "/dialogues/import", id="exact"),
        pytest.param("ANY /{proxy+}", "ANY", "/{proxy+}", id="any method"),
        pytest.param("$default", "ANY", "$default", id="default"),
    ],
)
def test_a_route_key_reads_and_writes_itself(key, method, path):
    route = RouteConfig.from_key(key, function="f")
    assert (route.method, route.path, route.key) == (method, path, key)


@pytest.mark.parametrize("key", ["GET", "GET pets", "", "$connect"])
def test_a_route_key_of_another_form_is_refused(key):
    with pytest.raises(ServerConfigError, match="route key"):
        RouteConfig.from_key(key, function="f")


def test_two_functions_of_one_name_are_refused():
    with pytest.raises(ServerConfigError, match="twice"):
        config(functions=(FUNCTION, FUNCTION))
