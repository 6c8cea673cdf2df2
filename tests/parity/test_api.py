"""The main job over HTTP: a dialogue in, at rest, out; and what another tenant, or nobody, gets."""

import json
from typing import Any

import httpx
import pytest
from samples import canonical, dialogue, sealed_texts

from tests.parity.target import Target

REQUESTS = 10  # that an import may take

pytestmark = pytest.mark.xdist_group("parity")


@pytest.fixture(scope="module")
def imported(target: Target, document: dict[str, Any]) -> httpx.Response:
    """The answer to the import of this run's dialogue."""
    return _import(target, document)


def test_what_was_imported_is_exported_byte_for_byte(
    target: Target, document: dict[str, Any], imported: httpx.Response
) -> None:
    assert (imported.status_code, imported.json()["result"]) == (201, "created"), imported.text
    exported = target.call("GET", f"/dialogues/{document['id']}/export")
    assert exported.status_code == 200
    assert canonical(json.loads(exported.content)) == canonical(document)
    again = target.call("GET", f"/dialogues/{document['id']}/export")
    assert again.content == exported.content


def test_the_same_document_again_changes_nothing(
    target: Target, document: dict[str, Any], imported: httpx.Response
) -> None:
    again = target.call("POST", "/dialogues/import", content=canonical(document))
    assert (again.status_code, again.json()["result"]) == (200, "unchanged")


def test_the_same_id_with_other_content_is_a_conflict(
    target: Target, document: dict[str, Any], imported: httpx.Response
) -> None:
    other = target.call("POST", "/dialogues/import", content=canonical({**document, "title": "another"}))
    assert (other.status_code, other.json()["field"]) == (409, "id")
    assert other.headers["content-type"] == "application/problem+json"


def test_a_dialogue_of_several_transactions_comes_back_whole(target: Target, run_id: str) -> None:
    large = dialogue(f"parity-large-{run_id}", perspectives=120)
    answer = _import(target, large)
    assert answer.status_code in {200, 201}, answer.text
    exported = target.call("GET", f"/dialogues/{large['id']}/export")
    assert canonical(json.loads(exported.content)) == canonical(large)


def test_what_lies_in_the_table_holds_no_text_and_no_id_of_the_document(
    target: Target, dynamodb: Any, document: dict[str, Any], imported: httpx.Response
) -> None:
    rows = _rows(target, dynamodb, document)
    assert len(rows) > len(document["perspectives"])
    held = repr(rows)
    texts = sealed_texts(document) | {document["id"]}
    assert len(texts) > 50
    assert not [text for text in texts if text in held]


def test_another_tenant_cannot_tell_it_from_what_is_not_there(
    target: Target, document: dict[str, Any], imported: httpx.Response
) -> None:
    for path in (f"/dialogues/{document['id']}", f"/dialogues/{document['id']}/export"):
        theirs, nobodys = (
            target.call("GET", one, tenant="foreign") for one in (path, path.replace("parity", "nobody"))
        )
        assert theirs.status_code == nobodys.status_code == 404
        told = [{**answer.json(), "correlation_id": ""} for answer in (theirs, nobodys)]
        assert told[0] == told[1]
    listed = target.call("GET", "/dialogues?limit=50", tenant="foreign").json()["dialogues"]
    assert document["id"] not in [one["id"] for one in listed]


@pytest.mark.parametrize(
    "token",
    [pytest.param("", id="none"), pytest.param("garbage", id="garbage"), pytest.param("e30.e30.", id="unsigned")],
)
def test_nobody_gets_nothing(target: Target, token: str) -> None:
    answer = target.call("GET", "/dialogues", token=token)
    assert (answer.status_code, answer.json()["field"]) == (401, "authorization")
    assert "www-authenticate" in answer.headers


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        pytest.param(b"not json", 400, "body", id="not JSON"),
        pytest.param(b'{"id":"a","id":"b"}', 400, "id", id="a name twice"),
        pytest.param(b'{"id":"x","title":"t","status":"open","surprise":1}', 422, "surprise", id="an unknown field"),
        pytest.param(b'{"id":"x","title":"' + b"x" * 2_200_000 + b'","status":"open"}', 413, "body", id="too large"),
    ],
)
def test_a_bad_document_is_refused_by_name(target: Target, body: bytes, status: int, field: str) -> None:
    answer = target.call("POST", "/dialogues/import", content=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_path_that_leads_nowhere_is_the_apis_own_404(target: Target) -> None:
    answer = target.call("GET", "/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_body_over_10_mb_is_the_apis_own_413(target: Target) -> None:
    answer = target.call("POST", "/dialogues/import", content=b" " * (10 * 1024 * 1024 + 1))
    assert (answer.status_code, set(answer.json())) == (413, {"message"})


def _import(target: Target, document: dict[str, Any]) -> httpx.Response:
    """Import a dialogue; where a request's time does not suffice, the same one again goes on with it."""
    for _ in range(REQUESTS):
        answer = target.call("POST", "/dialogues/import", content=canonical(document))
        if answer.status_code != httpx.codes.ACCEPTED:
            break
    return answer


def _rows(target: Target, dynamodb: Any, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every row of this run's dialogue; where they stand is told to whoever may read it."""
    stored = target.call("GET", f"/dialogues/{document['id']}").json()["stored"]
    pages = dynamodb.get_paginator("query").paginate(
        TableName=target.table("Records"),
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": stored["partition_key"]}},
    )
    return [item for page in pages for item in page["Items"]]
