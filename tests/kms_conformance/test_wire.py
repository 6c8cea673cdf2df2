"""The protocol itself: AWS JSON 1.1, request ids, the errors that come before any operation.

https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

import json
import re

import pytest

from tests.kms_conformance.service import AUTHORIZATION, Service, refused

pytestmark = pytest.mark.local_only


def _code(document: dict[str, str]) -> str:
    return document["__type"].rpartition("#")[2]


def test_every_answer_has_a_request_id(service: Service, shared: str):
    answer = service.client.describe_key(KeyId=shared)
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["ResponseMetadata"]["RequestId"])
    with refused("NotFoundException") as caught:
        service.client.describe_key(KeyId="alias/none-of-this-name")
    assert re.fullmatch(r"[0-9a-f-]{36}", caught.value.response["ResponseMetadata"]["RequestId"])


def test_answers_are_json_1_1(service: Service):
    status, headers, document = service.post("ListKeys", b"{}")
    assert (status, headers["content-type"]) == (200, "application/x-amz-json-1.1")
    assert isinstance(document["Keys"], list)


@pytest.mark.parametrize("operation", ["NoSuchOperation", "", "ListKeys2", "x.ListKeys"])
def test_an_unknown_operation_is_refused(service: Service, operation: str):
    status, _, document = service.post(operation, b"{}")
    assert (status, _code(document)) == (400, "UnknownOperationException")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="not JSON"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"KeyId": 5}', id="a number for a string"),
        pytest.param(b'{"KeyId": "x", "GrantTokens": "y"}', id="a string for a list"),
        pytest.param(b'{"KeyId": {"a": "b"}}', id="an object for a string"),
    ],
)
def test_what_cannot_be_read_is_a_serialization_error(service: Service, body: bytes):
    status, _, document = service.post("DescribeKey", body)
    assert (status, _code(document)) == (400, "SerializationException")


def test_text_that_is_not_base64_is_a_serialization_error(service: Service, shared: str):
    body = json.dumps({"KeyId": shared, "Plaintext": "%%%"}).encode()
    status, _, document = service.post("Encrypt", body)
    assert (status, _code(document)) == (400, "SerializationException")


@pytest.mark.parametrize("body", [b"{}", b'{"KeyId": null}', b'{"KeyId": ""}'], ids=["absent", "null", "empty"])
def test_a_required_member_is_required(service: Service, body: bytes):
    status, _, document = service.post("DescribeKey", body)
    assert (status, _code(document)) == (400, "ValidationException")


def test_members_that_nobody_knows_are_ignored(service: Service, shared: str):
    status, _, _ = service.post("DescribeKey", json.dumps({"KeyId": shared, "Unheard": 1}).encode())
    assert status == 200


def test_a_request_needs_a_signature(service: Service):
    status, _, document = service.post("ListKeys", b"{}", authorization=None)
    assert (status, _code(document)) == (400, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Bearer abc", id="of another kind"),
        pytest.param("AWS4-HMAC-SHA256 Credential=ROOT", id="half"),
        pytest.param("AWS4-HMAC-SHA256 Credential=ROOT/20260101/x/kms/aws4_request", id="without signature"),
    ],
)
def test_a_malformed_signature_is_refused(service: Service, authorization: str):
    status, _, document = service.post("ListKeys", b"{}", authorization=authorization)
    assert (status, _code(document)) == (400, "IncompleteSignatureException")


def test_a_signature_for_another_service_is_refused(service: Service):
    status, _, document = service.post("ListKeys", b"{}", authorization=AUTHORIZATION.replace("/kms/", "/s3/"))
    assert (status, _code(document)) == (400, "InvalidSignatureException")


def test_a_refusal_never_quotes_what_is_secret(service: Service, shared: str):
    body = json.dumps({"KeyId": shared, "Plaintext": "c2VjcmV0" * 1000, "EncryptionContext": {"k": "hidden"}}).encode()
    _, _, document = service.post("Encrypt", body)
    assert "c2VjcmV0" not in json.dumps(document)
    assert "hidden" not in json.dumps(document)
