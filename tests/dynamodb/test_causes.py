"""Why AWS refused: denial, the table's key, a missing table, load and silence are told apart, for logs and metrics."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.faults import Fault, Line
from tests.records.samples import LEDGER, SCOPE
from tests.stores import World
from twinvault.causes import Cause, Trouble
from twinvault.dynamodb.calls import cause_of
from twinvault.dynamodb.table import Table
from twinvault.errors import DependencyError, Misconfigured

OF_THE_KEY = "KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException: User: x is not authorized"


def refused(code: str, message: str = "") -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"RequestId": "r-1"}}
    return ClientError(response, "Query")


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (refused("AccessDeniedException", "User: x is not authorized to perform: dynamodb:Query"), Trouble.DENIED),
        (refused("AccessDeniedException", OF_THE_KEY), Trouble.TABLE_KEY),
        (refused("InaccessibleEncryptionCredentialsException"), Trouble.TABLE_KEY),
        (refused("ResourceNotFoundException"), Trouble.MISSING),
        (refused("RequestLimitExceeded"), Trouble.THROTTLED),
        (refused("InternalServerError"), Trouble.OTHER),
    ],
)
def test_each_reason_is_told_apart(error: ClientError, trouble: Trouble) -> None:
    assert cause_of(error, "Query") == Cause(trouble, "Query", error.response["Error"]["Code"], "r-1")


def test_where_no_answer_came_the_sdks_own_error_is_the_code() -> None:
    error = ReadTimeoutError(endpoint_url="http://nowhere")
    assert cause_of(error, "Query") == Cause(Trouble.SILENT, "Query", "ReadTimeoutError")


def test_of_what_aws_says_nothing_but_code_and_request_id_is_kept() -> None:
    shown = cause_of(refused("AccessDeniedException", OF_THE_KEY), "Query").shown()
    assert set(shown) == {"trouble", "operation", "code", "request_id"}
    assert "User" not in "".join(shown.values())


def test_a_table_that_is_not_there_is_missing(world: World) -> None:
    with pytest.raises(Misconfigured, match=r"^the store cannot be read now: there is no such table ") as caught:
        Table(world.client, "no-such-table", sleep=lambda _seconds: None).query("p")
    cause = caught.value.cause
    assert cause is not None
    assert (cause.trouble, cause.operation, cause.code) == (Trouble.MISSING, "Query", "ResourceNotFoundException")
    assert cause.request_id


@pytest.mark.parametrize(
    ("fault", "metric"), [(Fault.LOSE_ANSWER, "StoreErrorsSilent"), (Fault.ERROR_BEFORE, "StoreErrorsOther")]
)
def test_what_ends_an_activity_is_counted_by_its_reason(faulty: World, line: Line, fault: Fault, metric: str) -> None:
    counted: dict[str, int] = {}
    activity = faulty.activity(count=lambda name, value: counted.update({name: counted.get(name, 0) + value}))
    line.next(fault, operation="Query")
    with pytest.raises(DependencyError), faulty.audit.recording(activity):
        faulty.partition(SCOPE, LEDGER, activity).read()
    assert counted == {"StoreErrors": 1, metric: 1}


def test_an_entry_that_the_store_does_not_take_says_why(faulty: World, line: Line) -> None:
    counted: dict[str, int] = {}
    activity = faulty.activity(seconds=0.3, count=lambda name, value: counted.update({name: value}))
    line.next(*[Fault.THROTTLE] * 60)
    with pytest.raises(DependencyError) as caught, faulty.audit.recording(activity):
        faulty.audit.release(activity)
    assert caught.value.cause is not None
    assert caught.value.cause.trouble is Trouble.THROTTLED
    assert counted == {"AuditAppendFailed": 1, "StoreErrors": 1, "StoreErrorsThrottled": 1}
