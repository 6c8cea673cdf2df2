"""Who signed a request. The signature itself is not verified: there are no secrets to verify it with.

Source: IAM user guide, "Signing AWS API requests" (Authorization: AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/
aws4_request, SignedHeaders=..., Signature=...). Credentials in the query string are not offered.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from twinvault_kms.errors import KmsError, StoreError
from twinvault_kms.model import Caller

DEFAULT_ACCOUNT = "000000000000"
_ACCOUNT = re.compile(r"\d{12}")
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[A-Za-z0-9]{1,128})/\d{8}/(?P<region>[a-z0-9-]{1,32})/(?P<service>[a-z0-9-]+)"
    r"/aws4_request, ?SignedHeaders=[^,\s]+, ?Signature=[0-9a-f]{64}"
)
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/.+)")


@dataclass(frozen=True, slots=True)
class Identity:
    """What the Authorization header says: the caller and the region that is spoken to."""

    caller: Caller
    region: str


class Callers:
    """The principals behind access key ids; without a map, everyone is the account itself."""

    def __init__(self, principals: Mapping[str, str] | None, *, account: str = DEFAULT_ACCOUNT) -> None:
        if not _ACCOUNT.fullmatch(account):
            raise StoreError("An account is 12 digits.", next_step=f"--account {DEFAULT_ACCOUNT}")
        self._principals = principals
        self._account = account

    @property
    def are_all_root(self) -> bool:
        """Whether every caller counts as the account's root, so that no policy can tell them apart."""
        return self._principals is None

    def identify(self, authorization: str) -> Identity:
        """Return who sent this Authorization header.

        Raises:
            KmsError: MissingAuthenticationTokenException, IncompleteSignatureException, InvalidSignatureException,
                UnrecognizedClientException.
        """
        if not authorization:
            raise KmsError("MissingAuthenticationTokenException", "Missing Authentication Token")
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            raise KmsError("IncompleteSignatureException", "The Authorization header is not a Signature Version 4 one.")
        if match["service"] != "kms":
            raise KmsError("InvalidSignatureException", "Credential should be scoped to correct service: 'kms'.")
        return Identity(Caller(arn=self._principal(match["id"]), access_key_id=match["id"]), match["region"])

    def _principal(self, access_key_id: str) -> str:
        if self._principals is None:
            return f"arn:aws:iam::{self._account}:root"
        arn = self._principals.get(access_key_id)
        if arn is None:
            raise KmsError("UnrecognizedClientException", "The security token included in the request is invalid.")
        return arn


def load_callers(path: Path) -> Callers:
    """Read a callers file: {"ACCESSKEYID": "arn:aws:iam::000000000000:role/NAME", ...}.

    Raises:
        StoreError: It is missing, or not such a map.
    """
    hint = 'It must be JSON: {"ACCESSKEYID": "arn:aws:iam::000000000000:role/NAME"}'
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"The callers file {path} cannot be read.", next_step=hint) from error
    if not isinstance(document, dict) or not all(
        isinstance(arn, str) and _PRINCIPAL.fullmatch(arn) for arn in document.values()
    ):
        raise StoreError(f"The callers file {path} holds something else than principals' ARNs.", next_step=hint)
    return Callers(document)
