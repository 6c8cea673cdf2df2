"""Error answers of the API, and errors that keep the KMS from starting.

KmsError                     an error answer of the API: code, message, HTTP status
LocalKmsError                what stands in the way of whoever starts the KMS, and what to do next
├── StoreError               the store or the seed cannot be used
│   ├── StoreDamagedError    a record in the middle of the journal does not verify
│   ├── StoreLockedError     another process has the store open
│   └── SeedError            the seed file is missing, too open, malformed, or another store's
├── TlsError                 a certificate cannot be used or written
└── SnapshotError            a snapshot cannot be read or must not be written

The codes and the wording follow AWS KMS (API reference, "Errors" of each operation; developer guide, "Key states of AWS
KMS keys", table details). Messages name keys, aliases and callers, and nothing that a caller sent in confidence.
"""


class KmsError(Exception):
    """An error answer: `code` is AWS's name for it, `message` may be empty."""

    def __init__(self, code: str, message: str = "", *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status


class LocalKmsError(Exception):
    """Something stands in the way; says what happened and what to do next."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}" if self.next_step else self.message


class StoreError(LocalKmsError):
    """The store cannot be opened or written."""


class StoreDamagedError(StoreError):
    """A record that was once acknowledged no longer verifies."""


class StoreLockedError(StoreError):
    """Another process holds the store."""


class SeedError(StoreError):
    """The seed is missing, readable by others, malformed, or not the one this store was made with."""


class SnapshotError(LocalKmsError):
    """A snapshot that cannot be opened, or that would overwrite a store."""


class TlsError(LocalKmsError):
    """A certificate or its key cannot be used, or a made-up one not be written."""


def validation(message: str) -> KmsError:
    """A request that breaks a rule of the service model or of the documentation."""
    return KmsError("ValidationException", message)


def not_found(message: str) -> KmsError:
    """Something that does not exist for this caller and region."""
    return KmsError("NotFoundException", message)


def invalid_state(message: str) -> KmsError:
    """A key whose state does not allow the operation."""
    return KmsError("KMSInvalidStateException", message)


def unsupported(message: str) -> KmsError:
    """A parameter or resource that the operation does not support."""
    return KmsError("UnsupportedOperationException", message)


def invalid_usage(message: str) -> KmsError:
    """A key whose usage or algorithms do not fit the operation."""
    return KmsError("InvalidKeyUsageException", message)


def invalid_ciphertext() -> KmsError:
    """A ciphertext or a context that does not verify. AWS gives no message, so that it explains nothing."""
    return KmsError("InvalidCiphertextException")


def access_denied(caller: str, action: str, resource: str, reason: str) -> KmsError:
    """A caller whom neither the key policy nor a grant allows the action."""
    return KmsError(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on resource: {resource} because {reason}",
    )
