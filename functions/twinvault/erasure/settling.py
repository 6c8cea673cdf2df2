"""Erasures get their time: when no epoch lived any more that may have wrapped a key of theirs.

Whoever destroyed the epochs says so, in each erasure's own row; or, where that was done by hand, whoever is the next
to look. A time that is later than the truth makes a receipt say more time than is needed, and never less.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twinvault.envelope import ID, tenant_key
from twinvault.envelope.item import text_of
from twinvault.erasure.horizon import is_final
from twinvault.errors import IntegrityError, NotFound, Undeclared
from twinvault.keys.rows import ERASURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twinvault.erasure.request import ErasureRequest
    from twinvault.erasure.requests import ErasureRequests


@dataclass(frozen=True, slots=True)
class Settling:
    """Settles the erasures of one activity's tenant."""

    requests: "ErasureRequests"

    def settle_all(self, *, lowest_epoch: int) -> int:
        """All erasures that are final by now and were not known to be; returns how many. Safe to repeat.

        One whose row does not open is passed over, and the audit log says why.

        Raises:
            OutcomeUnknown, KeyRefused, DependencyError: as for any write; repeating is safe.
        """
        settled = 0
        for erasure_id in self._ids():
            try:
                before = self.requests.get(erasure_id)
                after = self.settle(before, lowest_epoch=lowest_epoch)
            except NotFound:
                continue  # it went while this looked
            except (IntegrityError, Undeclared) as refusal:
                self.requests.audit.refused(self.requests.activity, refusal)
                continue
            settled += after.finalized_at != before.finalized_at
        return settled

    def settle(self, one: "ErasureRequest", *, lowest_epoch: int) -> "ErasureRequest":
        """This erasure, with its time if it is final by a register of this lowest epoch; errors as for any write.

        Of a tenant nothing is left to settle: its epochs went with it.
        """
        if not _is_due(one, lowest_epoch=lowest_epoch):
            return one
        at = self.requests.now()
        return self.requests.change(one.id, lambda found: _settled(found, at, lowest_epoch=lowest_epoch))

    def _ids(self) -> "Iterator[str]":
        items = self.requests.rows.table.query(tenant_key(self.requests.activity.tenant), ERASURE)
        ids = (text_of(item, "sk").removeprefix(ERASURE) for item in items)
        return (one for one in ids if ID.fullmatch(one))


def _is_due(one: "ErasureRequest", *, lowest_epoch: int) -> bool:
    erased = one.erased
    if erased is None or erased.kind is None or one.finalized_at is not None:
        return False
    return is_final(erased.newest_epoch, lowest_epoch=lowest_epoch)


def _settled(one: "ErasureRequest", at: str, *, lowest_epoch: int) -> "ErasureRequest | None":
    return replace(one, finalized_at=at) if _is_due(one, lowest_epoch=lowest_epoch) else None
