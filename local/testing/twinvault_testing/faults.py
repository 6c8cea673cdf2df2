"""Faults by name: what AWS does to a caller on a bad day, ordered of the gate and the local KMS while a block runs.

    with faults.throttled("PartiQLInsert"):
        ...

An operation is named as the API names it (`Query`, `ExecuteTransaction`, `Decrypt`), a statement of PartiQL as IAM does
(`PartiQLInsert`); `dynamodb:*` and `kms:*` are all of a service's. A fault lasts as long as its block, or for `times`
requests. One that nothing met fails the test: what it was to show was not shown.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

_DYNAMODB, _KMS, _ANY = "dynamodb", "kms", "*"
_STATEMENTS = frozenset({"PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"})
_WITHOUT_END = 1_000_000
_LEAST_DAYS = 7  # that KMS lets a key wait for its deletion
_UNAVAILABLE = {_DYNAMODB: ("ServiceUnavailable", 503), _KMS: ("DependencyTimeoutException", 503)}
_FAILED = {_DYNAMODB: ("InternalServerError", 500), _KMS: ("KMSInternalException", 500)}


class FaultNeverMetError(AssertionError):
    """A fault was ordered, and nothing was asked that could have met it."""


class FaultsByName:
    """The faults of one store, or of one twin.

    Args:
        gate: the gate's admin port.
        kms_admin: the KMS's; None: it takes no orders, and only its keys can fail.
        dynamodb: a client of the tables.
        kms: a client of the keys, for the account's root.
        records: the records table, whose indexes may lag behind.
        root_key: the key that is disabled or deleted where no other is named.
    """

    def __init__(
        self,
        *,
        gate: str,
        kms_admin: str | None,
        dynamodb: "DynamoDBClient",
        kms: "KMSClient",
        records: str,
        root_key: str,
    ) -> None:
        self._admin = httpx.Client(trust_env=False, timeout=10)
        self._urls = {_DYNAMODB: gate, _KMS: kms_admin}
        self._operations = {
            _DYNAMODB: {*dynamodb.meta.service_model.operation_names, *_STATEMENTS},
            _KMS: set(kms.meta.service_model.operation_names),
        }
        self._kms = kms
        self._records, self._root_key = records, root_key

    @contextmanager
    def error(
        self,
        operation: str,
        name: str,
        *,
        status: int = 400,
        times: int | None = None,
        applied: bool = False,
        **said: object,
    ) -> Iterator[None]:
        """Any error of AWS's, by its name. `applied`: it is done, and the error answered all the same.

        `said` is what DynamoDB says besides the name: `message`, a sentence, and `details`, further members.
        """
        further = said | ({"applied": True} if applied else {})
        with self._ordered(operation, times, error=name, status=status, **further):
            yield

    @contextmanager
    def throttled(self, operation: str, *, times: int | None = None) -> Iterator[None]:
        """ThrottlingException."""
        with self.error(operation, "ThrottlingException", times=times):
            yield

    @contextmanager
    def out_of_capacity(self, operation: str, *, times: int | None = None) -> Iterator[None]:
        """ProvisionedThroughputExceededException: of DynamoDB, where a partition is too busy."""
        with self.error(operation, "ProvisionedThroughputExceededException", times=times):
            yield

    @contextmanager
    def access_denied(self, operation: str, *, times: int | None = None) -> Iterator[None]:
        """AccessDeniedException."""
        with self.error(operation, "AccessDeniedException", times=times):
            yield

    @contextmanager
    def unavailable(self, operation: str, *, times: int | None = None) -> Iterator[None]:
        """503, and nothing was done."""
        name, status = _UNAVAILABLE[self._place(operation)[0]]
        with self.error(operation, name, status=status, times=times):
            yield

    @contextmanager
    def internal_error(self, operation: str, *, times: int | None = None, applied: bool = False) -> Iterator[None]:
        """500; with `applied`, although DynamoDB has done it."""
        name, status = _FAILED[self._place(operation)[0]]
        with self.error(operation, name, status=status, times=times, applied=applied):
            yield

    @contextmanager
    def conflict(self, *, times: int | None = None) -> Iterator[None]:
        """A transaction is cancelled, for another one is under way on the same item."""
        reasons = {"CancellationReasons": [{"Code": "TransactionConflict", "Message": "by order"}]}
        with self.error("ExecuteTransaction", "TransactionCanceledException", times=times, details=reasons):
            yield

    @contextmanager
    def lost_request(self, operation: str, *, times: int | None = None) -> Iterator[None]:
        """The connection ends before anything was done."""
        with self._ordered(operation, times, drop="before"):
            yield

    @contextmanager
    def lost_answer(self, operation: str, *, times: int | None = None) -> Iterator[None]:
        """It is done, and the connection ends without an answer."""
        with self._ordered(operation, times, drop="after"):
            yield

    @contextmanager
    def cut_answer(self, operation: str, *, times: int | None = None) -> Iterator[None]:
        """It is done, and half of the answer arrives; of DynamoDB."""
        with self._ordered(operation, times, drop="within"):
            yield

    @contextmanager
    def slow(self, operation: str, seconds: float, *, times: int | None = None) -> Iterator[None]:
        """It is done this much later."""
        with self._ordered(operation, times, delay_seconds=seconds):
            yield

    @contextmanager
    def stale_index(self, index: str = "ByList", *, behind_seconds: float = 3600) -> Iterator[None]:
        """An index of the records shows nothing of what is written from here on, until it is this old."""
        order = {"table": self._records, "index": index, "behind_seconds": behind_seconds}
        place = f"{self._urls[_DYNAMODB]}/stale-indexes"
        before = _answered(self._admin.post(place, json=order))["stale_indexes"][:-1]
        try:
            yield
        finally:
            _answered(self._admin.delete(place))
            for one in before:
                _answered(self._admin.post(place, json=one))

    @contextmanager
    def key_disabled(self, key: str | None = None) -> Iterator[None]:
        """A KMS key is disabled, the root key where none is named. What is in memory stays there."""
        name = key or self._root_key
        self._kms.disable_key(KeyId=name)
        try:
            yield
        finally:
            self._kms.enable_key(KeyId=name)

    @contextmanager
    def key_pending_deletion(self, key: str | None = None) -> Iterator[None]:
        """A KMS key waits for its deletion in seven days; what was ordered is cancelled afterwards."""
        name = key or self._root_key
        self._kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=_LEAST_DAYS)
        try:
            yield
        finally:
            self._kms.cancel_key_deletion(KeyId=name)
            self._kms.enable_key(KeyId=name)

    def clear(self) -> None:
        """Nothing fails any more."""
        for url in self._urls.values():
            if url is not None:
                _answered(self._admin.delete(f"{url}/faults"))
        _answered(self._admin.delete(f"{self._urls[_DYNAMODB]}/stale-indexes"))

    def close(self) -> None:
        """Give no orders any more."""
        self._admin.close()

    @contextmanager
    def _ordered(self, operation: str, times: int | None, **what: object) -> Iterator[None]:
        service, name = self._place(operation)
        url = self._urls[service]
        if url is None:
            raise ValueError(
                f"{operation}: the KMS of a twin takes no orders; disable its key, or use a store's faults"
            )
        asked = {"operation": name, "times": times or _WITHOUT_END, **what}
        ours = _answered(self._admin.post(f"{url}/faults", json=asked))["faults"][-1]
        failed = True
        try:
            yield
            failed = False
        finally:
            met = self._withdraw(f"{url}/faults", ours)
            if not met and not failed:
                raise FaultNeverMetError(f"nothing asked for {operation} while it was to fail")

    def _withdraw(self, place: str, ours: Mapping[str, Any]) -> bool:
        """Take one order back and leave the others; whether anything met it."""
        waiting: list[dict[str, Any]] = _answered(self._admin.get(place))["faults"]
        mine = next((one for one in reversed(waiting) if {**one, "times": 0} == {**ours, "times": 0}), None)
        if mine is None:
            return True
        waiting.remove(mine)
        _answered(self._admin.delete(place))
        for one in waiting:  # what is as it would be anyway, an admin port need not know
            _answered(self._admin.post(place, json={name: value for name, value in one.items() if value}))
        return bool(mine["times"] < ours["times"])

    def _place(self, operation: str) -> tuple[str, str]:
        """The service that an operation is of, and its name there."""
        service, _, name = operation.rpartition(":")
        if service in self._operations and (name == _ANY or name in self._operations[service]):
            return service, name
        found = [each for each, names in self._operations.items() if name in names]
        if service or not found:
            raise ValueError(f"{operation}: DynamoDB and KMS have no such operation; all are dynamodb:* and kms:*")
        return found[0], name


def _answered(answer: httpx.Response) -> dict[str, Any]:
    """What an admin port says."""
    content: dict[str, Any] = answer.json()
    if not answer.is_success:
        raise ValueError(content.get("error", "the order was refused"))
    return content
