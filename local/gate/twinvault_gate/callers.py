"""Who may sign: the callers file that the local KMS has, and the made-up secret of each.

{"ACCESSKEYID": "arn:aws:iam::000000000000:role/NAME", ...}; where a caller has a secret of its own, it is
{"ACCESSKEYID": {"arn": "arn:…", "secret": "…"}}.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from twinvault_gate.errors import DynamoDbError, SetupError
from twinvault_serving.exchange import HttpRequest
from twinvault_serving.signature import UnsignedError, parse_authorization, verify

DEFAULT_SECRET = "made-up"  # noqa: S105  # the engines' callers are told apart by their ids; this is no secret
_ARN = re.compile(r"arn:aws:(iam|sts)::\d{12}:(root|(user|role|assumed-role)/.+)")


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """One that may sign."""

    arn: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose signature was verified, and to which region it speaks."""

    access_key_id: str
    arn: str
    region: str

    @property
    def account(self) -> str:
        """The account that the caller belongs to."""
        return self.arn.split(":")[4]

    @property
    def is_account_root(self) -> bool:
        """Whether the caller is the account itself."""
        return self.arn.endswith(":root")


def signed_in(request: HttpRequest, known: Mapping[str, KnownCaller], *, now: datetime) -> SignedIn:
    """Return who signed a request.

    Raises:
        DynamoDbError: MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException,
            InvalidSignatureException.
    """
    try:
        authorization = parse_authorization(request)
        caller = known.get(authorization.access_key_id)
        if caller is None:
            message = "The security token included in the request is invalid."
            raise DynamoDbError("UnrecognizedClientException", message)
        verify(request, authorization, service="dynamodb", secret=caller.secret, now=now)
    except UnsignedError as error:
        raise DynamoDbError(error.code, error.message) from None
    return SignedIn(authorization.access_key_id, caller.arn, authorization.region)


def load_known_callers(path: Path) -> dict[str, KnownCaller]:
    """Read a callers file.

    Raises:
        SetupError: it is missing, or not such a map.
    """
    hint = 'It must be JSON: {"ACCESSKEYID": "arn:aws:iam::000000000000:role/NAME"}'
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SetupError(f"The callers file {path} cannot be read.", next_step=hint) from None
    if not isinstance(document, dict):
        raise SetupError(f"The callers file {path} is not an object.", next_step=hint)
    found = {name: _caller(each) for name, each in document.items()}
    callers = {name: caller for name, caller in found.items() if caller is not None}
    if len(callers) != len(found):
        raise SetupError(f"The callers file {path} holds something else than principals' ARNs.", next_step=hint)
    return callers


def _caller(raw: object) -> KnownCaller | None:
    match raw:
        case str(arn):
            caller = KnownCaller(arn, DEFAULT_SECRET)
        case {"arn": str(arn), "secret": str(secret), **others} if not others and secret:
            caller = KnownCaller(arn, secret)
        case _:
            return None
    return caller if _ARN.fullmatch(caller.arn) else None
