"""Faults on order, over the admin port."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.kms.running import RunningKms


@pytest.fixture
def orders(kms: RunningKms) -> Iterator[RunningKms]:
    yield kms
    kms.admin("DELETE", "/faults")


def test_an_operation_is_refused_as_often_as_ordered(orders: RunningKms):
    kms = orders.client()
    orders.admin("POST", "/faults", {"operation": "ListKeys", "times": 2, "error": "ThrottlingException"})
    kms.list_aliases()
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            kms.list_keys()
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    kms.list_keys()


def test_a_fault_may_have_a_status(orders: RunningKms):
    orders.admin("POST", "/faults", {"operation": "*", "error": "KMSInternalException", "status": 500})
    with pytest.raises(ClientError) as caught:
        orders.client().list_keys()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


@pytest.mark.parametrize(("moment", "made"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_loses_the_request_or_its_answer(orders: RunningKms, moment: str, made: int):
    kms = orders.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    orders.admin("POST", "/faults", {"operation": "TagResource", "drop": moment})
    with pytest.raises(ConnectionClosedError):
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert len(kms.list_resource_tags(KeyId=key)["Tags"]) == made


def test_a_delayed_operation_still_answers(orders: RunningKms):
    orders.admin("POST", "/faults", {"operation": "ListKeys", "delay_seconds": 0.05})
    assert "Keys" in orders.client().list_keys()


def test_orders_can_be_looked_at_and_taken_back(orders: RunningKms):
    orders.admin("POST", "/faults", {"operation": "ListKeys", "times": 3, "error": "X"})
    (fault,) = orders.admin("GET", "/faults")["faults"]
    assert (fault["operation"], fault["times"], fault["error"]) == ("ListKeys", 3, "X")
    assert orders.admin("DELETE", "/faults") == {"faults": []}
    orders.client().list_keys()


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"times": 0}, id="no times"),
        pytest.param({"drop": "sometimes"}, id="no such moment"),
        pytest.param({"delay_seconds": -1}, id="negative delay"),
        pytest.param({"nothing": 1}, id="unknown field"),
        pytest.param([], id="not an object"),
    ],
)
def test_an_order_that_says_nothing_is_refused(orders: RunningKms, order: Any):
    answer = httpx.post(f"http://127.0.0.1:{orders.admin_port}/faults", json=order)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_a_page_in_a_browser_cannot_order_faults(orders: RunningKms):
    answer = httpx.post(f"http://127.0.0.1:{orders.admin_port}/faults", content='{"operation": "*"}')
    assert answer.status_code == 400


def test_the_api_has_no_switches_and_the_admin_port_no_keys(orders: RunningKms):
    assert httpx.get(f"{orders.url}/clock").status_code == 404
    assert httpx.post(f"http://127.0.0.1:{orders.admin_port}/", json={}).status_code == 404
