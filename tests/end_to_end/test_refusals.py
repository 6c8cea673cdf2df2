"""Bad input from outside: a 4xx that names the field and the rule, and nothing stored."""

import copy
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from samples import canonical, dialogue
from vaults import Vault

pytestmark = pytest.mark.xdist_group("end_to_end")

GOOD = {
    **dialogue("refused", perspectives=3, words=5),
    "tensions": [{"id": "T0001", "label": "t", "description": "d", "status": "open"}],
}


def changed(change: Callable[[dict[str, Any]], Any]) -> bytes:
    document = copy.deepcopy(GOOD)
    change(document)
    return canonical(document)


BAD = [
    pytest.param(b"not json", 400, "body", id="not JSON"),
    pytest.param(b"[]", 400, "body", id="not an object"),
    pytest.param(b'{"id":"\xff"}', 400, "body", id="not UTF-8"),
    pytest.param(b'{"id":"a","id":"b"}', 400, "id", id="a name twice"),
    pytest.param(b'{"id":NaN}', 400, "body", id="NaN"),
    pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "body", id="nested without end"),
    pytest.param(b'{"id":"x","title":"\\ud800","status":"open"}', 400, "title", id="a lone surrogate"),
    pytest.param(changed(lambda d: d.update(surprise=1)), 422, "surprise", id="an unknown field"),
    pytest.param(changed(lambda d: d.update(title=5)), 422, "title", id="a wrong type"),
    pytest.param(changed(lambda d: d.update(id="")), 422, "id", id="an empty id"),
    pytest.param(changed(lambda d: d.update(id="x" * 257)), 422, "id", id="a long id"),
    pytest.param(changed(lambda d: d.update(status="done")), 422, "status", id="an unknown status"),
    pytest.param(changed(lambda d: d["perspectives"][1].update(id="P00001")), 422, "perspectives[1].id", id="P00001"),
    pytest.param(changed(lambda d: d["perspectives"][1].update(id="P0100")), 422, "perspectives[1].id", id="P0100"),
    pytest.param(changed(lambda d: d["perspectives"][1].update(id="P0001")), 422, "perspectives[1]", id="a duplicate"),
    pytest.param(
        changed(lambda d: d["perspectives"][0].update(status="merged")),
        422,
        "perspectives[0].status",
        id="status and events",
    ),
    pytest.param(changed(lambda d: d["refs"][0].update(target="P0099")), 422, "refs[0].target", id="a ref to nothing"),
    pytest.param(changed(lambda d: d["refs"][0].update(type="resolve")), 422, "refs[0]", id="resolve of a perspective"),
    pytest.param(
        changed(lambda d: d["refs"][0].update(type="refine", target="T0001")), 422, "refs[0]", id="refine another kind"
    ),
    pytest.param(changed(lambda d: d["experts"][0].pop("role")), 422, "experts[0].role", id="an expert without a role"),
    pytest.param(changed(lambda d: d["experts"][0].update(slug="No Slug")), 422, "experts[0].slug", id="a wrong slug"),
    pytest.param(changed(lambda d: d.update(total_alignment=1e200)), 422, "total_alignment", id="a number too large"),
    pytest.param(
        changed(lambda d: d["perspectives"][2].update(content="x" * 420_000)), 413, "perspectives[2]", id="over 400 KB"
    ),
    pytest.param(changed(lambda d: d.update(question="x" * 2_200_000)), 413, "body", id="a body over the limit"),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD)
def test_a_bad_document_is_refused_by_name_and_nothing_is_stored(
    vault: Vault, body: bytes, status: int, field: str
) -> None:
    before = len(vault.items("records"))
    answer = vault.load(body, tenant="refused")
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (status, field), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"].startswith("urn:twinvault:problem:")
    assert problem["correlation_id"]
    assert len(problem["detail"]) < 300
    assert len(vault.items("records")) == before
    assert vault.export("refused", tenant="refused").status_code == 404


def test_a_body_that_no_http_api_takes_gets_its_own_answer(vault: Vault) -> None:
    answer = vault.load(b" " * (10 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json().keys() == {"message"}


def forged(claims: dict[str, Any], **options: Any) -> str:
    return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", **options)


def kid(vault: Vault) -> str:
    return str(jwt.get_unverified_header(vault.token())["kid"])


def claims(vault: Vault, **changes: Any) -> dict[str, Any]:
    known = jwt.decode(vault.token(), options={"verify_signature": False})
    return {**known, **changes}


TOKENS: list[Any] = [
    pytest.param(lambda v: "garbage", id="garbage"),
    pytest.param(lambda v: v.token(expires_in=-10), id="expired"),
    pytest.param(lambda v: forged(claims(v), headers={"kid": kid(v)}), id="forged under a known key id"),
    pytest.param(lambda v: forged(claims(v), headers={"kid": "nobody"}), id="an unknown key"),
    pytest.param(lambda v: forged(claims(v)), id="no key id"),
    pytest.param(lambda v: jwt.encode(claims(v), None, algorithm="none", headers={"kid": kid(v)}), id="alg none"),
    pytest.param(lambda v: jwt.encode(claims(v), "k" * 32, algorithm="HS256", headers={"kid": kid(v)}), id="HMAC"),
    pytest.param(lambda v: signed(v, aud="somebody-else"), id="another audience"),
    pytest.param(lambda v: signed(v, iss="https://elsewhere.example"), id="another issuer"),
    pytest.param(lambda v: signed(v, exp=int(time.time()) - 1), id="expired a second ago"),
]


def signed(vault: Vault, **changes: Any) -> str:
    """A token signed by the issuer's very key, with other claims: what a confused issuer might give."""
    (key_file,) = [path for path in vault.twin.state.issuer.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return jwt.encode(claims(vault, **changes), key, algorithm="ES256", headers={"kid": kid(vault)})


@pytest.mark.parametrize("make", TOKENS)
def test_a_bad_token_is_refused_and_nothing_is_stored(vault: Vault, make: Callable[[Vault], str]) -> None:
    before = len(vault.items("records"))
    answer = vault.load(GOOD, token=make(vault))
    assert answer.status_code == 401
    assert answer.json()["field"] == "authorization"
    assert "www-authenticate" in answer.headers
    assert len(vault.items("records")) == before


@pytest.mark.parametrize("tenant", ["Upper", "with space", "", "a#b", "x" * 64, None, 5, ["acme"]])
def test_a_tenant_outside_the_pattern_is_refused(vault: Vault, tenant: object) -> None:
    answer = vault.load(GOOD, token=signed(vault, tenant=tenant))
    assert (answer.status_code, answer.json()["field"]) == (403, "tenant")


def test_reading_does_not_allow_writing_nor_the_other_way(vault: Vault) -> None:
    reader, writer = vault.token(permissions=["dialogues:read"]), vault.token(permissions=["dialogues:write"])
    assert vault.load(GOOD, token=reader).status_code == 403
    assert vault.export("x", token=writer).status_code == 403
    assert vault.call("GET", "/dialogues", token=vault.token(permissions=[])).status_code == 403


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=nonsense", "status"),
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("limit=x", "limit"),
        ("cursor=nonsense", "cursor"),
        ("stauts=open", "query"),
    ],
)
def test_a_bad_question_is_refused_by_name(vault: Vault, query: str, field: str) -> None:
    vault.load({"id": "there", "title": "t", "status": "open"})
    answer = vault.call("GET", f"/dialogues?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_what_was_denied_is_in_the_audit_log_without_anything_secret(vault: Vault) -> None:
    vault.load(GOOD, tenant="denied", token=vault.token("denied", permissions=["dialogues:read"]))
    entries = [json.loads(item["entry"]["S"]) for item in vault.items("audit")]
    mine = [entry for entry in entries if entry["tenant"] == "denied"]
    assert [(entry["action"], entry["outcome"]) for entry in mine] == [("dialogue.import", "denied")]
