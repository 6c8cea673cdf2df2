"""One request, from its operation's name and body to its answer: the core between clock, randomness and disk.

What changes the store is on disk before the answer leaves; what only uses keys never touches the disk.
"""

import base64
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from twinvault_kms.call import Call, Reply
from twinvault_kms.clock import Clock
from twinvault_kms.core import OPERATIONS
from twinvault_kms.errors import KmsError
from twinvault_kms.identity import Identity
from twinvault_kms.identity_policies import IdentityPolicies
from twinvault_kms.journal import Journal
from twinvault_kms.lifecycle import due_changes
from twinvault_kms.ring import KeyRing
from twinvault_kms.slow import SlowError, Workers
from twinvault_kms.validate import service, validated
from twinvault_serving.ledger import CallLedger

LOG = logging.getLogger("twinvault.kms")


@dataclass(slots=True)
class Engine:
    """The KMS without its HTTP server."""

    journal: Journal = field(repr=False)
    ring: KeyRing = field(repr=False)
    clock: Clock = field(default_factory=Clock)
    ledger: CallLedger = field(default_factory=lambda: CallLedger(None), repr=False)
    policies: IdentityPolicies = field(default_factory=IdentityPolicies, repr=False)
    workers: Workers = field(default_factory=Workers, repr=False)

    async def answer(self, operation: str, body: bytes, identity: Identity) -> bytes:
        """Return the body of a successful answer.

        Raises:
            KmsError: Every refusal.
        """
        handler = OPERATIONS.get(operation)
        if handler is None:
            offered = operation in service().operation_names
            LOG.warning("operation %s is not offered by the local KMS", operation if offered else "(unknown)")
            raise KmsError("UnknownOperationException", f"The local KMS does not offer {operation}." if offered else "")
        parameters = validated(operation, _document(body))
        try:
            outcome = handler(self._call(operation, parameters, identity))
        except SlowError as work:
            made = await self.workers.done(work)
            outcome = handler(self._call(operation, parameters, identity, made=(made,)))
        return self._committed(outcome)

    def close(self) -> None:
        """Begin nothing any more, and release the store."""
        self.workers.close()
        self.journal.close()

    def _call(
        self, operation: str, parameters: Mapping[str, object], identity: Identity, *, made: tuple[object] | None = None
    ) -> Call:
        """Return the request as it stands before the store of this moment."""
        now = self.clock.now()
        if now >= self.journal.catalog.schedule.next():
            self._let_pass(now)
        return Call(
            operation=operation,
            parameters=parameters,
            caller=identity.caller,
            region=identity.region,
            now=now,
            catalog=self.journal.catalog,
            ring=self.ring,
            random=secrets.token_bytes,
            note=self.ledger.note,
            identity=self.policies.of(identity.caller.principal_arn),
            made=made,
        )

    def _let_pass(self, now: float) -> None:
        """Bring the store up to `now`: deletions, rotations, expired material."""
        changes = due_changes(self.journal.catalog, now=now, ring=self.ring)
        if changes:
            self.journal.append(changes)

    def _committed(self, outcome: Reply) -> bytes:
        if outcome.changes:
            try:
                self.journal.append(outcome.changes)
            except OSError:
                LOG.exception("the store could not be written; nothing was changed")
                raise KmsError("KMSInternalException", "The store could not be written.", status=500) from None
        if outcome.answer is None:
            return b""
        return json.dumps(outcome.answer, separators=(",", ":"), default=_encoded).encode()


def _document(body: bytes) -> object:
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise KmsError("SerializationException") from None


def _encoded(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)
