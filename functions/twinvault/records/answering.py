"""What a request was answered with before, found in its row."""

from typing import TYPE_CHECKING

from twinvault.envelope.item import Item, from_item
from twinvault.errors import IntegrityError
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import dek_version
from twinvault.records.head import HeadState
from twinvault.records.record import TABLE
from twinvault.records.requests import Answered, open_answer, requests_key
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.observe import Observer


def find_answer(
    item: Item, scope: Scope, *, state: HeadState, keys: KeyHierarchy, lowest_format: int, observer: "Observer"
) -> Answered:
    """What the row of a request says, of a partition whose head says `state`.

    Raises:
        IntegrityError: it does not open.
        KeyRefused, DependencyError: as for any key.
    """
    found = from_item(item, table=TABLE, tenant=scope.tenant, pk=requests_key(scope), lowest_format=lowest_format)
    if dek_version(found.context.key_id, scope=scope) < state.lowest_dek_version:
        return Answered(b"", 0, b"", 0, found.stored.commitment)  # its key may be gone: it counts as expired
    try:
        answered = open_answer(found, key=keys.dek(scope, found.context.key_id, observer=observer))
    except IntegrityError as refusal:
        raise refusal.at(found.place) from None
    observer.crypto("decrypt", found.context.key_id)
    return answered
