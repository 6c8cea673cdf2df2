"""The callers file, and who signed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from twinvault_gate.callers import DEFAULT_SECRET, KnownCaller, load_known_callers, signed_in
from twinvault_gate.errors import DynamoDbError, SetupError
from twinvault_serving.exchange import HttpRequest

ARN = "arn:aws:iam::000000000000:role/twinvault-dev-read"
KNOWN = {"READ": KnownCaller(ARN, "its own")}


OWN = "its own"


def signed(access_key_id: str = "READ", secret: str = OWN, service: str = "dynamodb") -> HttpRequest:
    sent = AWSRequest("POST", "http://127.0.0.1/", data=b"{}", headers={"X-Amz-Target": "DynamoDB_20120810.ListTables"})
    SigV4Auth(Credentials(access_key_id, secret), service, "eu-central-1").add_auth(sent)
    headers = (("host", "127.0.0.1"), *((name.lower(), value) for name, value in sent.headers.items()))
    return HttpRequest(method="POST", raw_path="/", raw_query="", headers=headers, source_ip="127.0.0.1", body=b"{}")


def test_a_caller_is_known_by_id_and_secret():
    caller = signed_in(signed(), KNOWN, now=datetime.now(UTC))
    assert (caller.arn, caller.region, caller.account, caller.is_account_root) == (
        *(ARN, "eu-central-1", "000000000000", False),
    )


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (signed("OTHER"), "UnrecognizedClientException"),
        (signed(secret="another's"), "InvalidSignatureException"),
        (signed(service="kms"), "InvalidSignatureException"),
    ],
)
def test_whoever_else_signs_is_refused(request_: HttpRequest, code: str):
    with pytest.raises(DynamoDbError) as caught:
        signed_in(request_, KNOWN, now=datetime.now(UTC))
    assert caught.value.code == code


def test_the_file_is_the_one_of_the_local_kms_and_may_name_secrets(tmp_path: Path):
    file = tmp_path / "callers.json"
    file.write_text(json.dumps({"READ": ARN, "IMPORT": {"arn": ARN, "secret": "s"}}))
    found = load_known_callers(file)
    assert (found["READ"].secret, found["IMPORT"].secret) == (DEFAULT_SECRET, "s")
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="a list"),
        pytest.param({"A": "role"}, id="no ARN"),
        pytest.param({"A": {"arn": ARN}}, id="no secret"),
        pytest.param({"A": {"arn": ARN, "secret": ""}}, id="an empty secret"),
        pytest.param({"A": {"arn": ARN, "secret": "s", "more": 1}}, id="something else"),
        pytest.param({"A": 1}, id="a number"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, document: Any):
    file = tmp_path / "callers.json"
    file.write_text(json.dumps(document))
    with pytest.raises(SetupError):
        load_known_callers(file)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(SetupError):
        load_known_callers(tmp_path / "none")
