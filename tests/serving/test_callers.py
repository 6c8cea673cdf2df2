"""The callers file, and who signed."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from twinvault_serving.callers import (
    DEFAULT_SECRET,
    Callers,
    CallersFileError,
    KnownCaller,
    load_callers,
)
from twinvault_serving.exchange import HttpRequest
from twinvault_serving.session import made_up_userid
from twinvault_serving.signature import UnsignedError

ARN = "arn:aws:iam::000000000000:role/twinvault-dev-read"
KNOWN = Callers({"READ": KnownCaller(ARN, "its own", "read")})


OWN = "its own"
NAMED = {"arn": "arn:aws:iam::000000000000:root", "secret": "s", "name": "operator"}


def signed(access_key_id: str = "READ", secret: str = OWN, service: str = "dynamodb") -> HttpRequest:
    sent = AWSRequest("POST", "http://127.0.0.1/", data=b"{}", headers={"X-Amz-Target": "DynamoDB_20120810.ListTables"})
    SigV4Auth(Credentials(access_key_id, secret), service, "eu-central-1").add_auth(sent)
    headers = (("host", "127.0.0.1"), *((name.lower(), value) for name, value in sent.headers.items()))
    return HttpRequest(method="POST", raw_path="/", raw_query="", headers=headers, source_ip="127.0.0.1", body=b"{}")


def test_a_caller_is_known_by_id_and_secret():
    caller = KNOWN.signed_in(signed(), service="dynamodb", now=datetime.now(UTC))
    assert (caller.arn, caller.name, caller.region, caller.account, caller.is_account_root) == (
        *(ARN, "read", "eu-central-1", "000000000000", False),
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
    with pytest.raises(UnsignedError) as caught:
        KNOWN.signed_in(request_, service="dynamodb", now=datetime.now(UTC))
    assert caught.value.code == code


def test_a_caller_is_an_arn_alone_or_has_a_secret_and_a_name(tmp_path: Path):
    file = tmp_path / "callers.json"
    file.write_text(json.dumps({"READ": ARN, "IMPORT": {"arn": ARN, "secret": "s"}, "ROOT": NAMED}))
    found = load_callers(file).known
    assert found is not None
    assert (found["READ"].secret, found["IMPORT"].secret) == (DEFAULT_SECRET, "s")
    assert [each.name for each in found.values()] == ["twinvault-dev-read", "twinvault-dev-read", "operator"]
    assert "secret" not in repr(found)


def test_a_session_says_what_the_file_says_of_it(tmp_path: Path):
    session = {"tags": {"Team": "red", "team": "blue"}, "org_id": "o-x", "org_paths": ["o-x/r-y/"], "mfa": True}
    file = tmp_path / "callers.json"
    file.write_text(json.dumps({"READ": {"arn": ARN, "secret": OWN, "userid": "AROA:me", **session}}))
    facts = load_callers(file).signed_in(signed(), service="dynamodb", now=datetime.now(UTC)).facts
    # Two tags that differ by case are one condition key, of both values.
    assert facts["aws:principaltag/team"] == ("red", "blue")
    assert (facts["aws:principalorgid"], facts["aws:principalorgpaths"]) == (("o-x",), ("o-x/r-y/",))
    assert (facts["aws:userid"], facts["aws:multifactorauthpresent"]) == (("AROA:me",), ("true",))
    assert facts["aws:sourceip"] == ("127.0.0.1",)
    assert "aws:referer" not in facts


@pytest.mark.parametrize(
    ("arn", "form"),
    [
        pytest.param("arn:aws:iam::111122223333:root", r"111122223333", id="an account"),
        pytest.param("arn:aws:iam::111122223333:user/path/ann", r"AIDA[A-Z2-7]{17}", id="a user"),
        pytest.param("arn:aws:iam::111122223333:role/path/writer", r"AROA[A-Z2-7]{17}:run", id="a role"),
        pytest.param("arn:aws:sts::111122223333:assumed-role/writer/s-1", r"AROA[A-Z2-7]{17}:s-1", id="a session"),
        pytest.param("arn:aws:sts::111122223333:federated-user/ann", r"111122223333:ann", id="a federated user"),
    ],
)
def test_a_userid_has_aws_own_form(arn: str, form: str):
    assert re.fullmatch(form, made_up_userid(arn, "run"))
    assert made_up_userid(arn, "run") == made_up_userid(arn, "run")


def test_a_role_has_one_id_in_all_its_sessions():
    role, session = "arn:aws:iam::111122223333:role/writer", "arn:aws:sts::111122223333:assumed-role/writer/run"
    assert made_up_userid(role, "run") == made_up_userid(session, "whatever")


def test_without_a_list_everyone_is_the_accounts_root():
    caller = Callers(None, account="111122223333").signed_in(
        signed("ANYBODY", secret="another's"), service="dynamodb", now=datetime.now(UTC)
    )
    assert (caller.access_key_id, caller.arn, caller.region) == (
        *("ANYBODY", "arn:aws:iam::111122223333:root", "eu-central-1"),
    )
    with pytest.raises(UnsignedError):
        Callers(None).signed_in(signed(), service="kms", now=datetime.now(UTC))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="a list"),
        pytest.param({"A": "role"}, id="no ARN"),
        pytest.param({"A": {"arn": ARN}}, id="no secret"),
        pytest.param({"A": {"arn": ARN, "secret": ""}}, id="an empty secret"),
        pytest.param({"A": {"arn": ARN, "secret": "s", "more": 1}}, id="something else"),
        pytest.param({"A": {"arn": ARN, "secret": "s", "name": ""}}, id="an empty name"),
        pytest.param({"A": 1}, id="a number"),
        pytest.param({"A": {"arn": ARN, "secret": "s", "tags": {"a": 1}}}, id="a tag that is no text"),
        pytest.param({"A": {"arn": ARN, "secret": "s", "tags": ["a"]}}, id="tags in a list"),
        pytest.param({"A": {"arn": ARN, "secret": "s", "org_id": ""}}, id="an empty organization"),
        pytest.param({"A": {"arn": ARN, "secret": "s", "org_paths": "o-x/"}}, id="one path of an organization"),
        pytest.param({"A": {"arn": ARN, "secret": "s", "mfa": "true"}}, id="a flag in quotes"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, document: Any):
    file = tmp_path / "callers.json"
    file.write_text(json.dumps(document))
    with pytest.raises(CallersFileError):
        load_callers(file)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(CallersFileError):
        load_callers(tmp_path / "none")
