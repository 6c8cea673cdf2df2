"""Reading calls of DynamoDB: load is waited for, and DynamoDB's errors become ours, without their text.

What is throttled is asked again until the deadline of whoever asks (`twinvault.deadlines`), and then it is a
`DependencyError`. A transaction that is under way is the caller's to look at again: `Contention`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from twinvault.causes import Cause, Trouble
from twinvault.deadlines import Pauses, calling, deadline_here, require_time
from twinvault.errors import Contention, DependencyError, Misconfigured, TooLarge
from twinvault.request_ids import note_dynamodb

_UNREADABLE = "the store cannot be read now"
CANCELLED = "TransactionCanceledException"
CONFLICT = "TransactionConflict"
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "LimitExceededException",
    }
)
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html, "Cancellation reasons"
THROTTLED_WITHIN = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded"})


def read(method: Callable[..., Any], request: Mapping[str, Any], *, sleep: Callable[[float], None]) -> Any:  # noqa: ANN401  # boto3's own request and answer shapes
    """The answer of a reading call.

    The SDK takes an answer that was cut on its way for an empty one, and an empty one would be tampering to us. Hence
    the consumed capacity: it is in every whole answer.

    Raises:
        TooLarge: items of one moment are over 4 MB.
        Contention: another transaction has hold of them.
        Misconfigured: there is no such table, or the credentials are refused.
        DependencyError: throttled until the deadline; refused; no answer.
    """
    pauses = Pauses(sleep)
    while True:
        require_time()
        try:
            with calling(deadline_here()):
                answer = method(**request, ReturnConsumedCapacity="TOTAL")
        except ClientError as error:
            note_dynamodb(error.response)
            if is_throttled(error) and pauses.wait():
                continue
            raise _translated(error, request, cause=cause_of(error, _operation(method))) from None
        except BotoCoreError as error:
            raise unavailable(_UNREADABLE, cause_of(error, _operation(method))) from None
        note_dynamodb(answer)
        if "ConsumedCapacity" not in answer:
            raise DependencyError(_UNREADABLE, cause=Cause(Trouble.SILENT, _operation(method), "cut"))
        return answer


def is_throttled(error: ClientError) -> bool:
    """Whether nothing but load was the reason: of the call itself, or of what in a transaction was not in conflict."""
    code = error.response["Error"]["Code"]
    if code != CANCELLED:
        return code in THROTTLED
    reasons = reasons_of(error) - {CONFLICT}
    return bool(reasons) and reasons <= THROTTLED_WITHIN


def reasons_of(error: ClientError) -> set[str]:
    """Why a transaction was cancelled, in DynamoDB's codes; of statements that were not to blame there is none."""
    reasons = error.response.get("CancellationReasons", [])
    return {reason.get("Code", "None") for reason in reasons} - {"None"}


def cause_of(error: ClientError | BotoCoreError, operation: str) -> Cause:
    """Why a call of this name failed, as the SDK said it."""
    return Cause.of(error, operation, throttled=isinstance(error, ClientError) and is_throttled(error))


def _operation(method: Callable[..., Any]) -> str:
    """The operation of a client's method, in AWS's own word."""
    return "".join(part.title() for part in method.__name__.split("_"))


def _translated(error: ClientError, request: Mapping[str, Any], *, cause: Cause) -> DependencyError | TooLarge:
    code, reasons = error.response["Error"]["Code"], reasons_of(error)
    invalid = code == "ValidationException" or any("Validation" in reason for reason in reasons)
    if "TransactItems" in request and invalid:
        return TooLarge("what is to be read together is over 4 MB")
    if is_throttled(error):
        return DependencyError("the store is busy", cause=cause)
    if code == CANCELLED:
        return Contention("what is to be read is being changed", retry_after=1)
    return unavailable(_UNREADABLE, cause)


def unavailable(message: str, cause: Cause | None) -> DependencyError:
    """The error of a call that failed for this cause: `Misconfigured`, with the setting, where no wait would help."""
    if cause is not None and cause.setting:
        return Misconfigured(f"{message}: {cause.setting}", cause=cause)
    return DependencyError(message, cause=cause)
