"""`sam local`, AWS's own way to run functions, against the same engines: the second, separate way to the same bytes."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from samples import canonical, dialogue
from vaults import ROOT, Vault

from twinvault_local import sam
from twinvault_local.engines import choice
from twinvault_local.machine import waiting
from twinvault_local.machine.ports import LOOPBACK, free_port

EXAMPLE = ROOT / "examples" / "dialogues" / "incident-notes.json"
EVENTS = ROOT / "examples" / "events"
ENVIRONMENT = ROOT / "examples" / "sam" / "env.json"
# Sample event to the function whose route it asks for, in an order in which each finds what it needs.
SAMPLES = {
    "import": "twinvault-dev-import",
    "show": "twinvault-dev-read",
    "export": "twinvault-dev-read",
    "list": "twinvault-dev-read",
    "keys": "twinvault-dev-keys",
    "rotate": "twinvault-dev-keys",
    "maintenance": "twinvault-dev-maintain",
    "erasures": "twinvault-dev-erase",
}
TOOL = str(ROOT / "scripts" / "sam")


@pytest.fixture(scope="module")
def prepared(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make sam-env` writes, for the twin of these tests."""
    into = tmp_path_factory.mktemp("sam")
    assert sam.main(["--state", str(vault.twin.state.folder), "--into", str(into)]) == 0
    return into


def options(vault: Vault, prepared: Path) -> list[str]:
    network = choice.network(vault.twin.state)
    assert network == (prepared / "network").read_text().strip()
    template = vault.made.assembly / "Twinvault-dev-Api.template.json"
    config = ROOT / "samconfig.toml"  # SAM would look for it beside the template
    named = ("--config-file", str(config), "--template", str(template), "--env-vars", str(prepared / "env.json"))
    return [*named, "--docker-network", network]


def environment(prepared: Path) -> dict[str, str]:
    """The caller's, with credentials that must not arrive anywhere."""
    real = {"AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL", "AWS_PROFILE": "production"}
    return {**os.environ, **real, "TWINVAULT_SAM": str(prepared)}


def test_every_function_of_the_template_has_a_sample_event(vault: Vault) -> None:
    config = json.loads(vault.twin.state.server.read_text())
    assert {function["name"] for function in config["functions"]} == set(SAMPLES.values())
    assert {path.stem for path in EVENTS.glob("*.json")} == set(SAMPLES)
    keys = {json.loads(path.read_text())["routeKey"] for path in EVENTS.glob("*.json")}
    assert keys < {f"{route['method']} {route['path']}" for route in config["routes"]}


def test_the_committed_environment_differs_from_a_twins_own_in_artifact_keys_and_issuer_alone(prepared: Path) -> None:
    committed, written = (json.loads(path.read_text()) for path in (ENVIRONMENT, prepared / "env.json"))
    for variables in written.values():
        variables["TWINVAULT_ARTIFACT"] = "0" * 64
        for key in ("TWINVAULT_ROOT_KEYS", "TWINVAULT_AUDIT_KEY"):
            variables[key] = "00000000-0000-4000-8000-000000000000"
        variables["TWINVAULT_ISSUER"] = "http://127.0.0.1:8788"
    assert written == committed


@pytest.mark.parametrize(("sample", "function"), SAMPLES.items())
def test_sam_local_invoke_answers_the_sample_event(vault: Vault, prepared: Path, sample: str, function: str) -> None:
    event = str(prepared / "events" / f"{sample}.json")
    command = [TOOL, "local", "invoke", function, "--event", event, *options(vault, prepared)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, env=environment(prepared))
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert answer["statusCode"] in {200, 201}, answer
    assert "AKIAREAL" not in done.stderr


@pytest.fixture(scope="module")
def api(vault: Vault, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`sam local start-api`, up; its URL."""
    port, log = free_port(), tmp_path_factory.mktemp("api") / "sam.log"
    command = [TOOL, "local", "start-api", "--port", str(port), "--warm-containers", "LAZY", *options(vault, prepared)]
    url = f"http://{LOOPBACK}:{port}"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env=environment(prepared),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # see below
        ) as process,
    ):
        # SAM ends its containers on SIGINT alone, which the children of a background job ignore unless told not to.
        assert waiting.until(lambda: answers(url), seconds=60, alive=lambda: process.poll() is None), log.read_text()
        yield url
        process.send_signal(signal.SIGINT)
        process.wait(60)


def answers(url: str) -> bool:
    try:
        return bool(httpx.get(url, timeout=5).status_code)
    except httpx.HTTPError:
        return False


def call(vault: Vault, url: str, method: str, path: str, content: bytes | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {vault.token('sam')}", "content-type": "application/json"}
    return httpx.request(method, url + path, content=content, headers=headers, timeout=60)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(json.loads(EXAMPLE.read_text(encoding="utf-8")), id="the project's own example"),
        pytest.param(dialogue("by-sam", perspectives=60), id="several hundred kilobytes"),
    ],
)
def test_the_main_job_through_start_api_gives_the_same_bytes_as_the_twins_own_workers(
    vault: Vault, api: str, document: dict
) -> None:
    answer = call(vault, api, "POST", "/dialogues/import", canonical(document))
    assert answer.status_code == 201, answer.text
    path = f"/dialogues/{document['id']}/export"
    by_sam, by_twin = call(vault, api, "GET", path), vault.export(document["id"], tenant="sam")
    assert (by_sam.status_code, by_twin.status_code) == (200, 200), by_sam.text
    assert by_sam.content == by_twin.content
    assert canonical(by_sam.json()) == canonical(document)


def test_what_the_twins_workers_wrote_is_read_through_start_api(vault: Vault, api: str) -> None:
    document = dialogue("by-the-twin", perspectives=2)
    assert vault.load(document, tenant="sam").status_code == 201
    assert canonical(call(vault, api, "GET", "/dialogues/by-the-twin/export").json()) == canonical(document)
    # All functions call as the one that imports, which may not read an index (docs/docker.md).
    assert call(vault, api, "GET", "/dialogues?limit=50").status_code == 503


def test_a_refusal_is_the_same_through_start_api(vault: Vault, api: str) -> None:
    by_sam, by_twin = call(vault, api, "GET", "/dialogues/nothing"), vault.call("GET", "/dialogues/nothing")
    assert by_sam.status_code == by_twin.status_code == 404
    told = [{**answer.json(), "correlation_id": ""} for answer in (by_sam, by_twin)]
    assert told[0] == told[1]
    without_token = httpx.get(f"{api}/dialogues", timeout=60)
    assert without_token.status_code == 401
