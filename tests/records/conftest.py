"""A store of one's own for each test, over the shared DynamoDB Local."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.fakes import FakeKms
from tests.faults import Line, line_to
from tests.stores import World, make_client, make_world


@pytest.fixture(scope="session")
def client(dynamodb_endpoint: str, aws: dict[str, Any]) -> Iterator[Any]:
    client = make_client(dynamodb_endpoint, aws)
    yield client
    client.close()


@pytest.fixture
def world(client: Any) -> World:
    return make_world(client, FakeKms())


@pytest.fixture
def line(dynamodb_endpoint: str) -> Iterator[Line]:
    """A line to the engine on which requests and answers can be lost."""
    with line_to(dynamodb_endpoint) as line:
        yield line


@pytest.fixture
def faulty(line: Line, world: World, aws: dict[str, Any]) -> Iterator[World]:
    """The world's tables and KMS as an environment at the end of that line sees them."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
    client = boto3.client("dynamodb", endpoint_url=line.endpoint, config=config, **aws)
    yield make_world(client, world.kms, world.tables)
    client.close()
