"""What of a partition opens and what does not, row by row, where a read would refuse all of it. Pure.

A read releases a partition that is whole, or nothing. Whoever mends one has to know of each row by itself. Nothing is
released from here: what opens is authentic, and may be old, put back, or one of several that are not there.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twinvault.dynamodb.marks import Mark
from twinvault.envelope.item import Item, text_of
from twinvault.errors import IntegrityError, Place, Step
from twinvault.keys.rows import dek_version, is_dek_name, row_place
from twinvault.observe import Observer
from twinvault.records.head import HeadState, Row
from twinvault.records.partition import Keys, open_head, open_row, place_rows
from twinvault.records.record import TABLE, StoredRecord
from twinvault.records.spec import HEAD, KindSpec
from twinvault.records.whole import require_keys
from twinvault.scope import Scope

_BELOW = "its key is of a version that is not in use any more"


@dataclass(frozen=True, slots=True)
class Survey:
    """The rows of one partition of one table.

    Attributes:
        items: every row, as it was found, by sort key.
        head: the head's record and its state, if it opens.
        records: the other rows that open.
        refused: by sort key, why the others do not.
    """

    items: Mapping[str, Item] = field(repr=False)
    head: tuple[StoredRecord, HeadState] | None = field(repr=False)
    records: Mapping[str, StoredRecord] = field(repr=False)
    refused: Mapping[str, IntegrityError]

    @property
    def kept(self) -> Mapping[str, Item]:
        """The rows behind `records`, as they were found."""
        return {sk: self.items[sk] for sk in self.records}

    @property
    def rows(self) -> list[Row]:
        """What of the records enters a sum."""
        return [record.row for record in self.records.values()]

    @property
    def lost(self) -> Mapping[str, IntegrityError]:
        """The rows that do not open, but for the head."""
        return {sk: refusal for sk, refusal in self.refused.items() if sk != HEAD}

    def unaccounted(self, mark: Mark | None) -> int:
        """How many records, at least, are not there as the head counts them; 0 where all is as it says.

        Records that were deleted leave the count short. One that was put back or added leaves the sum wrong, and is
        counted as one where all rows open; where some do not, nobody can say more than the count does. So is a head
        that claims the newest mark's place, or one above it, and is not the one that the mark names, and no head at
        all: then nothing says what there was.
        """
        if self.head is None:
            return 1
        head, state = self.head
        missing = state.count - len(self.records) - len(self.lost)
        if missing > 0:
            return missing
        is_other = not self.lost and state.mismatch(self.rows) is not None
        return int(is_other or _is_unmarked(head, mark))

    @property
    def newest(self) -> int:
        """The highest version that anything says which opens; 0 where nothing does."""
        every = [*self.records.values(), *([self.head[0]] if self.head else [])]
        return max((record.version for record in every), default=0)


def _is_unmarked(head: StoredRecord, mark: Mark | None) -> bool:
    """Whether no writer whose mark is there can have left this head, nor one before that."""
    if mark is None or head.version > mark.version:
        return True
    return head.version == mark.version and not hmac.compare_digest(head.digest, mark.digest)


@dataclass(frozen=True, slots=True)
class SurveyKeys:
    """The DEKs of one partition.

    Attributes:
        there: those that open, by name.
        missing: why the others do not: their rows are not there, or were changed.
    """

    there: Keys = field(repr=False)
    missing: Mapping[str, IntegrityError]

    def newest(self, scope: Scope) -> int:
        """The newest version that opens; 0 where none does."""
        return max((dek_version(name, scope=scope) for name in self.there), default=0)


def survey(
    items: Sequence[Item], keys: SurveyKeys, *, scope: Scope, kind: KindSpec, lowest_format: int, observer: Observer
) -> Survey:
    """Takes steps 0 to 8 for each row by itself; what a row is refused for is kept, and refuses no other.

    Raises:
        Undeclared: a row is authentic, and the kind does not declare what it holds: it is not to be given up.
    """
    surveying = _Surveying(keys, scope, kind, lowest_format, observer)
    by_sk = {text_of(item, "sk"): item for item in items}
    head, records, refused = None, dict[str, StoredRecord](), dict[str, IntegrityError]()
    for sk, item in by_sk.items():
        try:
            if sk == HEAD:
                head = surveying.head(item)
            else:
                records[sk] = surveying.record(item)
        except IntegrityError as refusal:
            refused[sk] = refusal
    if head is not None:
        # Under a key that was given up for good anybody who had it can have written.
        for sk, record in list(records.items()):
            if dek_version(record.key_id, scope=scope) < head[1].lowest_dek_version:
                refused[sk] = IntegrityError(Step.HEAD, where=Place(TABLE, scope.pk, sk), detail=_BELOW)
                del records[sk]
    return Survey(by_sk, head, records, refused)


@dataclass(frozen=True, slots=True)
class _Surveying:
    keys: SurveyKeys
    scope: Scope
    kind: KindSpec
    lowest_format: int
    observer: Observer

    def head(self, item: Item) -> tuple[StoredRecord, HeadState]:
        (row,) = place_rows([item], scope=self.scope, lowest_format=self.lowest_format)
        self._require_key(row.context.key_id)
        head, state = open_head(row, self.keys.there, kind=self.kind, observer=self.observer)
        require_keys(head, state, records=(), scope=self.scope)
        return head, state

    def record(self, item: Item) -> StoredRecord:
        (row,) = place_rows([item], scope=self.scope, lowest_format=self.lowest_format)
        self._require_key(row.context.key_id)
        return open_row(row, self.keys.there, kind=self.kind, observer=self.observer)

    def _require_key(self, name: str) -> None:
        if name in self.keys.missing:
            raise self.keys.missing[name]
        if is_dek_name(name, scope=self.scope) and name not in self.keys.there:
            raise IntegrityError(Step.MISSING_KEY, where=row_place(self.scope.tenant, name))
