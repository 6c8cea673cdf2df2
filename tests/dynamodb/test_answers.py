"""What the items of a Query's answer become is what the SDK's own parser makes of them, for any answer."""

import base64
import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from twinvault.dynamodb.answers import decode_items_at_once

TEXT = st.text(max_size=12)
BINARY = st.binary(max_size=12).map(lambda data: base64.b64encode(data).decode())
NUMBER = st.integers().map(str)
SCALARS = st.one_of(
    st.fixed_dictionaries({"S": TEXT}),
    st.fixed_dictionaries({"N": NUMBER}),
    st.fixed_dictionaries({"B": BINARY}),
    st.fixed_dictionaries({"BOOL": st.booleans()}),
    st.just({"NULL": True}),
    st.fixed_dictionaries({"SS": st.lists(TEXT, max_size=3)}),
    st.fixed_dictionaries({"NS": st.lists(NUMBER, max_size=3)}),
    st.fixed_dictionaries({"BS": st.lists(BINARY, max_size=3)}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"M": st.dictionaries(TEXT, inner, max_size=3)}),
    ),
    max_leaves=6,
)
ITEMS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=4)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "Items": ITEMS,
        "LastEvaluatedKey": st.fixed_dictionaries({"pk": st.fixed_dictionaries({"S": TEXT})}),
        "Count": st.integers(0, 9),
        "ScannedCount": st.integers(0, 9),
        "ConsumedCapacity": st.just({"TableName": "records", "CapacityUnits": 1.5}),
        "Unheard": st.just({"of": 1}),
    },
)


class _Raw:
    """The stream of an answer."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: object) -> Any:
        yield self.body


class _Client:
    """An SDK's client whose requests are all answered with the same."""

    def __init__(self) -> None:
        session = boto3.Session("made", "up", region_name="eu-central-1")
        self.sdk = session.client("dynamodb", endpoint_url="http://127.0.0.1:1")
        self.sdk.meta.events.register("before-send.dynamodb.*", self._answer)
        self.status, self.body = 200, b""

    def _answer(self, request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, self.status, {}, _Raw(self.body))

    def query(self, body: bytes, status: int = 200) -> object:
        self.status, self.body = status, body
        try:
            answer: dict[str, Any] = self.sdk.query(TableName="records", KeyConditionExpression="pk = pk")
        except ClientError as error:
            return error.response["Error"]
        except Exception as error:  # noqa: BLE001  # whatever it is, the two must raise the same
            return type(error)
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


PLAIN, AT_ONCE = _Client(), _Client()
decode_items_at_once(AT_ONCE.sdk)
decode_items_at_once(AT_ONCE.sdk)


@given(ANSWERS)
def test_any_answer_is_what_the_sdk_makes_of_it(answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    assert AT_ONCE.query(body) == PLAIN.query(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"Items": null}',
        b'{"Items": [{"pk": {"S": 5}}]}',
        b'{"Items": [{"pk": {"X": "?"}}]}',
        b'{"Items": [{"pk": {"B": "AA=="}}], "Count": "?"}',
        json.dumps({"Items": [{"deep": json.loads('{"L": [' * 32 + "]}" * 32)}]}).encode(),
    ],
    ids=lambda body: body[:40].decode(),
)
def test_an_answer_of_another_form_is_the_sdks(body: bytes) -> None:
    assert AT_ONCE.query(body) == PLAIN.query(body)


def test_an_error_is_the_sdks() -> None:
    body = b'{"__type": "com.amazonaws.dynamodb.v20120810#ValidationException", "message": "no", "Items": []}'
    assert AT_ONCE.query(body, 400) == PLAIN.query(body, 400) == {"Code": "ValidationException", "Message": "no"}


def test_the_items_are_not_left_to_the_sdk() -> None:
    """The reason for it all: the SDK's parser finds none, and they are there."""
    left = list[bytes]()
    client = _Client()
    decode_items_at_once(client.sdk)
    client.sdk.meta.events.register_last(
        "before-parse.dynamodb.Query", lambda response_dict, **_: left.append(response_dict["body"])
    )
    assert client.query(b'{"Items": [{"pk": {"B": "AAE="}}], "Count": 1}') == {
        "Items": [{"pk": {"B": b"\x00\x01"}}],
        "Count": 1,
    }
    assert left == [b'{"Count":1}']
