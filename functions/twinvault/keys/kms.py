"""The root key, behind four methods, and their adapter to AWS KMS.

Whoever implements `RootKms` translates KMS's answers into our errors, so nothing above this module knows boto3:

    refused      access denied, disabled, pending deletion, gone      KeyRefused: evict cached keys at once
    tampering    the ciphertext is not one of this key and context    IntegrityError
    unavailable  throttled, timed out, unreachable                    DependencyError: cached keys serve until their TTL
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from twinvault.causes import Cause
from twinvault.deadlines import calling, deadline_here, keep_deadlines, require_time
from twinvault.errors import DependencyError, IntegrityError, KeyRefused, Misconfigured, Step
from twinvault.keys.times import text_of_time
from twinvault.request_ids import note_kms

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

    from twinvault.observe import Observer

# https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html, and of GenerateDataKey and ReEncrypt: "Errors".
_REFUSED = frozenset(
    {
        "AccessDeniedException",
        "DisabledException",
        "InvalidGrantTokenException",
        "InvalidKeyUsageException",
        "KMSInvalidStateException",
        "NotFoundException",
    }
)
_THROTTLED = frozenset({"ThrottlingException", "LimitExceededException", "RequestLimitExceeded"})
_TAMPERING = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


@dataclass(frozen=True, slots=True)
class DataKey:
    """A fresh data key: the key itself and its form wrapped by KMS."""

    plaintext: bytes = field(repr=False)
    wrapped: bytes


class RootKms(Protocol):
    """A symmetric KMS key that wraps KEKs. The encryption context is matched exactly, as a map."""

    def generate_data_key(self, root_key_id: str, *, context: Mapping[str, str], observer: "Observer") -> DataKey:
        """Returns a fresh 256-bit key wrapped under the root key and bound to `context`."""

    def decrypt(self, wrapped: bytes, root_key_id: str, *, context: Mapping[str, str], observer: "Observer") -> bytes:
        """Returns the key that `generate_data_key` wrapped under this root key with this very context."""

    def re_encrypt(
        self, wrapped: bytes, root_key_id: str, *, under: str, context: Mapping[str, str], observer: "Observer"
    ) -> bytes:
        """Returns the same key, with the same context, wrapped under another root key; it never leaves KMS."""

    def deletion_date(self, root_key_id: str, *, observer: "Observer") -> str | None:
        """When KMS will delete this key, RFC 3339 in UTC; None where it will not, or has."""


class AwsKms:
    """`RootKms` over AWS KMS, with an injected boto3 client."""

    def __init__(self, client: "KMSClient") -> None:
        keep_deadlines(client)
        self._client = client

    def generate_data_key(self, root_key_id: str, *, context: Mapping[str, str], observer: "Observer") -> DataKey:
        """See `RootKms.generate_data_key`."""
        require_time()
        try:
            with calling(deadline_here()):
                answer = self._client.generate_data_key(KeyId=root_key_id, KeySpec="AES_256", EncryptionContext=context)
        except (ClientError, BotoCoreError) as error:
            translate(error, observer, operation="GenerateDataKey")
        count_call(observer, answer["ResponseMetadata"].get("RequestId", ""))
        require_whole(answer, "KeyId", "Plaintext", "CiphertextBlob")
        require_same_key(answer["KeyId"], root_key_id)
        return DataKey(answer["Plaintext"], answer["CiphertextBlob"])

    def decrypt(self, wrapped: bytes, root_key_id: str, *, context: Mapping[str, str], observer: "Observer") -> bytes:
        """See `RootKms.decrypt`."""
        require_time()
        try:
            # KeyId is always named: without it KMS would open a blob of any key that this role may use.
            with calling(deadline_here()):
                answer = self._client.decrypt(CiphertextBlob=wrapped, KeyId=root_key_id, EncryptionContext=context)
        except (ClientError, BotoCoreError) as error:
            translate(error, observer, operation="Decrypt")
        count_call(observer, answer["ResponseMetadata"].get("RequestId", ""))
        require_whole(answer, "KeyId", "Plaintext")
        require_same_key(answer["KeyId"], root_key_id)
        return answer["Plaintext"]

    def re_encrypt(
        self, wrapped: bytes, root_key_id: str, *, under: str, context: Mapping[str, str], observer: "Observer"
    ) -> bytes:
        """See `RootKms.re_encrypt`."""
        require_time()
        try:
            with calling(deadline_here()):
                answer = self._client.re_encrypt(
                    CiphertextBlob=wrapped,
                    SourceKeyId=root_key_id,
                    SourceEncryptionContext=context,
                    DestinationKeyId=under,
                    DestinationEncryptionContext=context,
                )
        except (ClientError, BotoCoreError) as error:
            translate(error, observer, operation="ReEncrypt")
        count_call(observer, answer["ResponseMetadata"].get("RequestId", ""))
        require_whole(answer, "KeyId", "SourceKeyId", "CiphertextBlob")
        require_same_key(answer["SourceKeyId"], root_key_id)
        require_same_key(answer["KeyId"], under)
        return answer["CiphertextBlob"]

    def deletion_date(self, root_key_id: str, *, observer: "Observer") -> str | None:
        """See `RootKms.deletion_date`."""
        require_time()
        try:
            with calling(deadline_here()):
                answer = self._client.describe_key(KeyId=root_key_id)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "NotFoundException":
                count_call(observer, error.response.get("ResponseMetadata", {}).get("RequestId", ""))
                return None
            translate(error, observer, operation="DescribeKey")
        count_call(observer, answer["ResponseMetadata"].get("RequestId", ""))
        require_whole(answer, "KeyMetadata")
        date = answer["KeyMetadata"].get("DeletionDate")
        return text_of_time(date) if date else None


def count_call(observer: "Observer", request_id: str) -> None:
    """A call of KMS, by the id that CloudTrail has as well; empty where there was no answer."""
    observer.metric("KmsCalls")
    observer.kms_call(request_id)
    note_kms(request_id)


def require_whole(answer: Mapping[str, object], *names: str) -> None:
    """The SDK takes an answer that was cut on its way for an empty one."""
    if any(name not in answer for name in names):
        raise DependencyError("the key service cannot answer now")


def require_same_key(answered_arn: str, asked_key_id: str) -> None:
    """KMS answers with the key's ARN; settings hold the key id, never an alias that could be pointed elsewhere."""
    if answered_arn.rsplit("/", 1)[-1] != asked_key_id.rsplit("/", 1)[-1]:
        raise IntegrityError(Step.ROOT_KEY)


def translate(error: ClientError | BotoCoreError, observer: "Observer", *, operation: str) -> NoReturn:
    """Raises our error for KMS's. The message names the code alone: KMS's own text can repeat the context."""
    observer.metric("KmsErrors")
    if not isinstance(error, ClientError):
        count_call(observer, "")
        raise _unavailable("the key service cannot be reached", Cause.of(error, operation)) from None
    count_call(observer, error.response.get("ResponseMetadata", {}).get("RequestId", ""))
    code = error.response.get("Error", {}).get("Code", "")
    cause = Cause.of(error, operation, throttled=code in _THROTTLED)
    if code in _TAMPERING:
        raise IntegrityError(Step.ROOT_KEY) from None
    if code in _REFUSED:
        raise KeyRefused(f"the key service refuses the root key ({code})", retry_after=30, cause=cause) from None
    raise _unavailable("the key service cannot answer now", cause) from None


def _unavailable(message: str, cause: Cause) -> DependencyError:
    setting = cause.setting
    return Misconfigured(f"{message}: {setting}", cause=cause) if setting else DependencyError(message, cause=cause)
