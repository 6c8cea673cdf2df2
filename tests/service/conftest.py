"""The two functions as Lambda calls them, in this process: real DynamoDB, the local KMS, an issuer of one's own."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import boto3
import pytest

from service.handlers import import_dialogue, read_dialogues
from tests.service.issuing import AUDIENCE, ISSUER, Issuer, serving
from tests.stores import make_tables
from twinvault.dynamodb.table import TableNames
from twinvault_http import wiring

PATIENCE_SECONDS = 60


@dataclass
class Context:
    """What a function reads of Lambda's context object."""

    function_name: str = "twinvault-dev-test"
    function_version: str = "7"
    aws_request_id: str = "request-1"
    milliseconds: int = 20_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: Any


def answered(ask: Callable[[], Answered]) -> Answered:
    """Asks again, as a client does, while a busy machine lets the time of a request end: that is a 503."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (answer := ask()).status == HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < until:
        pass
    return answer


@dataclass
class Service:
    """Calls the functions; `client` and `tables` show what they leave."""

    issuer: Issuer
    client: Any
    kms: Any
    root: str
    tables: TableNames
    audit: str = ""
    context: Context = field(default_factory=Context)

    def call(self, route: str, *, function: Callable[..., Any] | None = None, **request: Any) -> Answered:
        """What a function answers to the `event` of this request; which function, the method says unless told."""
        return self.send(self.event(route, **request), function=function)

    def send(self, event: Any, *, function: Callable[..., Any] | None = None) -> Answered:
        """What a function answers to any event."""
        wanted = function
        if wanted is None:
            post = isinstance(event, dict) and str(event.get("routeKey")).startswith("POST ")
            wanted = import_dialogue.handler if post else read_dialogues.handler
        answer = wanted(event, self.context)
        headers_out = {name.lower(): value for name, value in answer.get("headers", {}).items()}
        headers_out |= {n.lower(): v[0] for n, v in answer.get("multiValueHeaders", {}).items()}
        return Answered(int(answer["statusCode"]), headers_out, json.loads(answer["body"]))

    def event(  # as one writes a request
        self,
        route: str,
        *,
        id: str | None = None,  # noqa: A002  # the route's own word
        body: str | None = None,
        base64: bool = False,
        query: Mapping[str, str] | None = None,
        token: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """What API Gateway sends. `token`: a good one unless told; None for no header."""
        method, _, template = route.partition(" ")
        sent = {"content-type": "application/json", **(headers or {})}
        if token is not None:
            sent["authorization"] = f"Bearer {token or self.issuer.token()}"
        path = template.replace("{id}", id or "")
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": "",
            "headers": sent,
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default", "routeKey": route},
            "isBase64Encoded": base64,
        }
        if id is not None:
            event["pathParameters"] = {"id": id}
        if query is not None:
            event["queryStringParameters"] = dict(query)
        if body is not None:
            event["body"] = body
        return event

    def load(self, document: dict[str, Any], **more: Any) -> Answered:
        return self.call("POST /dialogues/import", body=json.dumps(document), **more)

    def stored(self, document: dict[str, Any], **more: Any) -> None:
        """Loads what a test only needs to be there."""
        answer = answered(lambda: self.load(document, **more))
        assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, answer.body

    def entries(self) -> list[dict[str, Any]]:
        """What the log says, but for the transactions of tenants' first keys."""
        pages = self.client.get_paginator("scan").paginate(TableName=self.tables.audit)
        items = sorted((item for page in pages for item in page["Items"]), key=lambda item: item["sk"]["S"])
        made = [json.loads(item["entry"]["S"]) for item in items]
        return [entry for entry in made if not any(event["op"] == "make_register" for event in entry["keys"])]


@pytest.fixture(scope="session")
def issuer() -> Iterator[tuple[Issuer, str]]:
    issuer = Issuer()
    with serving(issuer) as url:
        yield issuer, url


@pytest.fixture(scope="session")
def operator_of_kms(kms_endpoint: str, aws: dict[str, Any]) -> Iterator[Any]:
    kms = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    yield kms
    kms.close()


@pytest.fixture
def service(
    client: Any,
    operator_of_kms: Any,
    aws: dict[str, Any],
    issuer: tuple[Issuer, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Service]:
    kms = operator_of_kms
    root = kms.create_key()["KeyMetadata"]["KeyId"]
    audit = kms.create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    tables = make_tables(client)
    made = {
        "TWINVAULT_STORE": "tested",
        "TWINVAULT_ARTIFACT": "0123456789abcdef" * 4,
        "TWINVAULT_RECORDS_TABLE": tables.records,
        "TWINVAULT_KEYS_TABLE": tables.keys,
        "TWINVAULT_MARKS_TABLE": tables.marks,
        "TWINVAULT_AUDIT_TABLE": tables.audit,
        "TWINVAULT_BACKUP_TABLE": f"{tables.records}-restored",
        "TWINVAULT_ROOT_KEYS": root,
        "TWINVAULT_AUDIT_KEY": audit,
        "TWINVAULT_ISSUER": ISSUER,
        "TWINVAULT_AUDIENCE": AUDIENCE,
        "TWINVAULT_JWKS_URL": issuer[1],
        "TWINVAULT_TENANT_CLAIM": "tenant",
        "TWINVAULT_PERMISSIONS_CLAIM": "permissions",
        "TWINVAULT_KEY_TTL_SECONDS": "300",
        "TWINVAULT_KEYS_RECOVERY_DAYS": "7",
        "TWINVAULT_BACKUP_DAYS": "0",
        "TWINVAULT_ERASURE_HOLD_HOURS": "0",
        "TWINVAULT_ERASURE_FOUR_EYES": "false",
        "TWINVAULT_LOWEST_FORMAT": "1",
        "TWINVAULT_LOG_LEVEL": "DEBUG",
        "AWS_ENDPOINT_URL_DYNAMODB": client.meta.endpoint_url,
        "AWS_ENDPOINT_URL_KMS": kms.meta.endpoint_url,
        "AWS_ACCESS_KEY_ID": aws["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": aws["aws_secret_access_key"],
        "_X_AMZN_TRACE_ID": "Root=1-6b03b754-ec6376897b31c40ba356c4d8;Parent=53995c3f42cd8ad8",
    }
    for name, value in made.items():
        monkeypatch.setitem(os.environ, name, value)
    # The logger belongs to the process and keeps the standard output that it began with: each test begins with its own.
    logging.Logger.manager.loggerDict.pop("twinvault", None)
    wiring.service.cache_clear()
    issuer[0].down = False
    yield Service(issuer[0], client, kms, root, tables, audit)
    wiring.service.cache_clear()
