"""`docker compose up` alone, from nothing: engines that work, for this machine only, and keep what they were given."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest
from containers import docker, left_behind, published
from vaults import ROOT

from twinvault_local.machine.ports import free_port
from twinvault_local.provision import aws
from twinvault_local.provision.callers import AccessKey

ITEM = {"pk": {"S": "a"}, "sk": {"S": "b"}, "content": {"B": b"sealed"}}
KEY = {"pk": ITEM["pk"], "sk": ITEM["sk"]}


@pytest.fixture
def compose() -> Iterator[Callable[..., str]]:
    """`docker compose` on the repository's file alone, under a project, a network and ports of its own."""
    project = f"twinvault-test-{secrets.token_hex(4)}"
    variables = {
        "TWINVAULT_IMAGE": "twinvault-local:test",
        "TWINVAULT_NETWORK": project,
        "TWINVAULT_DYNAMODB_PORT": str(free_port()),
        "TWINVAULT_DYNAMODB_ENGINE_PORT": str(free_port()),
        "TWINVAULT_GATE_ADMIN_PORT": str(free_port()),
        "TWINVAULT_KMS_PORT": str(free_port()),
        "TWINVAULT_ISSUER_PORT": str(free_port()),
    }

    def run(*arguments: str) -> str:
        return docker("compose", "--project-name", project, *arguments, cwd=ROOT, env={**os.environ, **variables})

    run.project, run.ports = (
        project,
        {name: variables[f"TWINVAULT_{name}_PORT"] for name in ("DYNAMODB", "KMS", "ISSUER")},
    )
    yield run
    run("down", "--volumes")
    assert not left_behind(project)


def clients(compose: Any) -> tuple[Any, Any]:
    who = {"region": "eu-central-1", "caller": AccessKey("ANYBODY", "any")}
    address = "http://127.0.0.1:{}"
    return (
        aws.dynamodb_client(address.format(compose.ports["DYNAMODB"]), **who),
        aws.kms_client(address.format(compose.ports["KMS"]), **who),
    )


def test_the_engines_come_up_from_nothing_and_keep_data_and_keys(compose: Any) -> None:
    compose("up", "--build", "--wait")
    healths = [json.loads(line) for line in compose("ps", "--format", "json").splitlines()]
    services = ("dynamodb", "gate", "kms", "issuer")
    assert {one["Service"]: one["Health"] for one in healths} == dict.fromkeys(services, "healthy")
    assert set(published(compose.project).values()) == {"127.0.0.1"}

    dynamodb, kms = clients(compose)
    dynamodb.create_table(
        TableName="records",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )
    dynamodb.put_item(TableName="records", Item=ITEM)
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key_id, Plaintext=b"plain")["CiphertextBlob"]
    issuer = f"http://127.0.0.1:{compose.ports['ISSUER']}"
    jwks = httpx.get(f"{issuer}/.well-known/jwks.json").json()
    token = httpx.post(f"{issuer}/token", json={"tenant": "acme"}).json()["access_token"]
    claims = jwt.decode(token, jwt.PyJWKSet.from_dict(jwks).keys[0], algorithms=["ES256"], audience="twinvault")
    assert claims["iss"] == issuer

    compose("down")
    compose("up", "--wait")
    dynamodb, kms = clients(compose)
    assert dynamodb.get_item(TableName="records", Key=KEY)["Item"] == ITEM
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"plain"
    assert httpx.get(f"{issuer}/.well-known/jwks.json").json() == jwks


def test_within_the_network_the_engines_are_called_by_their_names(compose: Any) -> None:
    compose("up", "--build", "--wait")
    ask = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).status)"
    for address in ("http://kms:8789/health", "http://issuer:8788/.well-known/jwks.json"):
        assert compose("exec", "-T", "kms", "python", "-c", ask, address) == "200"


def test_our_own_containers_run_with_few_rights(compose: Any) -> None:
    compose("up", "--build", "--wait")
    for name in ("kms", "issuer"):
        assert compose("exec", "-T", name, "id", "--user", "--name") == "twinvault"
        (inspected,) = json.loads(docker("inspect", f"{compose.project}-{name}-1"))
        assert inspected["HostConfig"]["ReadonlyRootfs"] is True
        assert inspected["HostConfig"]["CapDrop"] == ["ALL"]
