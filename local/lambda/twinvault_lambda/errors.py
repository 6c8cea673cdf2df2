"""The errors of the Lambda server.

LambdaServerError        what stands in its way, and what to type next
├── ServerConfigError    its configuration does not have the promised form
├── ApiPortError         the API's port cannot be listened on
└── LedgerError          the file for what was invoked cannot be written
"""


class LambdaServerError(Exception):
    """The Lambda server cannot start, or not take its configuration; says what happened and what to type next."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}" if self.next_step else self.message


class ServerConfigError(LambdaServerError):
    """The Lambda server's configuration does not have the promised form; the message names the field."""

    def __init__(self, message: str) -> None:
        super().__init__(f"server configuration: {message}", next_step="twinvault down && twinvault up")


class ApiPortError(LambdaServerError):
    """The API's port cannot be listened on."""


class LedgerError(LambdaServerError):
    """The ledger cannot be written, or is none."""
