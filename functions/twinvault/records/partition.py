"""The trust core: rows go in, a partition comes out, or a refusal. Pure.

`open_partition` takes all of the ten steps of docs/format.md, "Open", over everything that a Query of one partition
found. Steps 0 to 8 are taken for each row by `open_row`, which a read of single rows takes as well; step 9 is about all
of them. What holds, whatever the rows are:

- Table, tenant, kind and partition come from the scope of whoever asks. A row's own word for any of them is compared,
  never followed.
- A row opens under the key that it names, if that is one of `keys`, and under no other. `named_keys` says which to
  fetch, and names none that is not the partition's own.
- What a row says of itself, which entity it is included, chooses how it is opened; its seal then proves it.
- A snapshot is released only when every row has opened and their sum is the head's. There is no part of one.
- A refusal is an `IntegrityError` that tells which step failed, and where. Rows that open and do not fit their head are
  a `Mismatch`, because a Query can see half of a transaction: whether it is one is for the caller to find out.

Not done here is any IO. Rows are queried, keys fetched and unwrapped, looks repeated and audit entries appended by
those who call this (`reading`, `store`). No clock is read and nothing is drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twinvault.envelope import open_sealed
from twinvault.envelope.item import KEY_ID, Item, from_item, text_of
from twinvault.errors import IntegrityError, Step
from twinvault.keys.rows import NamedKey, is_dek_name
from twinvault.records.head import STORE, HeadState, Row, surplus_row
from twinvault.records.record import TABLE, Record, decode_payload, label_of, stamped
from twinvault.records.spec import HEAD, EntitySpec, KindSpec, from_clear
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.observe import Observer

_ADDED, _DELETED, _ROLLED_BACK = "a record was added", "a record was deleted", "a record was rolled back"
_NO_HEAD, _SEVERAL = "there is no head", "records were added or deleted"

type Keys = Mapping[str, NamedKey]
"""The DEKs of one partition that were fetched, by name."""


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


class Mismatch(IntegrityError):
    """What was found does not fit together: tampering, or half of a transaction that is being written.

    Attributes:
        evidence: equal in two looks that saw the same thing amiss.
    """

    def __init__(self, step: Step, *, where: str, evidence: tuple[object, ...], detail: str = "") -> None:
        super().__init__(step, where=where, detail=detail)
        self.evidence = (step, where, *evidence)


def named_keys(items: Sequence[Item], *, scope: Scope) -> list[str]:
    """The DEKs that these rows name and that are this partition's own, each once: what to fetch before opening.

    A row that names anything else is passed over, so that nothing is ever fetched in its name; opening refuses it, at
    step 2.
    """
    named = dict.fromkeys(text_of(item, KEY_ID) for item in items)
    return [name for name in named if is_dek_name(name, scope=scope)]


def open_partition(
    items: Sequence[Item], keys: Keys, *, kind: KindSpec, scope: Scope, lowest_format: int, observer: "Observer"
) -> Snapshot:
    """Returns the partition that these rows are: all of them, authentic, as its last writer left them.

    Args:
        items: everything found under the scope's pk, in the order of the sort keys; at least one row.
        keys: the keys that `named_keys` asks for.
        kind: what the partition's records and its head declare.
        scope: where the caller looked.
        lowest_format: the lowest record format that is still opened.
        observer: is told of each row that opens or does not.

    Raises:
        Mismatch: rows were deleted, added, duplicated or rolled back, or a transaction was half seen.
        IntegrityError: a row does not open.
    """

    def opened(item: Item) -> Record:
        return open_row(item, keys, kind=kind, scope=scope, lowest_format=lowest_format, observer=observer)

    head_item = next((item for item in items if text_of(item, "sk") == HEAD), None)
    if head_item is None:
        raise Mismatch(Step.HEAD, where=scope.pk, evidence=(len(items),), detail=_NO_HEAD)
    # 0 place to 8 payload, of the head first and then of every other row.
    head = opened(head_item)
    state = HeadState.from_fields(head.fields.get(STORE), where=f"{scope.pk}/{HEAD}")
    records = [opened(item) for item in items if item is not head_item]
    # 9 head: the rows are those that its writer left, no more, no fewer and no others.
    require_whole(head, state, rows=[record.row for record in records], where=scope.pk)
    return Snapshot(head, state, {record.sk: record for record in records})


def open_row(
    item: Item, keys: Keys, *, kind: KindSpec, scope: Scope, lowest_format: int, observer: "Observer"
) -> Record:
    """Returns the record of one row of the kind: authentic, though perhaps not the newest.

    Raises:
        IntegrityError: one of the steps 0 to 8 fails.
    """
    spec = _declared(item, kind)
    if spec is None:
        # 4 clear attributes: of an entity that the kind does not declare, none is declared.
        raise IntegrityError(Step.CLEAR, where=_place(item, scope), detail="an entity that is not declared")
    key = keys.get(text_of(item, KEY_ID))
    try:
        record = open_record(item, spec, keys=keys, scope=scope, lowest_format=lowest_format)
    except IntegrityError:
        if key is not None:
            observer.crypto("decrypt", key.name, outcome="failure")
        raise
    observer.crypto("decrypt", record.key_id)
    return record


def open_record(item: Item, spec: EntitySpec, *, keys: Keys, scope: Scope, lowest_format: int) -> Record:
    """Returns the record of one row, which is to be one of this entity.

    Raises:
        IntegrityError: one of the steps 0 to 8 fails.
    """
    try:
        return _opened(item, spec, keys=keys, scope=scope, lowest_format=lowest_format)
    except IntegrityError as refusal:
        raise IntegrityError(refusal.step, where=_place(item, scope), detail=refusal.detail) from None


def require_whole(head: Record, state: HeadState, *, rows: Sequence[Row], where: str) -> None:
    """Step 9: these are the rows that the head counts, and their terms add up to its sum.

    Raises:
        Mismatch: they are not. `where` names the one row that is too many, if there is one such row.
    """
    mismatch = state.mismatch(rows)
    if mismatch is None:
        return
    surplus, difference = mismatch
    added = surplus_row(state, rows, difference=difference) if surplus == 1 else None
    raise Mismatch(
        Step.HEAD,
        where=f"{where}/{added.sk}" if added else where,
        evidence=(head.commitment, surplus, difference),
        detail={1: _ADDED, -1: _DELETED, 0: _ROLLED_BACK}.get(surplus, _SEVERAL),
    )


def _opened(item: Item, spec: EntitySpec, *, keys: Keys, scope: Scope, lowest_format: int) -> Record:
    # 0 place, 1 format, 2 key id (its form), 3 lengths, 4 clear attributes (declared, and of a declared type): what the
    # row says, before any key is used.
    context, stored = from_item(
        item, table=TABLE, tenant=scope.tenant, pk=scope.pk, shape=spec.shape, lowest_format=lowest_format
    )
    # 2 key id: it names one of this partition's keys, and the sort key is one of this entity's.
    key = keys.get(context.key_id)
    if key is None or not spec.sk.fullmatch(context.sk):
        raise IntegrityError(Step.KEY_ID)
    # 4 clear attributes (encoded, with place and scope, into the AAD), 5 commitment (of this key and this AAD),
    # 6 ciphertext, 7 padding: nothing is released before all four have passed.
    opened = open_sealed(stored, key=key.key, label=label_of(spec), context=context)
    # 8 payload: the bytes are authentic; that they decode is a promise of whoever sealed them.
    fields = decode_payload(opened.plaintext, spec)
    version, created_at, updated_at = stamped(context.clear)
    clear = {name: from_clear(value) for name, value in context.clear.items() if name in spec.clear}
    return Record(
        entity=spec.name,
        sk=context.sk,
        version=version,
        created_at=created_at,
        updated_at=updated_at,
        fields={**clear, **fields},
        key_id=context.key_id,
        commitment=stored.commitment,
        digest=opened.digest,
    )


def _declared(item: Item, kind: KindSpec) -> EntitySpec | None:
    """The entity of which the row says, or its place says, that it is one."""
    name = text_of(item, "entity_type")
    return kind.head if HEAD in {name, text_of(item, "sk")} else kind.entity(name)


def _place(item: Item, scope: Scope) -> str:
    return f"{scope.pk}/{text_of(item, 'sk')}"
