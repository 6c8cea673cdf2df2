"""BatchExecuteStatement: the one operation whose statements are refused one by one, in an answer of 200.

What is let through goes to the engine as a batch of its own; its answers take their places among the refusals.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
"""

import json
from collections.abc import Callable, Mapping, Sequence

from twinvault_gate.document import JsonObject
from twinvault_gate.errors import DynamoDbError

OPERATION = "BatchExecuteStatement"
_CODES = {
    "AccessDeniedException": "AccessDenied",
    "ResourceNotFoundException": "ResourceNotFound",
    "ValidationException": "ValidationError",
}

type StatementRefusals = Mapping[int, DynamoDbError]
"""The refused statements of a batch, by their place."""


def refused_statements(given: Sequence[JsonObject], check: Callable[[JsonObject], None]) -> StatementRefusals:
    """The statements that `check` refuses with a code that a statement of a batch can have.

    Raises:
        DynamoDbError: any other, which is about the whole request.
    """
    found = {}
    for place, statement in enumerate(given):
        try:
            check(statement)
        except DynamoDbError as error:
            if error.code not in _CODES:
                raise
            found[place] = error
    return found


def remaining(document: JsonObject, given: Sequence[JsonObject], refused: StatementRefusals) -> bytes | None:
    """The batch without what is refused; None where nothing is left."""
    kept = [statement for place, statement in enumerate(given) if place not in refused]
    return json.dumps({**document, "Statements": kept}).encode() if kept else None


def completed(answered: JsonObject, refused: StatementRefusals, *, count: int) -> dict[str, object]:
    """The answer to the whole batch: the engine's responses in their places, and the refusals in theirs."""
    responses = answered.get("Responses")
    rest = iter(responses if isinstance(responses, list) else [])
    errors = {
        place: {"Error": {"Code": _CODES[error.code], "Message": error.message}} for place, error in refused.items()
    }
    return {**answered, "Responses": [errors[place] if place in errors else next(rest) for place in range(count)]}
