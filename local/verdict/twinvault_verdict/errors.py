"""The verdict's own errors.

VerdictError              what happened, and what to do
├── EvidenceError         a file that is no evidence: not of the writer's form, or changed since it was written
├── GatheringError        a fact could not be had: a program is missing or fails, a file is not there
├── SigningKeyError       a key that cannot sign, or must not
└── EnvelopeError         what was given is not a verdict that this key signed
"""


class VerdictError(Exception):
    """What stands in the way; says what happened and what to do."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class EvidenceError(VerdictError):
    """A file that is no evidence: not of the writer's form, or changed since it was written."""


class GatheringError(VerdictError):
    """A fact could not be had: a program is missing or fails, or a file is not there."""


class SigningKeyError(VerdictError):
    """A key that cannot sign, or must not."""


class EnvelopeError(VerdictError):
    """What was given is not a verdict that this key signed."""
