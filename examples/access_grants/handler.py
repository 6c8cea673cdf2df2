"""A Lambda handler of its own for access grants: no framework, tokens verified by API Gateway's JWT authorizer.

`handler` is what Lambda calls. It needs RECORDS_TABLE, KEYS_TABLE, MARKS_TABLE, AUDIT_TABLE and ROOT_KEY; all else is
the SDK's.
"""

import functools
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import boto3

from access_grants.grants import Grants
from twinvault import (
    CallerError,
    Conflict,
    DependencyError,
    InvalidInput,
    NotFound,
    TableNames,
    TwinvaultError,
    Vault,
    now,
    open_vault,
)

type Event = Mapping[str, Any]

ROUTES: dict[str, tuple[str, Callable[[Grants, Event], Any]]] = {
    "POST /grants": ("grant.request", lambda grants, event: grants.request(**_body(event, "request"))),
    "POST /grants/{incident}/decisions": (
        "grant.decide",
        lambda grants, event: grants.decide(_incident(event), decided_by=_subject(event), **_body(event, "decide")),
    ),
    "GET /grants/{incident}": ("grant.read", lambda grants, event: grants.read(_incident(event))),
    "GET /grants": (
        "grant.list",
        lambda grants, event: grants.listed((event.get("queryStringParameters") or {}).get("state", "requested")),
    ),
}
FIELDS = {"request": {"incident", "system", "person", "reason"}, "decide": {"outcome", "note"}}
# From the special to the general. Tampering says nothing but that it is; the audit log has the rest.
STATUS = ((NotFound, 404), (Conflict, 409), (CallerError, 400), (DependencyError, 503), (TwinvaultError, 500))


def handler(event: Event, _context: object) -> dict[str, Any]:
    """Answers one event of payload format 2.0."""
    return answer(_vault(), event)


def answer(vault: Vault, event: Event) -> dict[str, Any]:
    """Answers one event with this vault."""
    action, run = ROUTES[event["routeKey"]]
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    try:
        with vault.acting(tenant=claims["tenant"], principal=claims["sub"], action=action) as acting:
            document = run(Grants(acting, now), event)
    except TwinvaultError as error:
        status = next(status for kind, status in STATUS if isinstance(error, kind))
        return _answer(status, {"problem": str(error)})
    return _answer(200, document)


@functools.cache
def _vault() -> Vault:
    tables = TableNames(
        records=os.environ["RECORDS_TABLE"],
        keys=os.environ["KEYS_TABLE"],
        marks=os.environ["MARKS_TABLE"],
        audit=os.environ["AUDIT_TABLE"],
    )
    dynamodb, kms = boto3.client("dynamodb"), boto3.client("kms")
    return open_vault(
        store="access-grants", dynamodb=dynamodb, kms=kms, tables=tables, root_keys=[os.environ["ROOT_KEY"]]
    )


def _incident(event: Event) -> str:
    return str(event["pathParameters"]["incident"])  # an HTTP API has decoded it


def _subject(event: Event) -> str:
    return str(event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"])


def _body(event: Event, of: str) -> dict[str, str]:
    try:
        body = json.loads(event.get("body") or "")
    except ValueError:
        raise InvalidInput("body: is not JSON", field="body") from None
    if not isinstance(body, dict) or body.keys() != FIELDS[of] or not all(isinstance(v, str) for v in body.values()):
        raise InvalidInput(f"body: must hold {', '.join(sorted(FIELDS[of]))}, each a text", field="body")
    return body


def _answer(status: int, document: object) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(document)}
