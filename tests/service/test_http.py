"""The functions as Lambda calls them: routes, ids in paths, bodies, problems, what is logged and what is recorded."""

import base64
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from service.handlers import import_dialogue, manage_keys, read_dialogues
from tests.dialogues.samples import SMALL, long, small
from tests.service.conftest import Service
from twinvault.audit.elements import row_hash
from twinvault.errors import ConfigurationError
from twinvault_http import Answer, Api, Request, wiring

IMPORT, LIST = "POST /dialogues/import", "GET /dialogues"
READ, EXPORT = "GET /dialogues/{id}", "GET /dialogues/{id}/export"

TRACE = "1-6b03b754-ec6376897b31c40ba356c4d8"


def test_a_dialogue_goes_in_and_comes_out_as_it_was(service: Service) -> None:
    made = service.load(SMALL)
    assert (made.status, made.body["result"]) == (201, "created")
    assert service.load(SMALL).status == 200
    exported = service.call(EXPORT, id=SMALL["id"])
    assert exported.status == 200
    assert exported.body == SMALL
    read = service.call(READ, id=SMALL["id"])
    assert read.body["dialogue"] == SMALL
    assert read.body["stored"]["records"] == made.body["records"]
    listed = service.call(LIST, query={"status": "converged"})
    assert [one["id"] for one in listed.body["dialogues"]] == [SMALL["id"]]


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        'a"b',
        "\u00e9\U0001f375",
        "100%",
        "a?b#c",
        "..",
        ".",
        " ",
        "a+b",
        "%2F",
        "~tilde",
        "<id>",
        "export",
        "import",
        "\x00",
        "a\nb",
    ],
)
def test_any_id_finds_its_dialogue(service: Service, name: str) -> None:
    service.stored(small(id=name))
    plain = name if not name.startswith("~") else None
    encoded = "~" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")
    for segment in filter(None, (plain, encoded)):
        for route in (READ, EXPORT):
            assert service.call(route, id=segment).status == 200, (route, segment)


def test_a_body_may_be_base64(service: Service) -> None:
    body = base64.b64encode(json.dumps(SMALL).encode()).decode()
    assert service.call(IMPORT, body=body, base64=True).status == 201
    assert service.call(IMPORT, body="?!", base64=True).status == 400


@pytest.mark.parametrize(
    ("call", "status", "slug", "field"),
    [
        pytest.param({"route": IMPORT}, 400, "invalid-input", "body", id="no body"),
        pytest.param({"route": IMPORT, "body": "{"}, 400, "invalid-input", "body", id="half a document"),
        pytest.param({"route": IMPORT, "body": "{}"}, 422, "unprocessable", "id", id="an empty document"),
        pytest.param({"route": IMPORT, "body": "x" * 2_100_000}, 413, "too-large", "body", id="a large body"),
        pytest.param({"route": READ, "id": "nothing"}, 404, "not-found", None, id="nothing there"),
        pytest.param({"route": READ, "id": "~!"}, 400, "invalid-input", "id", id="no base64url"),
        pytest.param({"route": READ, "id": "x" * 257}, 404, "not-found", None, id="an id that nobody can have"),
        pytest.param({"route": LIST, "query": {"status": "x"}}, 400, "invalid-input", "status", id="a status"),
        pytest.param({"route": LIST, "query": {"limit": "0"}}, 400, "invalid-input", "limit", id="a limit of 0"),
        pytest.param({"route": LIST, "query": {"limit": "51"}}, 400, "invalid-input", "limit", id="a limit of 51"),
        pytest.param({"route": LIST, "query": {"limit": "1,2"}}, 400, "invalid-input", "limit", id="two limits"),
        pytest.param({"route": LIST, "query": {"limit": "\u0661"}}, 400, "invalid-input", "limit", id="another digit"),
        pytest.param({"route": LIST, "query": {"cursor": "x"}}, 400, "invalid-input", "cursor", id="a cursor"),
        pytest.param({"route": LIST, "query": {"q": "x"}}, 400, "invalid-input", "query", id="an unknown parameter"),
        pytest.param(
            {"route": READ, "id": "x", "query": {"fields": "x"}}, 400, "invalid-input", "query", id="fields of one"
        ),
        pytest.param(
            {"route": IMPORT, "body": "{}", "query": {"fields": "x"}},
            400,
            "invalid-input",
            "query",
            id="a body's query",
        ),
        pytest.param({"route": LIST, "token": None}, 401, "unauthenticated", "authorization", id="no token"),
        pytest.param({"route": LIST, "token": "x.y.z"}, 401, "unauthenticated", "authorization", id="no token really"),
    ],
)
def test_a_callers_fault_is_a_problem_that_names_the_field(
    service: Service, call: dict[str, Any], status: int, slug: str, field: str | None
) -> None:
    answer = service.call(**call)
    assert (answer.status, answer.body["type"]) == (status, f"urn:twinvault:problem:{slug}")
    assert answer.body.get("field") == field
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body["correlation_id"] == TRACE


def test_every_answer_forbids_caches(service: Service) -> None:
    service.stored(SMALL)
    for answer in (service.call(LIST), service.call(READ, id=SMALL["id"]), service.call(EXPORT, id=SMALL["id"])):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("route", "permissions"),
    [(IMPORT, ["dialogues:read"]), (LIST, ["dialogues:write"]), (READ, []), (EXPORT, "dialogues:write")],
)
def test_without_the_permission_it_is_denied_and_recorded(service: Service, route: str, permissions: Any) -> None:
    token = service.issuer.token(permissions=permissions)
    answer = service.call(route, id="x" if "{id}" in route else None, body="{}", token=token)
    assert answer.status == 403
    (entry,) = service.entries()
    assert (entry["outcome"], entry["tenant"], entry["trace"]) == ("denied", "acme", TRACE)


@pytest.mark.parametrize("route", [READ, EXPORT, IMPORT, "POST /keys/rotate"])
def test_a_denial_names_the_dialogue_that_it_denied(service: Service, route: str) -> None:
    service.stored(SMALL)
    (imported,) = service.entries()
    rotates = route == "POST /keys/rotate"
    answer = service.call(
        route,
        id=SMALL["id"] if "{id}" in route else None,
        body=json.dumps({"dialogue": SMALL["id"]} if rotates else SMALL),
        token=service.issuer.token(permissions=[]),
        function=manage_keys.handler if rotates else None,
    )
    assert answer.status == 403
    denied = service.entries()[-1]
    assert (denied["outcome"], denied["problem"]) == ("denied", "forbidden")
    assert denied["partitions"] == [{"mark": imported["partitions"][0]["mark"]}]
    assert SMALL["id"] not in json.dumps(denied)


def test_a_404_names_the_dialogue_that_was_asked_for(service: Service) -> None:
    service.stored(SMALL)
    for asked in ("nothing", "nothing", "nothing else"):
        assert service.call(READ, id=asked).status == 404
    first, again, other = (entry["partitions"] for entry in service.entries()[1:])
    assert first == again != other
    assert first[0]["saw"] is None


def test_what_cannot_be_named_is_denied_all_the_same(service: Service) -> None:
    token = service.issuer.token(permissions=[])
    assert service.call(READ, id="x" * 257, token=token).status == 403
    assert service.call(IMPORT, body="no JSON", token=token).status == 403
    assert [entry["partitions"] for entry in service.entries()] == [[], []]


def test_an_entry_names_function_artifact_store_and_request(service: Service) -> None:
    service.stored(SMALL)
    (entry,) = service.entries()
    assert (entry["store"], entry["artifact"]) == ("tested", "0123456789abcdef" * 4)
    assert (entry["function"], entry["request"]) == (service.context.function_name, service.context.aws_request_id)
    assert entry["began"] < entry["time"]


def test_a_second_tenants_token_opens_nothing_of_the_first(service: Service) -> None:
    service.stored(SMALL)
    other = service.issuer.token(tenant="bolt")
    for route in (READ, EXPORT):
        theirs = service.call(route, id=SMALL["id"], token=other)
        nothing = service.call(route, id="never", token=other)
        assert theirs.body == nothing.body
        assert theirs.status == 404
    assert service.call(LIST, token=other).body == {"dialogues": [], "cursor": None}


def test_every_authenticated_request_leaves_its_entries(service: Service) -> None:
    service.stored(SMALL)
    service.call(READ, id=SMALL["id"])
    service.call(LIST)
    service.call(READ, id="nothing")
    service.call(LIST, token="forged")
    assert sorted((entry["action"], entry["outcome"]) for entry in service.entries()) == [
        ("dialogue.import", "success"),
        ("dialogue.list", "success"),
        ("dialogue.read", "failure"),
        ("dialogue.read", "success"),
    ]


def test_tampering_is_a_flat_500_and_precise_in_the_audit_log(service: Service) -> None:
    service.stored(SMALL)
    items = service.client.scan(TableName=service.tables.records)["Items"]
    item = next(item for item in items if item["sk"]["S"] == "verdict#final")
    service.client.put_item(TableName=service.tables.records, Item=item | {"verdict_type": {"S": "minority"}})
    answer = service.call(READ, id=SMALL["id"])
    assert (answer.status, answer.body["type"]) == (500, "urn:twinvault:problem:integrity")
    assert "verdict" not in json.dumps(answer.body)
    entry = service.entries()[-1]
    assert (entry["problem"], entry["step"]) == ("integrity", "5 commitment")
    assert entry["row"] == row_hash("records", pk=item["pk"]["S"], sk="verdict#final")


def test_a_list_names_what_is_damaged_and_says_under_which_id_the_log_knows_more(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.stored(SMALL)
    service.stored(small(id="damaged"))
    place = service.call(READ, id="damaged").body["stored"]["partition_key"]
    assert {"correlation_id", "refused"}.isdisjoint(service.call(LIST).body)
    key = {"pk": {"S": place}, "sk": {"S": "meta"}}
    service.client.delete_item(TableName=service.tables.records, Key=key)
    capsys.readouterr()
    answer = service.call(LIST)
    assert answer.status == 200
    assert [one["id"] for one in answer.body["dialogues"]] == [SMALL["id"]]
    assert answer.body["refused"] == [{"partition": place.rpartition("#")[2], "problem": "integrity"}]
    assert answer.body["correlation_id"] == TRACE
    refused, listed = service.entries()[-2:]
    assert (refused["outcome"], refused["action"], refused["step"]) == (
        "failure",
        "dialogue.list",
        "9 head: a record was deleted",
    )
    assert (listed["outcome"], listed["action"], listed["trace"]) == ("success", "dialogue.list", TRACE)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["OpenFailed"] for line in lines if "OpenFailed" in line] == [[1.0]]
    (said,) = [line for line in lines if line.get("message") == "integrity check failed"]
    assert (said["status"], said["trace_id"]) == (200, TRACE)


def test_a_key_row_that_was_taken_away_is_named_like_any_other_row(service: Service) -> None:
    service.stored(SMALL)
    keys = service.client.scan(TableName=service.tables.keys)["Items"]
    (dek,) = [item for item in keys if item["sk"]["S"].startswith("dek#")]
    service.client.delete_item(TableName=service.tables.keys, Key={name: dek[name] for name in ("pk", "sk")})
    wiring.service.cache_clear()  # an environment that has not the key in memory
    assert service.call(READ, id=SMALL["id"]).status == 500
    entry = next(entry for entry in service.entries() if entry["outcome"] == "failure")
    assert entry["step"] == "missing key"
    assert entry["row"] == row_hash("keys", pk=dek["pk"]["S"], sk=dek["sk"]["S"])


@pytest.mark.parametrize("body", ['{"dialogue": null}', '{"dialogue": 1}', '{"dialogue": ""}', '{"dialog": "x"}'])
def test_a_rotation_that_names_no_dialogue_makes_no_new_kek(service: Service, body: str) -> None:
    service.stored(SMALL)
    token = service.issuer.token(permissions=["keys:rotate", "keys:read"])
    assert service.call("POST /keys/rotate", body=body, token=token, function=manage_keys.handler).status == 400
    listed = service.call("GET /keys", token=token, function=manage_keys.handler).body["keys"]
    assert [key["name"] for key in listed if key["name"].startswith("kek#")] == ["kek#000001"]


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
def test_a_header_is_found_whatever_its_case(service: Service, name: str) -> None:
    token = f"Bearer {service.issuer.token()}"
    assert service.call(LIST, token=None, headers={name: token}).status == 200


@pytest.mark.parametrize(
    "key", ["GET /dialogues/", "get /dialogues", "GET /dialogues/{name}", "ANY /dialogues", "$default", ""]
)
def test_a_route_is_found_by_its_very_key(service: Service, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the path says does not matter: API Gateway has matched it."""
    event = service.event(LIST) | {"routeKey": key, "rawPath": "/dialogues"}
    answer = read_dialogues.handler(event, service.context)
    assert answer["statusCode"] == 404
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert service.entries() == []
    answered = [json.loads(line) for line in capsys.readouterr().out.splitlines()][-1]
    assert answered["route"] == "", "a text that is no route of ours can be anything"


def test_a_row_of_another_tenant_in_a_list_is_refused_without_a_word_of_whose_it_is(service: Service) -> None:
    assert service.load(SMALL).status == 201
    theirs = service.issuer.token(tenant="bolt")
    assert service.load({**SMALL, "id": "theirs"}, token=theirs).status == 201
    rows = service.client.scan(TableName=service.tables.records)["Items"]
    (head,) = [one for one in rows if one["sk"]["S"] == "head" and one["tenant_id"]["S"] == "bolt"]
    mine = service.call(LIST).body["dialogues"]
    service.client.put_item(TableName=service.tables.records, Item=head | {"tenant_id": {"S": "acme"}})
    answer = service.call(LIST)
    assert (answer.status, answer.body["dialogues"]) == (200, mine)
    assert answer.body["refused"] == [{"partition": None, "problem": "integrity"}]
    assert "bolt" not in json.dumps(answer.body)
    refused, listed = service.entries()[-2:]
    assert (refused["outcome"], refused["row"]) == ("failure", row_hash("records", pk=head["pk"]["S"], sk="head"))
    assert (listed["outcome"], listed["event"] == refused["event"]) == ("success", False)


def test_more_than_50000_values_are_refused_before_the_layout_is_looked_at(service: Service) -> None:
    """A finding is many times as large as what it is about."""
    answer = service.load({**SMALL, "experts": [{}] * 50_000})
    assert (answer.status, answer.body["field"]) == (413, "body")
    assert "50000 values" in answer.body["detail"]


def test_an_answer_that_lambda_would_drop_is_refused_and_recorded(service: Service) -> None:
    """Dropped, it would count as a crash, and crashes take a deployment back."""
    api = Api()
    sizes = {"fits": 3_000_000, "large": 3_200_000}

    @api.route("GET /dialogues/{id}", permission="dialogues:read", action="dialogue.read")
    def answer(request: Request) -> Answer:
        return Answer(200, {"x": "\n" * (sizes[request.parameters["id"]] * 2 // 3)})

    assert service.call(READ, id="fits", function=api).status == 200
    refused = service.call(READ, id="large", function=api)
    assert (refused.status, refused.body["type"]) == (413, "urn:twinvault:problem:too-large")
    assert [entry["outcome"] for entry in service.entries()] == ["failure"]


def test_a_token_without_a_usable_tenant_is_counted_as_rejected(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing can be recorded in the name of no tenant."""
    assert service.call(LIST, token=service.issuer.token(tenant="No Tenant")).status == 403
    assert '"TokenRejected":[1' in capsys.readouterr().out.replace(" ", "")
    assert service.entries() == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"exp": "4102444800"}, id="a time in quotes"),
        pytest.param({"nbf": True}, id="true for a time"),
        pytest.param({"headers": {"typ": "dpop+jwt"}}, id="another type"),
    ],
)
def test_a_token_of_another_form_is_counted_as_rejected(
    service: Service, wrong: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = service.call(LIST, token=service.issuer.token(**wrong))
    assert (answer.status, answer.body["type"]) == (401, "urn:twinvault:problem:unauthenticated")
    assert '"TokenRejected":[1' in capsys.readouterr().out.replace(" ", "")
    assert service.entries() == []


def test_a_root_key_that_is_refused_is_a_503_with_retry_after(service: Service) -> None:
    service.kms.disable_key(KeyId=service.root)
    answer = service.load(SMALL)
    assert (answer.status, answer.body["type"]) == (503, "urn:twinvault:problem:key-refused")
    assert int(answer.headers["retry-after"]) > 0


def test_an_issuer_that_is_away_is_a_503(service: Service) -> None:
    service.issuer.down = True
    answer = service.call(LIST)
    assert (answer.status, answer.body["type"]) == (503, "urn:twinvault:problem:unavailable")


def test_a_redirecting_or_oversized_key_set_is_not_followed(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.issuer, "extra", [{"kty": "x" * 300_000}])
    assert service.call(LIST).status == 503


def test_a_bug_is_a_flat_500_and_recorded(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    api = Api()

    @api.route("GET /broken", permission="dialogues:read", action="broken")
    def broken(_request: Any) -> Answer:
        raise ZeroDivisionError("Kumquat")

    answer = service.call("GET /broken", function=api)
    assert (answer.status, answer.body["type"]) == (500, "urn:twinvault:problem:internal")
    printed = capsys.readouterr()
    assert "Kumquat" not in json.dumps(answer.body) + printed.out + printed.err
    assert "test_http.py:" in printed.out, "the log says where"
    assert [(entry["action"], entry["outcome"]) for entry in service.entries()] == [("broken", "failure")]


def test_an_answer_that_json_cannot_hold_is_a_flat_500(service: Service) -> None:
    api = Api()

    @api.route("GET /broken", permission="dialogues:read", action="broken")
    def broken(_request: Any) -> Answer:
        return Answer(200, {"x": object()})

    assert service.call("GET /broken", function=api).status == 500


def test_a_function_without_its_settings_names_the_variable_and_tells_the_caller_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWINVAULT_ISSUER")
    with pytest.raises(ConfigurationError, match=r"^TWINVAULT_ISSUER:"):
        service.call(LIST)


@pytest.mark.parametrize("handler", [import_dialogue.handler, read_dialogues.handler], ids=["import", "read"])
def test_a_route_that_the_function_does_not_have_is_no_500(service: Service, handler: Any) -> None:
    assert service.call("GET /elsewhere", function=handler).status == 404


def test_an_import_of_several_transactions_leaves_an_entry_for_each(service: Service) -> None:
    assert service.load(long(120)).body["transactions"] == 2
    entries = service.entries()
    assert [entry["outcome"] for entry in entries] == ["success", "success"]
    assert [one["wrote"]["version"] for entry in entries for one in entry["partitions"]] == [1, 2]


def test_an_import_whose_time_is_up_is_202_and_the_same_request_goes_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request has time for one transaction: the next is always thought to take longer than what is left."""
    monkeypatch.setattr("dialogues.writing._TRANSACTIONS_LEFT", 1e9)
    answers = [service.load(long(220)) for _ in range(4)]
    assert [answer.status for answer in answers] == [202, 202, 201, 200]
    assert [answer.body["result"] for answer in answers] == ["importing", "importing", "created", "unchanged"]
    assert [answer.body["stored"] for answer in answers] == [96, 191, 222, 222]
    assert {answer.body["records"] for answer in answers} == {222}
    assert [answer.body["transactions"] for answer in answers] == [1, 1, 1, 0]
    assert service.call("GET /dialogues/{id}/export", id="long").body == long(220)


def test_an_idempotency_key_is_for_one_document(service: Service) -> None:
    key = {"Idempotency-Key": "7f2c"}
    assert service.load(SMALL, headers=key).status == 201
    assert service.load(SMALL, headers=key).status == 200
    refused = service.load({**SMALL, "title": "Other"}, headers=key)
    assert refused.status == 422
    assert refused.body["detail"] == "idempotency_key: was used for another request"
    assert service.load({**SMALL, "title": "Other"}).status == 409
    assert service.load(SMALL, headers={"idempotency-key": "x" * 256}).status == 400


def test_a_request_whose_time_is_up_still_ends_with_an_answer_and_an_entry(service: Service) -> None:
    service.stored(SMALL)
    service.context.milliseconds = 0
    for asked in ("nothing", SMALL["id"]):
        answer = service.call(READ, id=asked)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert [entry["outcome"] for entry in service.entries()] == ["success", "failure", "failure"]


@pytest.mark.parametrize("cause", ["the same file twice", "another file"])
def test_a_conflict_tells_the_id_field_and_stores_nothing(service: Service, cause: str) -> None:
    service.stored(SMALL)
    before = service.client.scan(TableName=service.tables.records)["Items"]
    answer = service.load(SMALL if cause == "the same file twice" else small(title="Other"))
    assert (answer.status, answer.body.get("field")) == ((200, None) if "same" in cause else (409, "id"))
    assert service.client.scan(TableName=service.tables.records)["Items"] == before


# -- what is logged ------------------------------------------------------------------------------------------------


def test_logs_hold_the_route_and_no_path_id_token_or_text(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    mark = "Kumquat"
    document = small(id=f"{mark}/id", title=mark, question=mark)
    token = service.issuer.token()
    service.stored(document, token=token)
    service.stored(small(id=document["id"], title="other"))
    service.call(READ, id=document["id"])
    service.call(READ, id=mark)
    service.call(IMPORT, body=f'{{"{mark}": {mark}}}')
    service.call(LIST, query={"status": mark})
    service.call(LIST, query={"cursor": mark})
    service.call(LIST, token=f"{mark}.{mark}.{mark}")
    service.stored(small(**{mark: mark}))
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "GET /dialogues/{id}" in text
    assert mark.lower() not in text.lower()
    for part in token.split("."):
        assert part not in text
    for line in printed.out.splitlines():
        json.loads(line)


def test_metrics_are_the_namespaces_and_the_functions_own(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.stored(SMALL)
    service.call(LIST, token="forged")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [line for line in lines if "_aws" in line]
    assert {line["service"] for line in metrics} == {"twinvault-dev-test"}
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in metrics} == {"Twinvault"}
    names = {metric["Name"] for line in metrics for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert {"KmsCalls", "TokenRejected"} <= names


def test_tampering_counts_once_for_the_alarm(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.stored(SMALL)
    items = service.client.scan(TableName=service.tables.keys)["Items"]
    for item in items:
        if item["sk"]["S"].startswith("dek#"):
            service.client.put_item(TableName=service.tables.keys, Item=item | {"key_id": {"S": "kek#000009"}})
    from twinvault_http import wiring

    wiring.service.cache_clear()
    capsys.readouterr()
    assert service.call(READ, id=SMALL["id"]).status == 500
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["OpenFailed"] for line in lines if "OpenFailed" in line] == [[1.0]]


def test_handlers_import_without_any_environment() -> None:
    code = "import service.handlers.import_dialogue, service.handlers.read_dialogues, service.handlers.manage_keys"
    done = subprocess.run([sys.executable, "-c", code], env={"PATH": os.defpath}, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
