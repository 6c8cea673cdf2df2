"""Terms and sums of heads, and partitions that are not what their head counts (step 9)."""

from collections.abc import Iterator
from dataclasses import replace

from tests.vectors.material import Json, fixed
from tests.vectors.positive import head_state
from twinvault.records.head import HeadState, Row


def heads(rows: list[Json]) -> Json:
    """`rows` are the vectors of records.json."""
    present = [Row(row["sk"], 1, bytes.fromhex(row["commitment"])) for row in rows if row["sk"] != "head"]
    updated = Row(present[0].sk, 2, fixed("a later commitment"))
    state = head_state(present)
    later = state.after(added=[updated], replaced=[present[0]], dek_version=1, event_id="")
    every = [*present, updated, *_strangers(present)]
    unusual = every[-2:]
    return {
        "hash_key": state.hash_key.hex(),
        "terms": [_term(state, row) for row in every],
        "sums": [
            _sum("no records", [], head_state([])),
            _sum("the records of records.json", list(range(len(present))), state),
            _sum("the first record updated", [*range(1, len(present)), len(present)], later),
            _sum("an unusual version and an unusual sort key", [len(every) - 2, len(every) - 1], head_state(unusual)),
        ],
        "refused": [*_refused(len(present), state, later)],
    }


def _strangers(present: list[Row]) -> list[Row]:
    """Rows that are in no good partition, by their places after the updated one, and two unusual ones."""
    first, second = present[0], present[1]
    return [
        Row("claim#09#01", 1, fixed("a record nobody counted")),
        replace(first, version=2),
        replace(first, sk="meta2"),
        replace(first, commitment=second.commitment),
        replace(second, commitment=first.commitment),
        replace(first, version=2**53 - 1),
        replace(first, sk="\u00e9#\U0001f511"),
    ]


def _refused(count: int, state: HeadState, later: HeadState) -> Iterator[Json]:
    whole = list(range(count))
    updated, added, raised, renamed, swapped, swapped_too = range(count, count + 6)
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
        "a version raised": [raised, *whole[1:]],
        "a record renamed": [renamed, *whole[1:]],
        "two records that changed places": [swapped, swapped_too, *whole[2:]],
    }.items():
        yield _sum(name, rows, state)
    yield _sum("a record rolled back", whole, later)
    yield _sum("a record there in both versions", [*whole, updated], later)
    yield _sum("a count one too high", whole, replace(state, count=count + 1))
    yield _sum("a count one too low", whole, replace(state, count=count - 1))
    yield _sum("a sum one too high", whole, replace(state, total=state.total + 1))
    yield _sum("a sum that differs in its first bit", whole, replace(state, total=state.total ^ 1 << 255))
    yield _sum("the head of an empty partition", whole, head_state([]))
    yield _sum("an empty partition's sum and a count", [], replace(head_state([]), count=1))


def _term(state: HeadState, row: Row) -> Json:
    term = f"{state.term(row):064x}"
    return {"sk": row.sk, "version": row.version, "commitment": row.commitment.hex(), "term": term}


def _sum(name: str, rows: list[int], state: HeadState) -> Json:
    return {"name": name, "rows": rows, "count": state.count, "sum": f"{state.total:064x}"}
