"""export --all and import of what it wrote, against a service that answers as a test wants."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import Call, Done
from tests.cli.service import Service
from twinvault_cli import patience

TWINVAULT = Path(sys.executable).with_name("twinvault")
PROBLEM = "urn:twinvault:problem:"


def page(*ids: str, cursor: str | None = None, **more: Any) -> tuple[int, Any]:
    return 200, {"dialogues": [{"id": one} for one in ids], "cursor": cursor, **more}


def has(service: Service, *ids: str) -> None:
    for one in ids:
        service.answers[f"/dialogues/{one}/export"] = (200, {"id": one, "title": f"of {one}"})


def refuses(service: Service, one: str, status: int, problem: str) -> None:
    body = {"type": PROBLEM + problem, "detail": "it says why", "correlation_id": f"1-{one}"}
    service.answers[f"/dialogues/{one}/export"] = (status, body)


def ids_in(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_bytes().splitlines()]


def asked_for(service: Service) -> list[str]:
    return [path.split("/")[2] for path in service.asked if path.endswith("/export")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "all.ndjson"


@pytest.fixture
def partial(file: Path) -> Path:
    return file.with_name("all.ndjson.partial")


@pytest.fixture
def export(call: Call, service: Service, file: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(patience, "_PAUSES", (0.0, 0.0))

    def export(*options: str) -> Done:
        return call("export", "--all", "-o", str(file), "--url", service.url, "--token", "t", *options)

    return export


def test_all_pages_become_lines_and_what_came_meanwhile_too(service: Service, export: Any, file: Path) -> None:
    service.answers["/dialogues"] = [page("a", cursor="x"), page("b"), page("c", "a", cursor="y"), page("b"), page("c")]
    has(service, "a", "b", "c")
    done = export("--json")
    assert done.code == 0, done.err
    assert ids_in(file) == ["a", "b", "c"]
    told = json.loads(done.out)
    nothing: dict[str, Any] = {"already": 0, "gone": 0, "left_out": [], "erased_since": []}
    assert told == {"file": str(file), "dialogues": 3, "written": 3, **nothing}
    listed = [path for path in service.asked if path.startswith("/dialogues?")]
    assert listed[:3] == ["/dialogues?limit=50", "/dialogues?limit=50&cursor=x", "/dialogues?limit=50"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_does_not_open_is_named_counted_and_keeps_no_other_out(service: Service, export: Any, file: Path) -> None:
    refused = {"partition": "p1", "problem": "integrity"}
    service.answers["/dialogues"] = page("a", "b", "c", "d", "e", refused=[refused], correlation_id="1-list")
    has(service, "a", "e")
    refuses(service, "b", 500, "integrity")
    refuses(service, "c", 409, "incomplete")
    refuses(service, "d", 410, "erased")
    done = export("--json")
    assert done.code == 3
    assert json.loads(done.err)["error"]["exit_code"] == 3
    told = json.loads(done.out)
    assert told["left_out"] == [
        {**refused, "correlation_id": "1-list"},
        {"id": "b", "problem": "integrity", "correlation_id": "1-b"},
        {"id": "c", "problem": "incomplete", "correlation_id": "1-c"},
    ]
    assert (told["written"], told["gone"]) == (2, 1)
    assert ids_in(file) == ["a", "e"]
    said = export("--force")
    assert said.code == 3
    assert "partition p1 (integrity, correlation id 1-list)" in said.out
    assert "b (integrity" in said.out
    assert "3 dialogues are not in" in said.err


def test_a_bad_moment_does_not_end_it(service: Service, export: Any, file: Path) -> None:
    service.answers["/dialogues"] = page("a", "b")
    has(service, "a", "b")
    busy = (503, {"type": PROBLEM + "unavailable", "detail": "later"})
    service.answers["/dialogues/a/export"] = [busy, (429, {"message": "Too Many Requests"}), (200, {"id": "a"})]
    assert export().code == 0
    assert ids_in(file) == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param((503, {"type": PROBLEM + "unavailable", "detail": "later"}), 4, id="unavailable"),
        pytest.param((502, {"message": "Bad Gateway"}), 4, id="the gateway's own"),
        pytest.param((401, {"type": PROBLEM + "unauthenticated", "detail": "token: has expired"}), 2, id="expired"),
        pytest.param((200, b"<html>log in</html>"), 4, id="a portal on the way"),
        pytest.param((200, {"id": "another"}), 4, id="another dialogue"),
    ],
)
def test_what_keeps_every_dialogue_from_being_read_ends_it_and_the_same_command_goes_on(
    service: Service, export: Any, file: Path, answer: tuple[int, Any], code: int
) -> None:
    partial = file.with_name("all.ndjson.partial")
    service.answers["/dialogues"] = page("a", "b", "c")
    has(service, "a", "b", "c")
    service.answers["/dialogues/b/export"] = answer
    done = export()
    assert done.code == code, done.err
    assert "1 dialogue in" in done.err
    assert "the same command goes on with it" in " ".join(done.err.split())
    assert not file.exists()
    assert ids_in(partial) == ["a"]
    has(service, "b")
    service.asked.clear()
    done = export("--json")
    assert (done.code, ids_in(file)) == (0, ["a", "b", "c"])
    told = json.loads(done.out)
    assert (told["already"], told["written"], told["dialogues"]) == (1, 2, 3)


def test_a_service_that_is_not_there_is_said_at_once(
    call: Call, file: Path, partial: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_PAUSES", (-1.0,))  # a pause of this length is an error (time.sleep)
    done = call("export", "--all", "-o", str(file), "--url", "http://127.0.0.1:9", "--token", "t")
    assert (done.code, file.exists(), "does not answer" in done.err) == (4, False, True)
    assert partial.read_bytes() == b""


def test_a_process_that_is_killed_leaves_whole_lines_and_the_next_goes_on(
    service: Service, export: Any, file: Path, partial: Path
) -> None:
    service.answers["/dialogues"] = page("a", "b", "c")
    has(service, "a", "b", "c")
    service.waits["/dialogues/c/export"] = threading.Event()
    arguments = [str(TWINVAULT), "export", "--all", "-o", str(file), "--url", service.url, "--token", "t"]
    process = subprocess.Popen(arguments, env={"PATH": os.environ["PATH"]}, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while "/dialogues/c/export" not in service.asked:
        assert time.monotonic() < until
        time.sleep(0.05)
    process.kill()
    process.wait()
    service.waits.pop("/dialogues/c/export").set()
    assert not file.exists()
    assert ids_in(partial) == ["a", "b"]
    with partial.open("ab") as torn:
        torn.write(b'{"id":"c","ti')
    service.asked.clear()
    assert export().code == 0
    assert ids_in(file) == ["a", "b", "c"]
    assert asked_for(service) == ["b", "c"], "of what stands there the last one alone is looked at again"


def test_a_file_of_another_tenant_is_not_gone_on_with(service: Service, export: Any, file: Path, partial: Path) -> None:
    service.answers["/dialogues"] = page("a")
    has(service, "a")
    refuses(service, "theirs", 404, "not-found")
    for theirs in ({"id": "theirs"}, {"id": "a", "title": "otherwise"}):
        content = json.dumps(theirs).encode() + b"\n"
        partial.write_bytes(content)
        done = export()
        assert done.code == 2, done.err
        assert "another file" in done.err
        assert partial.read_bytes() == content
        assert not file.exists()


def test_what_was_erased_after_it_was_written_is_named(
    service: Service, export: Any, file: Path, partial: Path
) -> None:
    service.answers["/dialogues"] = page("a")
    has(service, "a")
    refuses(service, "old", 410, "erased")
    refuses(service, "older", 500, "integrity")
    partial.write_bytes(b'{"id":"old"}\n{"id":"older"}\n')
    done = export("--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["erased_since"] == ["old"]
    assert ids_in(file) == ["old", "older", "a"]


def test_a_tenant_of_which_nothing_is_there_has_an_empty_file(service: Service, export: Any, file: Path) -> None:
    service.answers["/dialogues"] = page()
    assert export().code == 0
    assert file.read_bytes() == b""


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--all"], id="no file"),
        pytest.param(["a", "--all", "-o", "f"], id="an id and all"),
        pytest.param([], id="neither"),
        pytest.param(["a", "--force"], id="force for one"),
    ],
)
def test_export_takes_no_option_that_it_would_pass_over(call: Call, arguments: list[str]) -> None:
    done = call("export", *arguments, "--json")
    assert (done.code, json.loads(done.out)["error"]["exit_code"]) == (2, 2)


def imported(result: str) -> tuple[int, Any]:
    return 200, {"id": "x", "result": result, "records": 3, "stored": 3, "transactions": 1}


def test_a_file_of_lines_is_imported_line_by_line_and_a_bad_one_keeps_no_other_out(
    call: Call, service: Service, file: Path
) -> None:
    lines = [b'{"id":"a"}', b'{"id":"b"}', b'{"id":"c"}', b'{"id":"d","ti']
    file.write_bytes(lines[0] + b"\n\n" + b"\n".join(lines[1:]))
    wrong = (422, {"type": PROBLEM + "unprocessable", "detail": "title: is required"})
    torn = (400, {"type": PROBLEM + "invalid-input", "detail": "body: must be JSON"})
    service.answers["/dialogues/import"] = [imported("created"), imported("unchanged"), wrong, torn]
    done = call("import", str(file), "--json", "--url", service.url, "--token", "t")
    assert service.sent == lines
    (told,) = json.loads(done.out)
    assert done.code == 2
    assert (told["created"], told["unchanged"], told["records"], told["stopped_at_line"]) == (1, 1, 6, None)
    said = [(one["line"], one["id"], one["problem"]) for one in told["failed"]]
    assert said == [(4, "c", "unprocessable"), (5, None, "invalid-input")]


def test_what_keeps_every_line_from_being_imported_ends_it_at_that_line(
    call: Call, service: Service, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_PAUSES", (0.0,))
    file.write_bytes(b'{"id":"a"}\n{"id":"b"}\n{"id":"c"}\n')
    busy = (503, {"type": PROBLEM + "unavailable", "detail": "later"})
    service.answers["/dialogues/import"] = [imported("created"), busy]
    done = call("import", str(file), "--url", service.url, "--token", "t")
    assert done.code == 4
    assert "it ended at line 2" in done.err
    assert service.sent == [b'{"id":"a"}', b'{"id":"b"}', b'{"id":"b"}']


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"id":"a"}\n\n', id="one line"),
        pytest.param(b'{\n  "id": "a"\n}\n', id="one document of several lines"),
        pytest.param(b'{"id":"a"}', id="no newline"),
    ],
)
def test_a_file_of_one_document_is_sent_as_it_is(call: Call, service: Service, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    service.answers["/dialogues/import"] = imported("created")
    done = call("import", str(file), "--json", "--url", service.url, "--token", "t")
    assert (done.code, json.loads(service.sent[0])) == (0, {"id": "a"})
    assert json.loads(done.out)[0]["result"] == "created"
