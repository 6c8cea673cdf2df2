"""The command's own errors, and the exit code of every family.

CliError                what the command itself has to say
├── UsageError          the caller's fault: an option, a file, a request that the service refused        exit 2
├── TamperingError      the service says that what it read was not what it had written                   exit 3
└── UnavailableError    a dependency, or the service itself, does not answer                             exit 4
"""

from twinvault_kms.errors import LocalKmsError
from twinvault_local.errors import TwinError

OK, UNEXPECTED, USAGE, TAMPERING, UNAVAILABLE = 0, 1, 2, 3, 4


class CliError(Exception):
    """What the command has to say, and what to type next."""

    exit_code = UNEXPECTED

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class UsageError(CliError):
    """The caller's fault: an option, a file, a request that the service refused; with its status where it did."""

    exit_code = USAGE

    def __init__(self, message: str, *, next_step: str = "", status: int | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status


class TamperingError(CliError):
    """The service says that what it read was not what it had written."""

    exit_code = TAMPERING


class UnavailableError(CliError):
    """A dependency, or the service itself, does not answer."""

    exit_code = UNAVAILABLE


def exit_code(error: CliError | TwinError | LocalKmsError) -> int:
    """The exit code of an error: whatever stands in the twin's way is a dependency."""
    return error.exit_code if isinstance(error, CliError) else UNAVAILABLE
