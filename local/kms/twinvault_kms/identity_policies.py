"""What identity policies say of whom: a file that may change while the KMS runs.

{"identity": {principal's ARN: [document, ...]}}, as the gate's policies file; whatever else it holds is others'. Where
a key's policy leaves its use to the account (developer guide, "Default key policy"), these decide.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twinvault_iam.book import parse_book
from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.policy import Policy
from twinvault_iam.services import KMS_IDENTITY
from twinvault_kms.errors import KmsError, StoreError

LOG = logging.getLogger("twinvault.kms")

type _Version = tuple[int, int, int]


@dataclass(slots=True)
class IdentityPolicies:
    """The policies of all principals. `path` None: nobody knows any, and key policies and grants decide alone.

    Raises:
        StoreError: the file is missing, not of its form, or holds a policy that would not be evaluated whole.
    """

    path: Path | None = None
    _seen: _Version | None = field(default=None, init=False)
    _by_principal: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Reads the file, so that a bad one is found before anything is served."""
        if self.path is not None:
            self._read(self.path)

    def of(self, principal: str) -> tuple[Policy, ...] | None:
        """The policies of the principal with this ARN, as the file has them now; None: nobody knows any.

        Raises:
            KmsError: the file became unusable; nothing is allowed by what it said before.
        """
        if self.path is None:
            return None
        try:
            if self._seen != _version(self.path):
                self._read(self.path)
        except (OSError, StoreError) as error:
            LOG.error("%s", error)  # noqa: TRY400  # a sentence that says what is wrong, and nothing that failed here
            raise KmsError("KMSInternalException", "The identity policies cannot be read.", status=500) from None
        return self._by_principal.get(principal, ())

    def _read(self, path: Path) -> None:
        hint = 'It must be JSON: {"identity": {"arn:…:role/NAME": [document]}}'
        try:
            seen = _version(path)
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise StoreError(f"The policies file {path} cannot be read.", next_step=hint) from None
        identity = document.get("identity") if isinstance(document, dict) else None
        if not isinstance(identity, dict):
            raise StoreError(f"The policies file {path} is not of its form.", next_step=hint)
        try:
            book = parse_book(identity=identity, tables={}, keys={}, words=KMS_IDENTITY)
        except MalformedPolicyError as error:
            raise StoreError(f"A policy would not be enforced: {error}.", next_step="Change it.") from None
        self._seen, self._by_principal = seen, book.identity


def _version(path: Path) -> _Version:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
