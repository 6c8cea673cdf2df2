"""A store at the end of a line on which requests and answers are lost."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.faults import Line, line_to
from tests.stores import World, make_world


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
