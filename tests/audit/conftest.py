"""A store of one's own for each test, over the shared DynamoDB Local."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes import FakeKms
from tests.stores import World, make_client, make_world


@pytest.fixture(scope="session")
def client(dynamodb_endpoint: str, aws: dict[str, Any]) -> Iterator[Any]:
    client = make_client(dynamodb_endpoint, aws)
    yield client
    client.close()


@pytest.fixture
def kms() -> FakeKms:
    return FakeKms()


@pytest.fixture
def world(client: Any, kms: FakeKms) -> World:
    return make_world(client, kms)
