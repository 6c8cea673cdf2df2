"""A partition opened at once, of rows that are there already."""

from collections.abc import Sequence

from twinvault.dynamodb.marks import Mark
from twinvault.envelope.item import Found
from twinvault.observe import Observer
from twinvault.records.partition import Keys, Opening, Snapshot
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope


def open_partition(
    rows: Sequence[Found], keys: Keys, *, mark: Mark | None, kind: KindSpec, scope: Scope, observer: Observer
) -> Snapshot | None:
    opening = Opening(scope, kind, observer=observer)
    opening.take(rows, keys)
    return opening.whole(mark)
