"""A store for benchmarks on the engines that all tests share."""

import pytest

from benchmarks.place import Bench, new_store


@pytest.fixture(scope="module")
def bench(dynamodb_endpoint: str, kms_endpoint: str) -> Bench:
    """Empty at first; each test uses partitions of its own, or finds what another left."""
    return new_store(dynamodb_endpoint, kms_endpoint, caller="TESTOPERATOR")
