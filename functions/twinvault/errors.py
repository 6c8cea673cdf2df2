"""Every error that `functions/` raises.

    TwinvaultError
    ├── CallerError                     the caller's fault; names the field and the rule
    │   ├── InvalidInput                malformed: the request cannot be understood
    │   ├── Unprocessable               well-formed, but it breaks a rule of the model
    │   ├── Unauthenticated             no token, or one that does not verify
    │   ├── Forbidden                   a good token without the permission or a usable tenant
    │   ├── NotFound                    nothing there, or nothing there for this tenant
    │   ├── Gone                        it was erased, for good; says when
    │   ├── Conflict                    what exists already says otherwise
    │   │   ├── Incomplete              it exists, and its import has not been completed
    │   │   └── Held                    a legal hold forbids it; says since when
    │   └── TooLarge                    over a limit that the message names
    ├── IntegrityError                  tampering, or damage that cannot be told from it
    ├── Undeclared                      authentic, and this release's declarations do not have it
    ├── BrokenChain                     an audit chain does not verify; names the step and the place
    ├── BrokenReceipt                   a receipt does not verify; names the step
    ├── ConfigurationError              a setting is missing or unusable; names the variable
    └── DependencyError                 something we call is unavailable; carries `retry_after`
        ├── Misconfigured               what we call is not there under this name, or refuses these credentials
        ├── KeyRefused                  KMS says no: access denied, disabled, pending deletion
        ├── Contention                  a consistent view could not be had in time
        └── OutcomeUnknown              a write may or may not have been applied

Messages hold no plaintext, key, token or context value. `IntegrityError` tells the audit log which check failed and of
which row, `DependencyError` the logs and metrics what AWS said; callers get a flat text and a correlation id.
"""

from collections.abc import Sequence
from typing import ClassVar

from twinvault.causes import Cause
from twinvault.steps import ChainStep, Place, ReceiptStep, Step

__all__ = [
    "BrokenChain",
    "BrokenReceipt",
    "CallerError",
    "ChainStep",
    "ConfigurationError",
    "Conflict",
    "Contention",
    "DependencyError",
    "Forbidden",
    "Gone",
    "Held",
    "Incomplete",
    "IntegrityError",
    "InvalidInput",
    "KeyRefused",
    "Misconfigured",
    "NotFound",
    "OutcomeUnknown",
    "Place",
    "ReceiptStep",
    "Step",
    "TooLarge",
    "TwinvaultError",
    "Unauthenticated",
    "Undeclared",
    "Unprocessable",
]

MAX_NAMES = 20  # how many undeclared names an error carries


class TwinvaultError(Exception):
    """Every error that this library and its service raise; `problem` ends its `type` in docs/errors.md."""

    problem: ClassVar[str] = "internal"


class CallerError(TwinvaultError):
    """The caller's fault.

    Attributes:
        message: the rule that was broken; begins with the field where there is one.
        field: what is wrong, as the caller wrote it; empty where no single field is.
        others: further findings of the same request, as (field, message).
    """

    def __init__(self, message: str, *, field: str = "", others: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.message, self.field, self.others = message, field, tuple(others)


class InvalidInput(CallerError):
    """The input is malformed."""

    problem = "invalid-input"


class Unprocessable(CallerError):
    """The input is well-formed and breaks a rule of the model."""

    problem = "unprocessable"


class Unauthenticated(CallerError):
    """There is no token, or it does not verify."""

    problem = "unauthenticated"


class Forbidden(CallerError):
    """The token verifies and does not allow this."""

    problem = "forbidden"


class NotFound(CallerError):
    """Nothing is there for this tenant."""

    problem = "not-found"


class Gone(CallerError):
    """What is asked for was erased, for good.

    Attributes:
        erased_at: when, RFC 3339 in UTC.
    """

    problem = "erased"

    def __init__(self, erased_at: str) -> None:
        super().__init__("this was erased, and cannot be brought back")
        self.erased_at = erased_at


class Conflict(CallerError):
    """What exists already says otherwise."""

    problem = "conflict"


class Incomplete(Conflict):
    """It exists and is not whole: an import of it has not been completed."""

    problem = "incomplete"


class Held(Conflict):
    """A legal hold forbids it. The message says since when."""

    problem = "held"


class TooLarge(CallerError):
    """Over a limit that the message names."""

    problem = "too-large"


class IntegrityError(TwinvaultError):
    """A check failed that only tampering or damage can fail.

    Attributes:
        step: the check that failed; for the audit log alone.
        where: the row that is to blame, if one can be named; for the audit log alone.
        detail: what is known beyond the step, such as "a record was deleted"; for the audit log alone.
    """

    problem = "integrity"

    def __init__(self, step: Step, *, where: Place | None = None, detail: str = "") -> None:
        super().__init__("integrity check failed")
        self.step, self.where, self.detail = step, where, detail

    def at(self, where: Place) -> "IntegrityError":
        """The same refusal, of this row."""
        return IntegrityError(self.step, where=where, detail=self.detail)

    @property
    def check(self) -> str:
        """Step and detail in one line, as the audit log and the service's own log show them."""
        return f"{self.step}: {self.detail}" if self.detail else self.step.value


class Undeclared(TwinvaultError):
    """What is stored is authentic and holds what is not declared here: a newer release wrote it. No tampering.

    Attributes:
        names: the attributes and sealed fields that are not declared; never a value.
        where: the row; for the audit log alone.
    """

    problem = "undeclared"

    def __init__(self, names: Sequence[str], *, where: Place | None = None) -> None:
        super().__init__("a record holds what this release does not declare")
        self.names, self.where = tuple(names)[:MAX_NAMES], where


class BrokenChain(TwinvaultError):
    """An audit chain is not what its writer left: `step` failed first at place `seq`; what stands before verifies."""

    def __init__(self, step: ChainStep, *, seq: int) -> None:
        super().__init__(f"the chain does not verify at place {seq}, step {step.value}")
        self.step, self.seq = step, seq


class BrokenReceipt(TwinvaultError):
    """A receipt is not what the holder of the key signed: `step` failed first."""

    def __init__(self, step: ReceiptStep) -> None:
        super().__init__(f"the receipt does not verify, step {step.value}")
        self.step = step


class ConfigurationError(TwinvaultError):
    """A setting is missing or unusable. The message names the variable, never its value."""


class DependencyError(TwinvaultError):
    """Something we call is unavailable: `cause`, if AWS said why. Nothing was stored, unless a subclass says else."""

    problem = "unavailable"

    def __init__(self, message: str, *, retry_after: int = 5, cause: Cause | None = None) -> None:
        super().__init__(message)
        self.message, self.retry_after, self.cause = message, retry_after, cause


class Misconfigured(DependencyError, ConfigurationError):
    """A table or key is not there under the name that it was given, or AWS refuses the credentials: no wait helps."""

    problem = "misconfigured"


class KeyRefused(DependencyError):
    """KMS refuses the key: access denied, disabled, pending deletion or gone. Cached copies are evicted at once."""

    problem = "key-refused"


class Contention(DependencyError):
    """Other writers kept changing the partition while it was being read."""

    problem = "contention"


class OutcomeUnknown(DependencyError):
    """A write was sent and its outcome could not be learned in time. Repeating the request is safe."""

    problem = "outcome-unknown"
