"""Whole partitions with their newest mark: those that open, and those that steps 9 and 10 refuse."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.vectors.material import (
    DEK,
    DEK_ID,
    KIND,
    NEXT_DEK,
    NEXT_DEK_ID,
    PARTITION,
    PK,
    TENANT,
    Json,
    fixed,
    item_json,
)
from twinvault.dynamodb.marks import Mark, head_mark_key, mark_item
from twinvault.envelope.item import SALT
from twinvault.errors import Step
from twinvault.keys.rows import NamedKey
from twinvault.records.head import STORE, HeadState, empty_head
from twinvault.records.record import Draft
from twinvault.records.sealing import Put, Sealing
from twinvault.records.spec import COMMON, HEAD, TEXT, EntitySpec, KindSpec, head_spec
from twinvault.scope import Scope

SCOPE = Scope(TENANT, KIND, PARTITION)
CLAIM = EntitySpec("claim", re.compile(r"claim#[0-9]{2}#[0-9]{2}"), {"status": TEXT}, frozenset({"label", "content"}))
CLAIMS = KindSpec(KIND, (CLAIM,), head_spec({"state": TEXT}, frozenset({"owner"})))
OLD, NEW = NamedKey(DEK_ID, DEK), NamedKey(NEXT_DEK_ID, NEXT_DEK)
MARK_PK = head_mark_key(PK)


@dataclass(frozen=True)
class State:
    """A partition as one write left it."""

    head: Put
    state: HeadState
    records: dict[str, Put]

    @property
    def items(self) -> list[Any]:
        return [self.head.item, *(self.records[sk].item for sk in sorted(self.records))]

    @property
    def mark(self) -> Mark:
        return mark_of(self.head)


def mark_of(head: Put) -> Mark:
    version = head.record.version
    return Mark(version, head.record.digest, f"0193587d-2a00-7000-8000-{version:012d}")


def put(draft: Draft, *, version: int, key: NamedKey, name: str = "", salt: bytes | None = None) -> Put:
    """A row with a salt and a nonce of its own; `name` tells it from another of the same place and version."""
    drawn = (salt or fixed(f"{draft.sk} {version} {name}: salt")) + fixed(f"{draft.sk} {version} {name}: nonce", 12)
    times = f"2026-11-23T09:00:0{version}.000000Z"
    return Sealing(SCOPE, CLAIMS, key, version, times, lambda size: drawn[:size]).put(draft, None)


def claim(number: int, label: str, **options: Any) -> Put:
    return put(Draft("claim", f"claim#01#{number:02d}", {"status": "asserted", "label": label}), **options)


def head(state: HeadState, **options: Any) -> Put:
    return put(Draft(HEAD, HEAD, {"state": "complete", "owner": "u-17", STORE: state.to_fields()}), **options)


def write(before: State | None, *puts: Put, key: NamedKey = OLD, name: str = "", **keys: int) -> State:
    """The state after a write of these records; `keys` are changes of the head's DEK versions."""
    old = before.records if before else {}
    start = before.state if before else empty_head(fixed("partitions: hash key"), dek_version=1)
    version = before.head.record.version + 1 if before else 1
    after = start.after(
        added=[one.record.row for one in puts],
        removed=[old[one.record.sk].record.row for one in puts if one.record.sk in old],
        dek_version=start.dek_version,
        event_id=f"0193587d-2a00-7000-8000-{version:012d}",
    )
    state = replace(after, **keys)
    records = {**old, **{one.record.sk: one for one in puts}}
    return State(head(state, version=version, key=key, name=name), state, records)


ONE = write(None, claim(1, "YES", version=1, key=OLD), claim(2, "two", version=1, key=OLD))
TWO = write(ONE, claim(1, "NO", version=2, key=OLD), claim(3, "three", version=2, key=OLD))
THREE = write(TWO, claim(2, "2", version=3, key=NEW), key=NEW, dek_version=2)
FOUR = write(
    THREE, claim(1, "NO", version=4, key=NEW), claim(3, "three", version=4, key=NEW), key=NEW, lowest_dek_version=2
)


def partitions() -> Json:
    """See the module."""
    return {
        "scope": {"table": "records", "tenant": TENANT, "pk": PK},
        "keys": {key.name: key.key.hex() for key in (OLD, NEW)},
        "entities": {spec.name: _declared(spec) for spec in (CLAIM, CLAIMS.head)},
        "mark_pk": MARK_PK,
        "partitions": [
            {"name": "nothing", "items": [], "mark": None, "records": None},
            *(
                {"name": name, **_found(state.items, state.mark), "records": _records(state)}
                for name, state in {
                    "first written": ONE,
                    "a record changed and one added": TWO,
                    "a record written under a new key": THREE,
                    "the old key out of use": FOUR,
                }.items()
            ),
        ],
        "refused": [
            {"name": name, **_found(items, mark), "step": step.value} for name, items, mark, step in _refused()
        ],
    }


def _refused() -> Iterator[tuple[str, Sequence[Any], Mark | Json | None, Step]]:
    fork = write(ONE, claim(1, "MAYBE", version=2, key=OLD, name="fork"), name="fork")
    anew = head(TWO.state, version=2, key=OLD, name="anew")
    yield "deleted whole", [], TWO.mark, Step.MISSING_PARTITION
    yield "without its head", TWO.items[1:], TWO.mark, Step.HEAD
    yield "put back whole", ONE.items, TWO.mark, Step.MARK
    yield "put back to before a new key", TWO.items, THREE.mark, Step.MARK
    yield "put back to before the old key went out of use", THREE.items, FOUR.mark, Step.MARK
    yield "newer than its newest mark", TWO.items, ONE.mark, Step.MARK
    yield "without a mark", TWO.items, None, Step.MARK
    yield "a fork", fork.items, TWO.mark, Step.MARK
    yield "the same head sealed anew", [anew.item, *TWO.items[1:]], TWO.mark, Step.MARK
    yield "a record rolled back", [TWO.head.item, *ONE.items[1:], *TWO.items[3:]], TWO.mark, Step.HEAD
    yield "a head rolled back", [ONE.head.item, *TWO.items[1:]], TWO.mark, Step.HEAD
    yield "other content under the same commitment", [*TWO.items[:3], _forged().item], TWO.mark, Step.HEAD
    for name, state, key in (
        ("a head under an older key than it names", replace(TWO.state, dek_version=2), OLD),
        ("a head under a newer key than it names", TWO.state, NEW),
    ):
        made = head(state, version=2, key=key, name=name)
        yield name, [made.item, *TWO.items[1:]], mark_of(made), Step.HEAD
    below = write(THREE, key=NEW, name="below", lowest_dek_version=2)
    above = write(TWO, claim(4, "four", version=3, key=NEW, name="above"), name="above")
    yield "a record under a key out of use", below.items, below.mark, Step.HEAD
    yield "a record under a key that is not in use yet", above.items, above.mark, Step.HEAD
    good = mark_item(MARK_PK, TWO.mark)
    for name, change in {
        "a mark with a short digest": {"digest": {"B": bytes(31)}},
        "a mark with its digest in text": {"digest": {"S": TWO.mark.digest.hex()}},
        "a mark of 19 digits": {"sk": {"S": f"{2:019d}"}},
        "a mark of no number": {"sk": {"S": "0000000000000000000a"}},
    }.items():
        yield name, TWO.items, {**good, **change}, Step.MARK


def _forged() -> Put:
    """The third claim with another text, sealed under its own salt by whoever holds the key."""
    there = TWO.records["claim#01#03"]
    return claim(3, "3", version=2, key=OLD, name="forged", salt=there.item[SALT]["B"])


def _found(items: Sequence[Any], mark: Mark | Json | None) -> Json:
    found = mark_item(MARK_PK, mark) if isinstance(mark, Mark) else mark
    return {"items": [item_json(dict(item)) for item in items], "mark": None if found is None else item_json(found)}


def _records(state: State) -> Json:
    records = [state.head.record, *(state.records[sk].record for sk in sorted(state.records))]
    return {one.sk: {"version": str(one.version), "fields": one.fields, "digest": one.digest.hex()} for one in records}


def _declared(spec: EntitySpec) -> Json:
    clear = {**COMMON, **spec.clear}
    return {"declared": {name: sorted(kinds) for name, kinds in clear.items()}, "sealed": sorted(spec.sealed)}
