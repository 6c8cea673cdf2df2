"""A dialogue's way through the whole twin: in, at rest, out."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples import canonical, dialogue, sealed_texts
from vaults import Vault

EXAMPLE = Path(__file__).parents[2] / "examples" / "dialogues" / "incident-notes.json"

pytestmark = pytest.mark.xdist_group("end_to_end")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(json.loads(EXAMPLE.read_text(encoding="utf-8")), id="the project's own example"),
        pytest.param(dialogue("sixty-kilobytes", perspectives=20), id="one transaction"),
        pytest.param(dialogue("quarter-megabyte", perspectives=120), id="several transactions"),
    ],
)
def test_what_was_imported_is_exported_letter_for_letter(vault: Vault, document: dict) -> None:
    answer = vault.load(document)
    assert answer.status_code == 201, answer.text
    assert answer.json()["result"] == "created"
    assert canonical(vault.export(document["id"]).json()) == canonical(document)
    opened = vault.call("GET", f"/dialogues/{document['id']}").json()
    assert canonical(opened["dialogue"]) == canonical(document)
    again = vault.load(document)
    assert (again.status_code, again.json()["result"]) == (200, "unchanged")


def test_the_same_id_with_other_content_is_a_conflict_and_changes_nothing(vault: Vault) -> None:
    document = dialogue("conflicting", perspectives=3)
    vault.load(document)
    answer = vault.load({**document, "title": "another"})
    assert answer.status_code == 409
    assert answer.json()["field"] == "id"
    assert canonical(vault.export("conflicting").json()) == canonical(document)


def test_neither_tables_nor_logs_nor_files_hold_a_sealed_text_or_a_dialogues_id(vault: Vault) -> None:
    document = dialogue("the-secret-name-of-a-dialogue", perspectives=12)
    assert vault.load(document).status_code == 201
    assert vault.export(document["id"]).status_code == 200
    texts = [text.encode() for text in sealed_texts(document) | {document["id"]}]
    tables = b"".join(repr(vault.items(table)).encode() for table in ("records", "keys", "audit"))
    assert not [text for text in texts if text in tables]
    seed = (vault.twin.state.seed).read_text(encoding="utf-8").strip()
    for path in vault.twin.state.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [text for text in texts if text in content], path
            if path != vault.twin.state.seed:
                assert seed.encode() not in content, path


def test_no_log_holds_a_token_or_a_path(vault: Vault) -> None:
    token = vault.token()
    vault.export("a-path-that-nobody-logs", token=token)
    for log in vault.twin.state.logs.glob("*.log"):
        content = log.read_text(encoding="utf-8", errors="replace")
        assert token not in content
        assert "a-path-that-nobody-logs" not in content


def test_a_second_tenant_sees_nothing_not_even_that_something_is_there(vault: Vault) -> None:
    document = dialogue("mine-alone", perspectives=2)
    vault.load(document, tenant="first")
    for path in ("/dialogues/mine-alone", "/dialogues/mine-alone/export"):
        theirs, nobodys = vault.call("GET", path, tenant="second"), vault.call("GET", path + "x", tenant="second")
        assert theirs.status_code == 404
        without_id = [{**answer.json(), "correlation_id": ""} for answer in (theirs, nobodys)]
        assert without_id[0]["type"] == "urn:twinvault:problem:not-found"
        assert theirs.headers["content-type"] == "application/problem+json"
    assert vault.call("GET", "/dialogues", tenant="second").json() == {"dialogues": [], "cursor": None}
    assert vault.load(document, tenant="second").status_code == 201, "the same id is free for another tenant"


def test_lists_are_paged_with_cursors_of_this_tenant_and_question_alone(vault: Vault) -> None:
    for number in range(5):
        vault.load(dialogue(f"paged-{number}", perspectives=1, words=3), tenant="pager")
    vault.load({**dialogue("still-open", perspectives=1, words=3), "status": "open"}, tenant="pager")
    seen, cursor = [], ""
    while True:
        page = vault.call("GET", f"/dialogues?status=converged&limit=2{cursor}", tenant="pager").json()
        seen += [item["id"] for item in page["dialogues"]]
        if page["cursor"] is None:
            break
        last = page["cursor"]
        cursor = f"&cursor={last}"
    assert seen == [f"paged-{number}" for number in reversed(range(5))]
    assert len(vault.call("GET", "/dialogues", tenant="pager").json()["dialogues"]) == 6
    for path, tenant in [
        (f"/dialogues?status=converged&cursor={last}", "acme"),
        (f"/dialogues?status=open&cursor={last}", "pager"),
        (f"/dialogues?status=converged&cursor={last[:-4]}AAAA", "pager"),
    ]:
        answer = vault.call("GET", path, tenant=tenant)
        assert (answer.status_code, answer.json()["field"]) == (400, "cursor")


@pytest.mark.parametrize("dialogue_id", ["with/slash?and#hash", "ümlaut 日本", "100%", "~tilde", '"quoted"', ".."])
def test_any_text_can_be_an_id(vault: Vault, dialogue_id: str) -> None:
    document = {"id": dialogue_id, "title": "t", "status": "open"}
    assert vault.load(document).status_code == 201
    segment = "~" + base64.urlsafe_b64encode(dialogue_id.encode()).decode().rstrip("=")
    assert vault.export(segment).json() == document


def test_concurrent_imports_of_one_file_store_it_once(vault: Vault) -> None:
    document = dialogue("raced", perspectives=120, words=20)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: vault.load(document), range(6)))
    assert {answer.status_code for answer in answers} <= {200, 201}, [answer.text for answer in answers]
    assert canonical(vault.export("raced").json()) == canonical(document)


def test_concurrent_imports_of_many_files_are_all_stored(vault: Vault) -> None:
    documents = [dialogue(f"many-{number}", perspectives=8, words=20) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: vault.load(one, tenant="many-at-once"), documents))
    assert [answer.status_code for answer in answers] == [201] * 8, [answer.text for answer in answers]
    keys = [item for item in vault.items("keys") if item["pk"]["S"] == "tenant#many-at-once"]
    kinds = sorted(item["entity_type"]["S"] for item in keys)
    assert kinds == ["dek"] * 8 + ["idx", "kek", "register", "register-key"], "one of each, whoever was first"
    for one in documents:
        assert canonical(vault.export(one["id"], tenant="many-at-once").json()) == canonical(one)
