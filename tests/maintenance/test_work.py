"""A work as text: one text for one work, and no other text is one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from twinvault.errors import IntegrityError, Place, Step
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.work import Lease, RefusedPartition, Work, WorkState, decode

BEGUN, UPDATED = "2026-11-30T09:00:00.000000Z", "2026-11-30T09:00:05.250000Z"
EVENT = "0193587d-2a00-7000-8000-000000000001"
WORK = Work(
    id=EVENT,
    job="rewrite",
    kind="note",
    principal="subject-1",
    begun=BEGUN,
    updated=UPDATED,
    last_event=EVENT,
    cursor="n007",
    counts=Counts(8, 21, 3, 1),
    stopped_since=BEGUN,
    lease=Lease("0f" * 16, UPDATED),
)


def read(payload: bytes) -> Work:
    return decode(payload, work_id=EVENT, begun=BEGUN, updated=UPDATED)


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(WORK, id="held, stopped, under way"),
        pytest.param(replace(WORK, cursor="", counts=Counts(), lease=None, stopped_since=None), id="at its begin"),
        pytest.param(replace(WORK, state=WorkState.FAILED, lease=None), id="failed"),
        pytest.param(replace(WORK, principal="\u00e9\u2028\U0001f600"), id="any principal"),
    ],
)
def test_a_work_is_read_back(work: Work) -> None:
    assert read(work.encode()) == work


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("job",), "Rewrite", id="a job that is no id"),
        pytest.param(("arguments",), "note", id="arguments that are text"),
        pytest.param(("arguments", "kind"), "a#b", id="a kind that is no id"),
        pytest.param(("arguments", "more"), "x", id="one more argument"),
        pytest.param(("cursor",), None, id="a cursor that is null"),
        pytest.param(("cursor",), "a#b", id="a cursor that is no id"),
        pytest.param(("principal",), 5, id="a principal that is a number"),
        pytest.param(("principal",), "x" * 257, id="a principal that is too long"),
        pytest.param(("state",), "paused", id="a state that there is not"),
        pytest.param(("counts", "partitions"), -1, id="less than nothing"),
        pytest.param(("counts", "partitions"), True, id="true for a count"),
        pytest.param(("counts", "partitions"), 1.0, id="a count with a point"),
        pytest.param(("counts", "more"), 1, id="one more count"),
        pytest.param(("counts",), [], id="counts that are a list"),
        pytest.param(("lease", "holder"), "0f", id="a holder that is short"),
        pytest.param(("lease", "until"), "2026-11-30T09:00:00Z", id="a time that does not compare as text"),
        pytest.param(("lease",), {}, id="a lease of nobody"),
        pytest.param(("stopped_since",), "yesterday", id="a time in words"),
        pytest.param(("last_event",), "", id="no event"),
        pytest.param(("more",), 1, id="one more member"),
    ],
)
def test_what_is_no_work_is_refused(path: tuple[str, ...], value: Any) -> None:
    document = json.loads(WORK.encode())
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(IntegrityError) as refused:
        read(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
    assert refused.value.step is Step.WORK


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"[" * 100_000, id="nesting without end"),
        pytest.param(WORK.encode() + b" ", id="white space"),
        pytest.param(json.dumps(json.loads(WORK.encode())).encode(), id="white space within"),
        pytest.param(WORK.encode().replace(b'"state":', b'"state":"done","state":'), id="a member twice"),
    ],
)
def test_one_work_has_one_text(payload: bytes) -> None:
    with pytest.raises(IntegrityError):
        read(payload)


def test_a_work_is_free_where_nobody_holds_it_or_the_lease_has_run_out() -> None:
    held = replace(WORK, lease=Lease("0f" * 16, "2026-11-30T09:01:00.000000Z"))
    assert not held.is_free("2026-11-30T09:00:59.999999Z")
    assert held.is_free("2026-11-30T09:01:00.000000Z")
    assert replace(held, lease=None).is_free(BEGUN)
    assert not replace(held, lease=None, state=WorkState.DONE).is_free(BEGUN)
    assert held.is_held_by("0f" * 16)
    assert not held.is_held_by("f0" * 16)


def test_a_work_at_its_end_says_whether_anything_was_refused() -> None:
    assert WORK.at_its_end().state is WorkState.FAILED
    assert replace(WORK, counts=Counts(8, 21, 3)).at_its_end().state is WorkState.DONE
    assert WORK.at_its_end().lease is None


def test_a_hundred_findings_of_hostile_names_fit_into_a_works_row() -> None:
    sort_key = "\x01\U0001f511" * 200
    error = IntegrityError(Step.COMMITMENT, where=Place("records", "tenant#a#b#c", sort_key))
    one = RefusedPartition.of("p" * 63, error)
    assert one.row == "?\U0001f511" * 128
    work = replace(WORK, findings=(one,) * 100)
    assert len(work.encode()) < 300_000
    assert decode(work.encode(), work_id=work.id, begun=work.begun, updated=work.updated) == work
