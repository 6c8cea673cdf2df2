"""What a worker can see: the artifact, the runtime client, the standard library, and the declared environment."""

import json
from pathlib import Path

import pytest

HANDLERS = """
    import importlib, json, os, sys

    def environment(event, context):
        return dict(os.environ)

    def imports(event, context):
        found = {}
        for name in json.loads(event["body"]):
            try:
                found[name] = getattr(importlib.import_module(name), "__file__", None) or "built in"
            except ImportError:
                found[name] = ""
        return {"found": found, "path": sys.path, "site": "site" in sys.modules, "version": sys.version}

    def home(event, context):
        return {"home": os.path.exists(os.path.expanduser("~")), "cwd": os.getcwd()}
    """
SHELL = {
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "of-the-shell-a",
    "AWS_SESSION_TOKEN": "of-the-shell-b",
    "AWS_PROFILE": "of-the-shell-c",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "of-the-shell-d",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "of-the-shell-e",
    "AWS_ROLE_ARN": "of-the-shell-f",
    "AWS_ENDPOINT_URL_S3": "of-the-shell-g",
    "AWS_CONFIG_FILE": "of-the-shell-h",
    "HTTPS_PROXY": "of-the-shell-i",
    "PYTHONSTARTUP": "of-the-shell-j",
    "TWINVAULT_TOKEN": "of-the-shell-k",
    "HOME": "/root",
}


@pytest.fixture(scope="module")
def server(serve):
    return serve(HANDLERS, shell=SHELL)


def test_nothing_of_the_callers_shell_reaches_a_worker(server):
    environment = server.client.get("/environment/x").json()
    text = json.dumps(environment)
    assert "of-the-shell" not in text
    assert "REALREAL" not in text
    assert environment["HOME"] != "/root"


def test_a_workers_environment_is_lambdas_and_the_templates(server):
    environment = server.client.get("/environment/x").json()
    task_root, runtime_dir = str(server.config.task_root), str(server.config.runtime_dir)
    assert environment.pop("AWS_LAMBDA_RUNTIME_API").startswith("127.0.0.1:")
    assert environment.pop("_X_AMZN_TRACE_ID").startswith("Root=1-")
    assert environment.pop("AWS_LAMBDA_LOG_STREAM_NAME").startswith("worker-")
    assert environment.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"  # Python's own, where the machine lacks the locale
    assert environment == {
        "DECLARED": "by the template",
        "_HANDLER": "app.environment",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "environment",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/environment",
        "AWS_ACCESS_KEY_ID": "AKIDenvironment",
        "AWS_SECRET_ACCESS_KEY": "made",
        "AWS_SESSION_TOKEN": "up",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_TASK_ROOT": task_root,
        "LAMBDA_RUNTIME_DIR": runtime_dir,
        "PYTHONPATH": f"{task_root}:{runtime_dir}",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "TZ": ":UTC",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "HOME": "/home/sbx_user1051",
    }


def test_the_platforms_variables_win_over_declared_ones(serve):
    declared = {"AWS_ENDPOINT_URL": "https://real.example", "AWS_ACCESS_KEY_ID": "AKIAREAL", "LANG": "C.UTF-8"}
    environment = serve(HANDLERS, limits={"environment": declared}).client.get("/environment/x").json()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert environment["AWS_ACCESS_KEY_ID"] == "AKIDenvironment"
    assert environment["LANG"] == "C.UTF-8"  # not reserved in Lambda either


@pytest.mark.parametrize(
    "name", ["uvicorn", "uvloop", "psutil", "starlette", "twinvault_local", "boto3", "pip", "pytest"]
)
def test_nothing_of_the_servers_own_packages_can_be_imported(server, name):
    assert server.client.post("/imports/x", json=[name]).json()["found"] == {name: ""}


def test_the_artifact_the_runtime_client_and_the_standard_library_can_be_imported(server):
    answer = server.client.post("/imports/x", json=["app", "awslambdaric", "json", "ssl"]).json()
    assert Path(answer["found"]["app"]).parent == server.config.task_root
    assert Path(answer["found"]["awslambdaric"]).is_relative_to(server.config.runtime_dir)
    assert answer["found"]["json"]
    assert answer["found"]["ssl"]
    assert answer["site"] is False
    assert answer["version"].startswith("3.13.")
    assert not [one for one in answer["path"] if "site-packages" in one]


def test_the_artifacts_folder_stays_as_it_was_unpacked(server):
    assert server.client.post("/imports/x", json=["app"]).status_code == 200
    assert sorted(path.name for path in server.config.task_root.rglob("*")) == ["app.py"]


def test_a_worker_stands_in_the_artifact_and_has_no_home(server):
    assert server.client.get("/home/x").json() == {"home": False, "cwd": str(server.config.task_root)}


def test_the_servers_own_output_shows_no_environment_and_no_credential(server):
    folder = server.config.log_dir.parent
    text = (folder / "out").read_text() + (folder / "errors").read_text() + server.log("environment")
    assert "AKID" not in text
    assert "by the template" not in text
