"""The errors of the gate.

GateError
├── StatementError      a PartiQL statement that is not understood, and therefore not let through
└── DynamoDbError       an error answer of the API: code, message, HTTP status
"""


class GateError(Exception):
    """Something that the gate cannot do."""


class StatementError(GateError):
    """A PartiQL statement that the gate does not understand. The message names the rule, never a value."""


class DynamoDbError(GateError):
    """An error answer, as DynamoDB gives it: `code` is AWS's name for it. The message quotes no value."""

    def __init__(self, code: str, message: str = "", *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> DynamoDbError:
    """A request that breaks a rule of the documentation."""
    return DynamoDbError("ValidationException", message)


def serialization() -> DynamoDbError:
    """A request whose JSON has not the form that the API's model gives it."""
    return DynamoDbError("SerializationException", "The request does not have the form of this operation.")
