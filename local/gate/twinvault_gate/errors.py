"""The errors of the gate.

GateError
├── StatementError      a PartiQL statement that is not understood, and therefore not let through
├── DynamoDbError       an error answer of the API: code, message, HTTP status
├── DroppedError        the connection is dropped, by order
└── SetupError          what stands in the way of whoever starts the gate, and what to do next
"""

from collections.abc import Mapping

from twinvault_serving.exchange import HttpResponse


class GateError(Exception):
    """Something that the gate cannot do."""


class StatementError(GateError):
    """A PartiQL statement that the gate does not understand. The message names the rule, never a value."""


class DynamoDbError(GateError):
    """An error answer, as DynamoDB gives it: `code` is AWS's name for it. The message quotes no value.

    `details` are further members of the answer, by their names there (CancellationReasons, ThrottlingReasons).
    """

    def __init__(
        self, code: str, message: str = "", *, status: int = 400, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}


class DroppedError(GateError):
    """No answer is given, or the half of one, and the connection is dropped: somebody ordered it."""

    def __init__(self, half: HttpResponse | None = None) -> None:
        super().__init__()
        self.half = half


class SetupError(GateError):
    """A file or a port that the gate cannot use; says what happened and what to do next."""

    def __init__(self, message: str, *, next_step: str) -> None:
        super().__init__(f"{message}\n{next_step}")


def validation(message: str) -> DynamoDbError:
    """A request that breaks a rule of the documentation."""
    return DynamoDbError("ValidationException", message)


def serialization() -> DynamoDbError:
    """A request whose JSON has not the form that the API's model gives it."""
    return DynamoDbError("SerializationException", "The request does not have the form of this operation.")
