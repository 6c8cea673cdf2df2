"""Signature Version 4: AWS's published examples, what AWS's own signer makes, and every way in which one does not hold.

The examples are those of the Signature Version 4 test suite, all for one made-up key and one moment.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from twinvault_serving.exchange import HttpRequest
from twinvault_serving.signature import SKEW, UnsignedError, parse_authorization, verify

ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
DATED = ("x-amz-date", "20150830T123600Z")
HOST = ("host", "example.amazonaws.com")


def request(signature: str, *headers: tuple[str, str], method: str = "GET", query: str = "", body: bytes = b""):
    names = ";".join(sorted({name for name, _ in headers}))
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={ID}/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return HttpRequest(
        method=method,
        raw_path="/",
        raw_query=query,
        headers=(*headers, ("authorization", authorization)),
        source_ip="127.0.0.1",
        body=body,
    )


def check(signed: HttpRequest, *, secret: str = SECRET, now: datetime = NOW, service: str = "service") -> None:
    verify(signed, parse_authorization(signed), service=service, secret=secret, now=now)


FORM = ("content-type", "application/x-www-form-urlencoded")
VANILLA = request("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", HOST, DATED)
POST = request("5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", HOST, DATED, method="POST")


@pytest.mark.parametrize(
    "signed",
    [
        pytest.param(VANILLA, id="get-vanilla"),
        pytest.param(POST, id="post-vanilla"),
        pytest.param(
            request(
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
                HOST,
                DATED,
                query="Param2=value2&Param1=value1",
            ),
            id="get-vanilla-query-order-key-case",
        ),
        pytest.param(
            request(
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
                HOST,
                ("my-header1", " value1"),
                ("my-header2", ' "a   b   c"'),
                DATED,
            ),
            id="get-header-value-trim",
        ),
        pytest.param(
            request(
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
                HOST,
                *(("my-header1", f"value{n}") for n in (2, 2, 1)),
                DATED,
            ),
            id="get-header-key-duplicate",
        ),
        pytest.param(
            request(
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
                FORM,
                HOST,
                DATED,
                method="POST",
                body=b"Param1=value1",
            ),
            id="post-x-www-form-urlencoded",
        ),
    ],
)
def test_a_published_signature_holds_and_no_other_secret_makes_it(signed: HttpRequest):
    check(signed)
    with pytest.raises(UnsignedError) as caught:
        check(signed, secret=SECRET + "x")
    assert caught.value.code == "InvalidSignatureException"


@given(body=st.binary(max_size=100), secret=st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1))
def test_what_awss_own_signer_signs_holds(body: bytes, secret: str):
    sent = AWSRequest("POST", "http://127.0.0.1:8000/", data=body, headers={"X-Amz-Target": "A.B", "X-Thing": "a  b "})
    SigV4Auth(Credentials(ID, secret, "token"), "dynamodb", "eu-central-1").add_auth(sent)
    headers = tuple((name.lower(), value) for name, value in sent.headers.items())
    received = replace(POST, headers=(("host", "127.0.0.1:8000"), *headers), body=body)
    check(received, secret=secret, service="dynamodb", now=datetime.now(UTC))
    with pytest.raises(UnsignedError):
        check(replace(received, body=body + b"x"), secret=secret, service="dynamodb", now=datetime.now(UTC))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(VANILLA, method="POST"), id="another method"),
        pytest.param(replace(VANILLA, raw_path="/x"), id="another path"),
        pytest.param(replace(VANILLA, raw_query="a=b"), id="another query"),
        pytest.param(replace(VANILLA, body=b"x"), id="another body"),
        pytest.param(replace(VANILLA, headers=(("host", "x"), *VANILLA.headers[1:])), id="another host"),
        pytest.param(replace(VANILLA, headers=(*VANILLA.headers, ("x-amz-target", "A.B"))), id="a target beside it"),
        pytest.param(request("0" * 64, DATED), id="the host unsigned"),
    ],
)
def test_whatever_changes_a_request_breaks_its_signature(changed: HttpRequest):
    with pytest.raises(UnsignedError) as caught:
        check(changed)
    assert caught.value.code == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (
            NOW + SKEW + timedelta(seconds=1),
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z ",
        ),
        (NOW - SKEW - timedelta(seconds=1), "Signature not yet current: 20150830T123600Z is still later than "),
    ],
)
def test_a_signature_holds_for_some_minutes(now: datetime, message: str):
    check(VANILLA, now=NOW + SKEW)
    check(VANILLA, now=NOW - SKEW)
    with pytest.raises(UnsignedError) as caught:
        check(VANILLA, now=now)
    assert caught.value.code == "InvalidSignatureException"
    assert caught.value.message.startswith(message)


def test_a_signature_is_for_one_service_and_day():
    for changed in (("service", "other"), ("20150830/", "20150829/")):
        authorization = VANILLA.headers[-1][1].replace(*changed)
        with pytest.raises(UnsignedError) as caught:
            check(replace(VANILLA, headers=(HOST, DATED, ("authorization", authorization))))
        assert caught.value.code == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param((HOST, DATED), "MissingAuthenticationTokenException", id="none"),
        pytest.param((HOST, DATED, ("authorization", "Bearer x")), "IncompleteSignatureException", id="another kind"),
        pytest.param((HOST, VANILLA.headers[-1]), "IncompleteSignatureException", id="no date"),
        pytest.param(
            (HOST, ("x-amz-date", "now"), VANILLA.headers[-1]), "IncompleteSignatureException", id="no such date"
        ),
    ],
)
def test_what_is_no_signature_is_refused(headers: tuple[tuple[str, str], ...], code: str):
    with pytest.raises(UnsignedError) as caught:
        check(replace(VANILLA, headers=headers))
    assert caught.value.code == code


def test_a_refusal_shows_no_signature_that_would_hold():
    with pytest.raises(UnsignedError) as caught:
        check(request("0" * 64, HOST, DATED))
    assert "5fa00fa31553" not in caught.value.message
    assert "5fa00fa31553" not in repr(parse_authorization(VANILLA))


@pytest.mark.parametrize("access_key_id", ["AKIA_1", "a", "made_up_9", "A" * 128])
def test_an_access_key_id_is_what_iam_allows(access_key_id: str):
    changed = VANILLA.headers[-1][1].replace("AKIDEXAMPLE", access_key_id)
    signed = replace(VANILLA, headers=(*VANILLA.headers[:-1], ("authorization", changed)))
    assert parse_authorization(signed).access_key_id == access_key_id


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("AKIDEXAMPLE", "with-hyphens", "The access key id", id="an id that is none"),
        pytest.param("AKIDEXAMPLE", "", "The access key id", id="no id"),
        pytest.param("AKIDEXAMPLE", "é", "The access key id", id="an id of other letters"),
        pytest.param("aws4_request", "aws4", "'Credential' is KEYID/", id="a scope that is none"),
        pytest.param("SignedHeaders=", "Headers=", "requires 'SignedHeaders' parameter.", id="a parameter is missing"),
        pytest.param("Signature=", "Signature=X", "'Signature' is 64", id="a signature that is none"),
        pytest.param("AWS4-HMAC-SHA256 ", "AWS ", "is not that of Signature Version 4", id="another algorithm"),
    ],
)
def test_a_header_that_is_none_is_refused_in_a_sentence_about_what_is_wrong(old: str, new: str, said: str):
    changed = VANILLA.headers[-1][1].replace(old, new)
    with pytest.raises(UnsignedError) as caught:
        parse_authorization(replace(VANILLA, headers=(*VANILLA.headers[:-1], ("authorization", changed))))
    assert caught.value.code == "IncompleteSignatureException"
    assert said in caught.value.message
