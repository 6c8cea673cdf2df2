"""The example of a whole project: its handlers as Lambda calls them, what app.py declares of them, its templates.

Its own tests, with a twin of its own, are run by tests/new_project, in a project that was written from it.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clinic.handlers import erase, keys, maintain, read, write

from tests.service.conftest import Answered, Service

ROOT = Path(__file__).parents[2]
CLINIC = ROOT / "examples" / "clinic"
ADA = {"id": "17 / a", "name": "Ada Lovelace", "email": "ada@example.com", "born": "1815-12-10"}
VISIT = {"day": "2026-12-01", "reason": "a cough"}
ONE, VISITS = "/patients/{id}", "/patients/{id}/visits"
EVERYTHING = ["clinic:read", "clinic:write", "erase:request", "erase:final", "keys:read", "maintain:*"]

type Ask = Callable[..., Answered]


@pytest.fixture
def ask(service: Service) -> Ask:
    def ask(
        route: str, body: Any = None, *, of: Any = write, path: dict[str, str] | None = None, **more: Any
    ) -> Answered:
        token = service.issuer.token(permissions=more.pop("allow", EVERYTHING))
        event = service.event(route, body=None if body is None else json.dumps(body), token=token, **more)
        event["pathParameters"] = {"id": ADA["id"], **(path or {})}
        return service.send(event, function=of.handler)

    return ask


@pytest.fixture
def ada(ask: Ask) -> None:
    assert ask("POST /patients", ADA).status == 201
    assert ask(f"POST {VISITS}", VISIT).body == {"number": 1}


def found(ask: Ask, email: str) -> list[dict[str, Any]]:
    answer = ask("GET /patients", of=read, query={"email": email})
    assert answer.status == 200
    shown: list[dict[str, Any]] = answer.body["patients"]
    return shown


def test_a_patient_is_found_by_a_sealed_address(ask: Ask, ada: None, service: Service) -> None:
    assert found(ask, "ada@example.com") == [ADA]
    assert found(ask, "bo@example.com") == []
    stored = repr(service.client.scan(TableName=service.tables.records)["Items"])
    assert not [secret for secret in ("Ada", "ada@", "1815", "cough") if secret in stored]


def test_an_address_is_updated_and_a_visit_changes(ask: Ask, ada: None) -> None:
    assert ask(f"PATCH {ONE}", {"email": "ada@example.org"}).status == 200
    assert (found(ask, "ada@example.com"), len(found(ask, "ada@example.org"))) == ([], 1)
    assert ask(f"PATCH {VISITS}/{{number}}", {"state": "held"}, path={"number": "1"}).status == 200
    patient = ask(f"GET {ONE}", of=read).body
    assert (patient["name"], patient["email"]) == ("Ada Lovelace", "ada@example.org")
    assert patient["visits"] == [{"number": 1, "state": "held", **VISIT}]


def test_a_note_is_deleted(ask: Ask, ada: None) -> None:
    note = f"DELETE {VISITS}/{{number}}/notes/{{note}}"
    for text in ("wrong patient", "no fever"):
        assert ask(f"POST {VISITS}/{{number}}/notes", {"text": text}, path={"number": "1"}).status == 201
    assert ask(note, path={"number": "1", "note": "1"}).status == 200
    notes = ask(f"GET {ONE}", of=read).body["notes"]
    assert notes == [{"visit": 1, "number": 2, "author": "subject-1", "text": "no fever"}]
    assert ask(note, path={"number": "1", "note": "1"}).status == 404
    assert ask(note, path={"number": "x", "note": "1"}).status == 400


def test_a_patient_is_erased(ask: Ask, ada: None) -> None:
    asked = ask("POST /erasures", {"patient": ADA["id"]}, of=erase)
    assert (asked.status, asked.body["patient"]) == (201, ADA["id"])
    assert ask("POST /erasures/{id}/final", of=erase, path={"id": asked.body["id"]}).status in {200, 202}
    assert ask(f"GET {ONE}", of=read).status == 410
    assert found(ask, "ada@example.com") == []


def test_who_may_not_is_denied_and_who_is_not_there_is_not_found(ask: Ask, ada: None, service: Service) -> None:
    assert ask(f"PATCH {ONE}", {"email": "x"}, allow=["clinic:read"]).status == 403
    assert service.entries()[-1]["action"] == "patient.move"
    assert ask(f"GET {ONE}", of=read, path={"id": "nobody"}).status == 404


def test_keys_and_long_work_know_patients(ask: Ask, ada: None) -> None:
    assert ask("GET /keys/status", of=keys, query={"patient": ADA["id"]}).body["patient"] == ADA["id"]
    assert ask("POST /maintenance", {"work": "reindex", "kind": "patient"}, of=maintain).status == 202


def test_its_app_declares_what_its_handlers_serve() -> None:
    # Its own settings name the plugin's, which this one test does without.
    run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=--import-mode=importlib",
        "-W",
        "default",
        "tests/test_app.py",
    )


def test_its_templates_are_synthesized(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "functions.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("clinic/__init__.py"), "")
    context = {"stage": "prod", "artifact": str(tmp_path / "functions.zip")}
    run("app.py", CDK_OUTDIR=str(tmp_path / "out"), CDK_CONTEXT_JSON=json.dumps(context))
    template = json.loads((tmp_path / "out" / "Clinic-prod-Api.template.json").read_text(encoding="utf-8"))
    functions = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
    named = {one["FunctionName"]: one["Handler"] for one in functions if "FunctionName" in one}
    assert named == {
        f"clinic-prod-{name}": f"clinic.handlers.{name}.handler"
        for name in ("write", "read", "keys", "maintain", "erase")
    }


def run(*arguments: str, **variables: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV", "AWS_"))}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=CLINIC,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
