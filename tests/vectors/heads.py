"""Terms and sums of heads, and partitions that are not what their head counts (step 9)."""

from collections.abc import Iterator
from dataclasses import replace

from tests.vectors.material import Json, fixed
from tests.vectors.positive import head_state
from twinvault.records.head import HeadState, Row


def heads(rows: list[Json]) -> Json:
    """`rows` are the vectors of records.json."""
    present = [Row(row["sk"], bytes.fromhex(row["digest"])) for row in rows if row["sk"] != "head"]
    updated = Row(present[0].sk, fixed("a later digest"))
    state = head_state(present)
    later = state.after(added=[updated], removed=[present[0]], dek_version=1, event_id="")
    every = [*present, updated, *_strangers()]
    unusual = every[-2:]
    return {
        "hash_key": state.hash_key.hex(),
        "terms": [_term(state, row) for row in every],
        "sums": [
            _sum("no records", [], head_state([])),
            _sum("the records of records.json", list(range(len(present))), state),
            _sum("the first record updated", [*range(1, len(present)), len(present)], later),
            _sum("digests of zeros and of ones", [len(every) - 2, len(every) - 1], head_state(unusual)),
        ],
        "refused": [*_refused(len(present), state, later)],
    }


def _strangers() -> list[Row]:
    """Rows that are in no good partition, and two unusual ones."""
    return [
        Row("claim#09#01", fixed("a record nobody counted")),
        Row("claim#09#02", bytes(32)),
        Row("claim#09#03", b"\xff" * 32),
    ]


def _refused(count: int, state: HeadState, later: HeadState) -> Iterator[Json]:
    whole = list(range(count))
    updated, added = count, count + 1
    for name, rows in {
        "the last record deleted": whole[:-1],
        "the first record deleted": whole[1:],
        "all records deleted": [],
        "a record added": [*whole, added],
        "a record duplicated": [*whole, 0],
        "every record duplicated": whole * 2,
        "a record put in the place of another": [*whole[:-1], added],
        "a record deleted and another duplicated": [*whole[1:], 1],
        "a record of a later head": [updated, *whole[1:]],
    }.items():
        yield _sum(name, rows, state)
    yield _sum("a record rolled back", whole, later)
    yield _sum("a record there in both versions", [*whole, updated], later)
    yield _sum("a count one too high", whole, replace(state, count=count + 1))
    yield _sum("a count one too low", whole, replace(state, count=count - 1))
    yield _sum("a sum one too high", whole, replace(state, total=state.total + 1))
    yield _sum("a sum that differs in its first bit", whole, replace(state, total=state.total ^ 1 << 2047))
    yield _sum("the head of an empty partition", whole, head_state([]))
    yield _sum("an empty partition's sum and a count", [], replace(head_state([]), count=1))


def _term(state: HeadState, row: Row) -> Json:
    return {"sk": row.sk, "digest": row.digest.hex(), "term": f"{state.term(row):0512x}"}


def _sum(name: str, rows: list[int], state: HeadState) -> Json:
    return {"name": name, "rows": rows, "count": state.count, "sum": f"{state.total:0512x}"}
