"""The KMS under test, whichever it is: a client, and what the checks keep asking of it."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from mypy_boto3_kms.client import KMSClient

from tests.kms.running import client

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=ROOT/20260101/{region}/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature="
    + "0" * 64
)


@dataclass(slots=True)
class Service:
    """One KMS. `made` collects the keys, so that they can be scheduled for deletion where that matters."""

    name: str
    client: KMSClient = field(repr=False)
    region: str
    made: list[str] = field(default_factory=list)

    def key(self, **parameters: Any) -> str:
        """Create a key and return its ARN."""
        arn = self.client.create_key(**parameters)["KeyMetadata"]["Arn"]
        self.made.append(arn)
        return arn

    def elsewhere(self, region: str) -> KMSClient:
        """Return a client of another Region of the same service."""
        if self.name == "aws":
            return boto3.client("kms", region_name=region)
        return client(self.client.meta.endpoint_url, region=region)

    def describe(self, key_id: str) -> dict[str, Any]:
        return dict(self.client.describe_key(KeyId=key_id)["KeyMetadata"])

    def state(self, key_id: str) -> str:
        return str(self.describe(key_id)["KeyState"])

    def post(self, operation: str, body: bytes, *, authorization: str | None = AUTHORIZATION) -> tuple[int, Any, Any]:
        """Send a request by hand: status, headers, document."""
        url = urlsplit(self.client.meta.endpoint_url)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=20)
        headers = {"x-amz-target": f"TrentService.{operation}", "content-type": "application/x-amz-json-1.1"}
        if authorization is not None:
            headers["authorization"] = authorization.format(region=self.region)
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            content = response.read()
            return response.status, response.headers, json.loads(content) if content else {}
        finally:
            connection.close()


def bare(arn: str) -> str:
    """Return the key id in a key's ARN: moto's management operations know no other name."""
    return arn.rpartition("/")[2]


@contextmanager
def refused(*codes: str) -> Iterator[pytest.ExceptionInfo[ClientError]]:
    """The block must end in one of these errors of the API."""
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["Error"]["Code"] in codes
