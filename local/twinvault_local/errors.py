"""The twin's own errors.

TwinError                what happened, and the next command to type
└── (each room adds its own below this line, drawn here)
"""


class TwinError(Exception):
    """Something on this machine stands in the way; says what happened and what to type next."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}" if self.next_step else self.message
