"""How many records fit into one write: DynamoDB's limits of a transaction, known before anything is sealed."""

from collections.abc import Sequence

from twinvault.dynamodb.transaction import MAX_STATEMENTS, MAX_TRANSACTION_BYTES
from twinvault.errors import InvalidInput, TooLarge
from twinvault.records.record import MAX_ITEM_BYTES, Draft, sealed_size
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope

_OVERHEAD_STATEMENTS = 5  # head, mark, audit entry, first DEK, request
_OVERHEAD_BYTES = 80 * 1024  # an audit entry has up to 64 KiB
MAX_DRAFTS = MAX_STATEMENTS - _OVERHEAD_STATEMENTS
MAX_DRAFT_BYTES = MAX_TRANSACTION_BYTES - _OVERHEAD_BYTES
"""The rest is room for the head, its mark, the audit entry, the first DEK and the row that remembers a request."""


class Batches:
    """Measures drafts for one partition."""

    def __init__(self, scope: Scope, kind: KindSpec) -> None:
        self._scope = scope
        self._kind = kind

    def check(self, draft: Draft) -> int:
        """Returns the size of the item that the draft will become.

        Raises:
            TooLarge: over DynamoDB's 400 KiB.
            InvalidInput: it is not a record of this kind.
        """
        spec = self._kind.entity(draft.entity)
        if spec is None:
            raise InvalidInput(f"kind {self._kind.kind}: there is no entity '{draft.entity}'")
        size = sealed_size(draft, spec, scope=self._scope)
        if size > MAX_ITEM_BYTES:
            raise TooLarge(f"{spec.name}: over the limit of {MAX_ITEM_BYTES} bytes (400 KiB) for one record")
        return size

    def first(self, drafts: Sequence[Draft]) -> list[Draft]:
        """The longest beginning of `drafts` that fits into one write."""
        total, batch = 0, list[Draft]()
        for draft in drafts[:MAX_DRAFTS]:
            total += self.check(draft)
            if total > MAX_DRAFT_BYTES:
                break
            batch.append(draft)
        return batch
