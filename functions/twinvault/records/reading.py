"""The full read of a partition: every row opened, the head's sum recomputed (docs/design.md, "Life of a read").

A Query is only read-committed against transactions: it can see half of one. So a mismatch is tampering only when three
consistent reads over at least a second see the same head and the same mismatch; until then it is read again.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twinvault.audit.activity import Activity
from twinvault.envelope.item import KEY_ID, Item, text_of
from twinvault.errors import Contention, IntegrityError, Step
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.records.head import HeadState, Row, surplus_row
from twinvault.records.record import Record, open_record
from twinvault.records.spec import HEAD, EntitySpec, KindSpec
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table

_LOOKS = 3
_PAUSE = 0.55  # two pauses between three looks: more than a second
_MOST_READS = 8


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A partition as one consistent whole: authentic, complete and nothing else.

    Attributes:
        head: the head's record; its fields hold the kind's own ones.
        state: the library's part of the head.
        records: all other records by sort key, in order.
    """

    head: Record
    state: HeadState = field(repr=False)
    records: dict[str, Record]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a read needs to know.

    Attributes:
        lowest_format: the lowest record format that is still opened.
    """

    lowest_format: int = 1


class _Doubt(IntegrityError):
    """What one look saw amiss. The same `signature` at each of three looks makes it tampering."""

    def __init__(self, step: Step, *, where: str, signature: tuple[object, ...], detail: str = "") -> None:
        super().__init__(step, where=where, detail=detail)
        self.signature = signature


class Reader:
    """Reads partitions; thread-safe."""

    def __init__(
        self, table: "Table", keys: KeyHierarchy, *, settings: Settings, sleep: Callable[[float], None]
    ) -> None:
        self._table = table
        self._keys = keys
        self._settings = settings
        self._sleep = sleep

    def read(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        """Returns the whole partition, or None where there is none.

        Raises:
            IntegrityError: a row does not open, or rows were deleted, added, duplicated or rolled back.
            Contention: writers kept changing it.
        """
        doubts: list[_Doubt] = []
        for _ in range(_MOST_READS):
            try:
                return self._look(scope, kind, activity=activity)
            except _Doubt as doubt:
                doubts = [*doubts, doubt] if doubts and doubts[-1].signature == doubt.signature else [doubt]
                if len(doubts) == _LOOKS:
                    raise IntegrityError(doubt.step, where=doubt.where, detail=doubt.detail) from None
            self._sleep(_PAUSE)
        raise Contention("the partition keeps changing", retry_after=1)

    def open(self, item: Item, spec: EntitySpec, *, scope: Scope, activity: Activity) -> Record:
        """Opens one row: authentic, though perhaps not the newest (a full read shows that)."""
        # The key id is checked before anything is fetched in its name: it must be this partition's own.
        key_id = text_of(item, KEY_ID)
        if not key_id:
            raise IntegrityError(Step.KEY_ID, where=f"{scope.pk}/{spec.name}")
        key = self._keys.dek(scope, key_id, observer=activity)
        try:
            record = open_record(item, spec, scope=scope, key=key, lowest_format=self._settings.lowest_format)
        except IntegrityError:
            activity.crypto("decrypt", key.name, outcome="failure")
            raise
        activity.crypto("decrypt", key.name)
        return record

    def _look(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        items = self._table.query(scope.pk)
        if not items and not self._keys.has_dek(scope):
            return None
        head_item = next((item for item in items if text_of(item, "sk") == HEAD), None)
        if head_item is None:
            step = Step.HEAD if items else Step.MISSING_PARTITION
            detail = "there is no head" if items else ""
            raise _Doubt(step, where=scope.pk, signature=(step, len(items)), detail=detail)
        try:
            head = self.open(head_item, kind.head, scope=scope, activity=activity)
            records = [
                self.open_any(item, kind, scope=scope, activity=activity) for item in items if item is not head_item
            ]
        except IntegrityError as error:
            if error.step is not Step.MISSING_KEY:
                raise
            # The DEK's row and the head are written together, and may be seen one before the other.
            raise _Doubt(error.step, where=error.where, signature=(error.step, error.where)) from None
        state = HeadState.from_fields(head.fields)
        _require_complete(state, head, rows=[record.row for record in records], scope=scope)
        activity.head(scope.pk, version=head.version, commitment=head.commitment)
        return Snapshot(head, state, {record.sk: record for record in records})

    def open_any(self, item: Item, kind: KindSpec, *, scope: Scope, activity: Activity) -> Record:
        """Opens one row of whichever entity it says it is; what it says is then proven by the seal."""
        name = text_of(item, "entity_type")
        spec = kind.head if name == HEAD else kind.entity(name)
        if spec is None:
            raise IntegrityError(Step.CLEAR, where=f"{scope.pk}/{text_of(item, 'sk')}")
        return self.open(item, spec, scope=scope, activity=activity)


def _require_complete(state: HeadState, head: Record, *, rows: list[Row], scope: Scope) -> None:
    """Step 9: these rows are exactly those that the head's writer left."""
    mismatch = state.mismatch(rows)
    if mismatch is None:
        return
    surplus, difference = mismatch
    added = surplus_row(state, rows, difference=difference) if surplus == 1 else None
    named = {1: "a record was added", -1: "a record was deleted", 0: "a record was rolled back"}.get(
        surplus, "records were added or deleted"
    )
    where = f"{scope.pk}/{added.sk}" if added else scope.pk
    raise _Doubt(Step.HEAD, where=where, signature=(head.commitment, surplus, difference), detail=named)
