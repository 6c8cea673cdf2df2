"""Who asks: the principal of whoever signed a request, in KMS's words."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from twinvault_kms.errors import KmsError, StoreError
from twinvault_kms.model import Caller
from twinvault_serving.callers import DEFAULT_ACCOUNT, Callers, CallersFileError, load_callers
from twinvault_serving.exchange import HttpRequest
from twinvault_serving.signature import UnsignedError

_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller, and the region that is spoken to."""

    caller: Caller
    region: str


def identify(request: HttpRequest, callers: Callers) -> Identity:
    """Return who signed a request, with its body. It is the machine's time that a signature is judged by.

    Raises:
        KmsError: MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException,
            UnrecognizedClientException.
    """
    try:
        found = callers.signed_in(request, service="kms", now=datetime.now(UTC))
    except UnsignedError as error:
        raise KmsError(error.code, error.message) from None
    caller = Caller(arn=found.arn, access_key_id=found.access_key_id, name=found.name, session=found.facts)
    return Identity(caller, found.region)


def read_callers(path: Path | None, *, account: str = DEFAULT_ACCOUNT) -> Callers:
    """Read a callers file; without one, everyone is the root of this account.

    Raises:
        StoreError: it is missing, or not such a map; the account is none.
    """
    if not _ACCOUNT.fullmatch(account):
        raise StoreError("An account is 12 digits.", next_step=f"--account {DEFAULT_ACCOUNT}")
    if path is None:
        return Callers(None, account=account)
    try:
        return load_callers(path)
    except CallersFileError as error:
        raise StoreError(error.message, next_step=error.next_step) from None
