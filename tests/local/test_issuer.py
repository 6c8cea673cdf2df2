"""The local issuer: tokens that verify against its published key, and a door that web pages cannot open."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from twinvault_local.engines import python
from twinvault_local.issuer import load_key
from twinvault_local.machine import waiting
from twinvault_local.machine.ports import LOOPBACK, free_port


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The issuer as the twin starts it, with claim names of a stage of its own."""
    port = free_port()
    command = python.issuer_command(
        port=port,
        data=tmp_path_factory.mktemp("issuer"),
        tenant_claim="org",
        permissions_claim="scopes",
        audience="small",
    )
    with subprocess.Popen(command, env={}) as process, httpx.Client(base_url=f"http://{LOOPBACK}:{port}") as client:
        assert waiting.until(
            lambda: python.answers(f"http://{LOOPBACK}:{port}/health"),
            seconds=60,
            alive=lambda: process.poll() is None,
        )
        yield client
        process.terminate()


def verify(client: httpx.Client, token: str) -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    issuer = str(client.base_url).rstrip("/")
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["ES256"], audience="small", issuer=issuer)
    return claims


def test_a_token_verifies_and_carries_the_stages_claims(client: httpx.Client) -> None:
    asked = {"tenant": "acme", "subject": "ann", "permissions": ["dialogues:read"], "expires_in": 60}
    answer = client.post("/token", json=asked).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 60)
    claims = verify(client, answer["access_token"])
    assert (claims["org"], claims["sub"], claims["scopes"]) == ("acme", "ann", ["dialogues:read"])
    assert claims["exp"] - claims["iat"] == 60


def test_an_expired_token_can_be_had(client: httpx.Client) -> None:
    token = client.post("/token", json={"tenant": "acme", "expires_in": -10}).json()["access_token"]
    with pytest.raises(jwt.ExpiredSignatureError):
        verify(client, token)


def test_discovery_names_the_keys(client: httpx.Client) -> None:
    found = client.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == str(client.base_url).rstrip("/")
    assert client.get(found["jwks_uri"]).json()["keys"][0]["kty"] == "EC"


def test_what_is_published_holds_no_private_part(client: httpx.Client) -> None:
    [key] = client.get("/.well-known/jwks.json").json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_the_key_is_kept_for_the_owner_alone(tmp_path: Path) -> None:
    first = load_key(tmp_path)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert load_key(tmp_path).private_numbers() == first.private_numbers()


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param([], "object", id="no object"),
        pytest.param({}, "tenant", id="no tenant"),
        pytest.param({"tenant": ""}, "tenant", id="an empty tenant"),
        pytest.param({"tenant": 7}, "tenant", id="a tenant that is a number"),
        pytest.param({"tenant": "a", "subject": ""}, "subject", id="an empty subject"),
        pytest.param({"tenant": "a", "permissions": "x"}, "permissions", id="permissions that are a text"),
        pytest.param({"tenant": "a", "permissions": [1]}, "permissions", id="a permission that is a number"),
        pytest.param({"tenant": "a", "expires_in": True}, "expires_in", id="an expiry that is a boolean"),
        pytest.param({"tenant": "a", "expires_in": 10**9}, "expires_in", id="an expiry in thirty years"),
        pytest.param({"tenant": "a", "admin": True}, "admin", id="an unknown field"),
    ],
)
def test_a_wrong_request_names_the_field(client: httpx.Client, body: object, names: str) -> None:
    answer = client.post("/token", json=body)
    assert answer.status_code == 400
    assert names in answer.json()["error"]


def test_a_body_that_is_not_json_is_refused(client: httpx.Client) -> None:
    answer = client.post("/token", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_web_page_may_post_unasked_gets_no_token(client: httpx.Client, kind: str) -> None:
    answer = client.post("/token", content=b'{"tenant": "acme"}', headers={"content-type": kind})
    assert answer.status_code == 415


def test_a_page_that_points_its_name_here_gets_nothing(client: httpx.Client) -> None:
    answer = client.post("/token", json={"tenant": "acme"}, headers={"host": "evil.example:8788"})
    assert answer.status_code == 400
    assert "access_token" not in answer.text


def test_behind_a_published_port_it_keeps_its_outer_name_and_answers_to_the_inner_one(tmp_path: Path) -> None:
    port = free_port()
    names = ["--url", "http://127.0.0.1:5000", "--also-known-as", "issuer"]
    command = [sys.executable, "-m", "twinvault_local.issuer", "--port", str(port), "--data", str(tmp_path), *names]
    address = f"http://{LOOPBACK}:{port}"
    with subprocess.Popen(command, env={}) as process:
        assert waiting.until(
            lambda: python.answers(f"{address}/health"), seconds=60, alive=lambda: process.poll() is None
        )
        discovery = f"{address}/.well-known/openid-configuration"
        assert httpx.get(discovery, headers={"host": "issuer:8788"}).json()["issuer"] == "http://127.0.0.1:5000"
        assert httpx.get(discovery, headers={"host": "elsewhere:8788"}).status_code == 400
        process.terminate()
