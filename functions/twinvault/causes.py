"""Why a service that we call did not do what it was asked for: for logs and metrics, and never for a caller."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_MAX_CODE = 128
_OF_KMS = frozenset({"Decrypt", "GenerateDataKey"})
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html, and of KMS alike.
_CREDENTIALS = frozenset(
    {
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        # The SDK's own, which asked nobody.
        "NoCredentialsError",
        "PartialCredentialsError",
    }
)
_DENIED = frozenset({"AccessDeniedException"}) | _CREDENTIALS
_MISSING = frozenset({"ResourceNotFoundException", "NotFoundException"})


class Trouble(StrEnum):
    """What sort of reason; the end of a metric's name."""

    THROTTLED = "Throttled"
    DENIED = "Denied"
    TABLE_KEY = "TableKey"
    """The table's own KMS key may not be used, or cannot be."""
    MISSING = "Missing"
    """There is no such table or key."""
    SILENT = "Silent"
    """No answer came, or half of one."""
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a call failed.

    Attributes:
        trouble: what sort of reason.
        operation: the call, in AWS's own word.
        code: AWS's code, or the name of the SDK's own error; nothing of its text, which can quote what was asked.
        request_id: AWS's, under which CloudTrail and its support know the call; empty where no answer came.
    """

    trouble: Trouble
    operation: str
    code: str
    request_id: str = ""

    @property
    def is_load(self) -> bool:
        """Whether too much was asked for at once, and nothing else is the matter."""
        return self.trouble is Trouble.THROTTLED

    @classmethod
    def of(cls, error: "ClientError | BotoCoreError", operation: str, *, throttled: bool = False) -> "Cause":
        """Of what the SDK raised for this call."""
        name = type(error).__name__
        if name in _CREDENTIALS:
            return cls(Trouble.DENIED, operation, name)
        response: dict[str, Any] | None = getattr(error, "response", None)  # there is one where AWS answered
        if response is None:
            return cls(Trouble.SILENT, operation, name)
        said, answered = response.get("Error", {}), response.get("ResponseMetadata", {})
        code = str(said.get("Code", ""))[:_MAX_CODE]
        trouble = Trouble.THROTTLED if throttled else _trouble(code, str(said.get("Message", "")))
        return cls(trouble, operation, code, str(answered.get("RequestId", ""))[:_MAX_CODE])

    @property
    def setting(self) -> str:
        """Which setting is wrong, in words, where that is the reason: no repetition mends it. Else nothing."""
        if self.code in _CREDENTIALS:
            return f"AWS refuses the credentials ({self.code}): look at access key, secret, session token and region"
        if self.trouble is Trouble.MISSING and self.is_of_the_store:
            return f"there is no such table ({self.code}): look at the tables' names, the region and the account"
        return ""

    @property
    def is_of_the_store(self) -> bool:
        """Whether it was a call of DynamoDB; calls of KMS are counted by themselves."""
        return self.operation not in _OF_KMS

    def shown(self) -> Mapping[str, str]:
        """As it stands in a log line."""
        return asdict(self)


def _trouble(code: str, message: str) -> Trouble:
    # DynamoDB has no code of its own for a table's key that it may not use: it passes on what KMS said to it.
    if code == "InaccessibleEncryptionCredentialsException" or (code in _DENIED and "KMS" in message):
        return Trouble.TABLE_KEY
    if code in _DENIED:
        return Trouble.DENIED
    return Trouble.MISSING if code in _MISSING else Trouble.OTHER
