"""The engines that a migration is tested on."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.migration.scenes import Scene
from tests.stores import make_tables


@pytest.fixture
def scene(
    dynamodb_endpoint: str, kms_endpoint: str, aws: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", kms_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws["aws_access_key_id"])
    dynamodb = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **aws)
    kms = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    root_key = kms.create_key()["KeyMetadata"]["KeyId"]
    yield Scene(dynamodb, make_tables(dynamodb), root_key, tmp_path)
    while str(tmp_path) in sys.path:
        sys.path.remove(str(tmp_path))
