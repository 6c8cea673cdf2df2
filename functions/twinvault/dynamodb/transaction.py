"""Transactions: the only place that issues ExecuteTransaction.

Statements are frozen before the first attempt: the same bytes under the same ClientRequestToken can be sent again
without harm when an answer is lost, because DynamoDB applies a token once.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html

Values are always bound as parameters. Only attribute and table names are written into a statement, and both come from
specs and settings, never from a caller.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from twinvault.causes import Cause
from twinvault.deadlines import CLOSING_SECONDS, FIRST_PAUSE, LONGEST_PAUSE, calling, keep_deadlines
from twinvault.dynamodb.calls import CANCELLED, CONFLICT, THROTTLED, THROTTLED_WITHIN, cause_of, unavailable
from twinvault.errors import DependencyError
from twinvault.request_ids import note_dynamodb

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from twinvault.envelope.item import Item

MAX_STATEMENTS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
PATIENCE_SECONDS = 60.0
"""How long an unknown outcome is pursued. DynamoDB remembers a token for ten minutes."""

_OPERATION = "ExecuteTransaction"
_NOT_YET = frozenset({"TransactionInProgressException"})
_WAITED_FOR = THROTTLED | {CANCELLED}  # cancelled with no reason but load or another transaction
_BUSY = THROTTLED_WITHIN | {CONFLICT}
_CLIENT_ERRORS = range(400, 500)


class Outcome(Enum):
    """How a write ended."""

    COMMITTED = auto()
    """All of it is durable."""
    CANCELLED = auto()
    """None of it is stored: a statement's condition did not hold."""
    REFUSED = auto()
    """None of it is stored: DynamoDB does not take it (throttled or in conflict until the deadline, no permission)."""
    UNKNOWN = auto()
    """It may or may not be stored."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A PartiQL statement with its bound parameters."""

    text: str
    parameters: tuple[Mapping[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """How a transaction ended.

    Attributes:
        outcome: how.
        failed: the positions of the statements for which it was cancelled; all of them where DynamoDB names none.
        cause: of what was refused or is unknown, what was said last.
    """

    outcome: Outcome
    failed: frozenset[int] = frozenset()
    cause: Cause | None = field(default=None, compare=False)

    def refusal(self, message: str) -> DependencyError:
        """The error that a refused transaction is; it says which setting is wrong, where one is."""
        return unavailable(message, self.cause)


def insert(table: str, item: "Item") -> Statement:
    """INSERT: fails where the key exists."""
    names = ", ".join(f"'{name}': ?" for name in item)
    return Statement(f'INSERT INTO "{table}" VALUE {{{names}}}', tuple(item.values()))


def replace(table: str, item: "Item", *, remove: Sequence[str], commitment: bytes) -> Statement:
    """UPDATE of the row with this commitment, which is unique per write: whoever changed it since makes this fail."""
    changed = [name for name in item if name not in {"pk", "sk"}]
    sets = " ".join(f'SET "{name}"=?' for name in changed)
    removes = "".join(f' REMOVE "{name}"' for name in remove)
    text = f'UPDATE "{table}" {sets}{removes} WHERE "pk"=? AND "sk"=? AND "key_commitment"=?'
    return Statement(text, (*(item[name] for name in changed), item["pk"], item["sk"], {"B": commitment}))


def delete(table: str, *, pk: str, sk: str, commitment: bytes) -> Statement:
    """DELETE of the row with this commitment. Where there is no row it succeeds, so it proves nothing of absence."""
    where = '"pk"=? AND "sk"=? AND "key_commitment"=?'
    text = f'DELETE FROM "{table}" WHERE {where}'  # noqa: S608  # the table's name alone; values are bound
    return Statement(text, ({"S": pk}, {"S": sk}, {"B": commitment}))


def remove(table: str, *, pk: str, sk: str) -> Statement:
    """DELETE of a row, whatever it holds: for what another statement's condition says that nobody needs."""
    return Statement(f'DELETE FROM "{table}" WHERE "pk"=? AND "sk"=?', ({"S": pk}, {"S": sk}))  # noqa: S608  # as above


def exchange(table: str, item: "Item", *, name: str, before: "Mapping[str, Any] | None") -> Statement:
    """UPDATE of one attribute of a row that holds no seal, where it is still what it was `before`; None: absent."""
    same, values = (f'"{name}"=?', (before,)) if before is not None else (f'"{name}" IS MISSING', ())
    sets = f'SET "{name}"=?'
    return Statement(
        f'UPDATE "{table}" {sets} WHERE "pk"=? AND "sk"=? AND {same}', (item[name], item["pk"], item["sk"], *values)
    )


def overwrite(table: str, item: "Item", *, before: "Item") -> Statement:
    """UPDATE that makes this item of the row that was found, whatever it holds, if it still has that commitment.

    What else the row holds goes; the names of that are written into the statement, and must be names of attributes.
    """
    changed, gone = [name for name in item if name not in {"pk", "sk"}], [name for name in before if name not in item]
    sets = " ".join(f'SET "{name}"=?' for name in changed)
    removes = "".join(f' REMOVE "{name}"' for name in gone)
    where, values = _as_found(before)
    text = f'UPDATE "{table}" {sets}{removes} WHERE {where}'
    return Statement(text, (*(item[name] for name in changed), *values))


def discard(table: str, before: "Item") -> Statement:
    """DELETE of the row that was found, whatever it holds, if it still has that commitment. See `delete`."""
    where, values = _as_found(before)
    return Statement(f'DELETE FROM "{table}" WHERE {where}', values)  # noqa: S608  # as above


def _as_found(before: "Item") -> "tuple[str, tuple[Mapping[str, Any], ...]]":
    """The condition that a row is still there with the commitment that it was found with, or without any."""
    where, keys = '"pk"=? AND "sk"=? AND "key_commitment"', (before["pk"], before["sk"])
    if "key_commitment" in before:
        return f"{where}=?", (*keys, before["key_commitment"])
    return f"{where} IS MISSING", keys


def update_wrapped(table: str, item: "Item", *, wrapped: bytes) -> Statement:
    """UPDATE of these attributes of a row that KMS wrapped, where it still holds this ciphertext of KMS's."""
    changed = [name for name in item if name not in {"pk", "sk"}]
    sets = " ".join(f'SET "{name}"=?' for name in changed)
    text = f'UPDATE "{table}" {sets} WHERE "pk"=? AND "sk"=? AND "wrapped"=?'
    return Statement(text, (*(item[name] for name in changed), item["pk"], item["sk"], {"B": wrapped}))


def delete_wrapped(table: str, *, pk: str, sk: str, wrapped: bytes) -> Statement:
    """DELETE of a row that KMS wrapped, where it still holds this ciphertext; as with `delete`, of none it succeeds."""
    where = '"pk"=? AND "sk"=? AND "wrapped"=?'
    text = f'DELETE FROM "{table}" WHERE {where}'  # noqa: S608  # the table's name alone; values are bound
    return Statement(text, ({"S": pk}, {"S": sk}, {"B": wrapped}))


class Transactor:
    """Executes frozen transactions and finds out how they ended."""

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        new_token: Callable[[], str],
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`new_token` draws a UUID per frozen transaction; it is never derived from anything a caller sends.

        `jitter` returns a number from 0 to 1, so that two that met do not meet again at once.
        """
        keep_deadlines(client)
        self._client = client
        self._jitter = jitter
        self._new_token = new_token
        self._monotonic = monotonic
        self._sleep = sleep

    def execute(self, statements: Sequence[Statement], *, deadline: float) -> Result:
        """Applies all statements or none, and says how it ended.

        Load, and another transaction that has hold of a row, are waited for. UNKNOWN is returned only once
        `PATIENCE_SECONDS` or the deadline (monotonic seconds) have passed without an answer. One try is made even past
        the deadline, for `CLOSING_SECONDS`: what says how an activity ended is written when its time is up.
        """
        token = self._new_token()
        until = min(deadline, self._monotonic() + PATIENCE_SECONDS)
        pause, sent_without_answer = FIRST_PAUSE, False
        cause: Cause | None = None
        while True:
            try:
                with calling(max(until, self._monotonic() + CLOSING_SECONDS)):
                    self._send(statements, token)
            except ClientError as error:
                note_dynamodb(error.response)
                cause = cause_of(error, _OPERATION)
                if failed := _failed(error, len(statements)):
                    return Result(Outcome.CANCELLED, failed)
                if _is_definite(error) and not sent_without_answer and not self._may_wait(error, until - pause):
                    return Result(Outcome.REFUSED, cause=cause)
                sent_without_answer = sent_without_answer or not _is_definite(error)
            except BotoCoreError as error:
                cause = cause_of(error, _OPERATION)
                if cause.setting and not sent_without_answer:  # without credentials nothing is sent
                    return Result(Outcome.REFUSED, cause=cause)
                sent_without_answer = True
            else:
                return Result(Outcome.COMMITTED)
            if self._monotonic() + pause >= until:
                return Result(Outcome.UNKNOWN if sent_without_answer else Outcome.REFUSED, cause=cause)
            self._sleep(pause * (1 + self._jitter()) / 2)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _send(self, statements: Sequence[Statement], token: str) -> None:
        answer = self._client.execute_transaction(
            TransactStatements=[{"Statement": s.text, "Parameters": list(s.parameters)} for s in statements],
            ClientRequestToken=token,
        )
        note_dynamodb(answer)

    def _may_wait(self, error: ClientError, until: float) -> bool:
        return error.response["Error"]["Code"] in _WAITED_FOR and self._monotonic() < until


def _is_definite(error: ClientError) -> bool:
    """Whether the service said that it did not apply the request; a 5xx says nothing."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status in _CLIENT_ERRORS and error.response["Error"]["Code"] not in _NOT_YET


def _failed(error: ClientError, count: int) -> frozenset[int]:
    """The positions of the statements for which it was cancelled; none, if it was for nothing but load, or was not.

    Codes tell load from all else and nothing more: for a row that exists, engines differ in them.
    """
    if error.response["Error"]["Code"] != CANCELLED:
        return frozenset()
    codes = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
    named = {index: code for index, code in enumerate(codes) if code != "None"}
    if not named:
        return frozenset(range(count))
    return frozenset(index for index, code in named.items() if code not in _BUSY)
