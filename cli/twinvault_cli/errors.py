"""The command's own errors, and the exit code of every family.

CliError                what the command itself has to say
├── UsageError          the caller's fault: an option, a file, a request that the service refused        exit 2
├── TamperingError      the service says that what it read was not what it had written                   exit 3
└── UnavailableError    a dependency, or the service itself, does not answer                             exit 4
"""

from dataclasses import dataclass

from twinvault_kms.errors import LocalKmsError
from twinvault_local.errors import TwinError

OK, UNEXPECTED, USAGE, TAMPERING, UNAVAILABLE = 0, 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class UnsuccessfulAnswer:
    """An unsuccessful answer of the service: its status, and of its problem (docs/errors.md) the type and the id.

    `problem` and `correlation_id` are empty where it was API Gateway's own answer.
    """

    status: int
    problem: str
    correlation_id: str


class CliError(Exception):
    """What the command has to say, and what to type next."""

    exit_code = UNEXPECTED
    answered: UnsuccessfulAnswer | None = None
    """What the service answered, if this is about an answer of it."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class UsageError(CliError):
    """The caller's fault: an option, a file, a request that the service refused."""

    exit_code = USAGE


class TamperingError(CliError):
    """The service says that what it read was not what it had written."""

    exit_code = TAMPERING


class UnavailableError(CliError):
    """A dependency, or the service itself, does not answer."""

    exit_code = UNAVAILABLE


def exit_code(error: CliError | TwinError | LocalKmsError) -> int:
    """The exit code of an error: whatever stands in the twin's way is a dependency."""
    return error.exit_code if isinstance(error, CliError) else UNAVAILABLE
