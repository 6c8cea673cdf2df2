"""The trust core by itself: rows and keys in, a snapshot or a refusal out. No engine runs, for it does no IO."""

import contextlib
import os
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import Recorder
from tests.records.opening import open_partition
from tests.records.samples import HEAD_FIELDS, LEDGER, LINE, SCOPE, line
from twinvault.dynamodb.marks import Mark
from twinvault.errors import IntegrityError, Place, Step, Undeclared
from twinvault.keys.rows import NamedKey, dek_name
from twinvault.records.head import HASH_KEY_BYTES, STORE, HeadState, empty_head
from twinvault.records.partition import Snapshot, named_keys, open_row, place_rows
from twinvault.records.record import Draft
from twinvault.records.sealing import Put, Sealing
from twinvault.records.spec import HEAD, TEXT, EntitySpec, KindSpec
from twinvault.records.whole import Mismatch
from twinvault.scope import Scope

FIRST, SECOND = (NamedKey(dek_name(SCOPE, version), os.urandom(32)) for version in (1, 2))
KEYS = {key.name: key for key in (FIRST, SECOND)}
VERSION = 2
EMPTY = empty_head(os.urandom(HASH_KEY_BYTES), dek_version=1)


def put(draft: Draft, key: NamedKey = FIRST) -> Put:
    return Sealing(SCOPE, LEDGER, key, VERSION, "2026-11-23T09:00:00Z", os.urandom).put(draft, None)


LINES = [put(line(1)), put(line(2), SECOND), put(line(3))]
STATE = EMPTY.after(added=[one.record.row for one in LINES], removed=[], dek_version=2, event_id="e")


def head(state: HeadState = STATE, key: NamedKey = SECOND) -> Put:
    return put(Draft(HEAD, HEAD, {**HEAD_FIELDS, STORE: state.to_fields()}), key)


def mark_of(head: Put) -> Mark:
    return Mark(head.record.version, head.record.digest, "e")


THE_HEAD = head()
MARK = mark_of(THE_HEAD)
WHOLE = [THE_HEAD.item, *(one.item for one in LINES)]


def opened(
    items: list[Any],
    keys: dict[str, NamedKey] | None = None,
    *,
    mark: Mark | None = MARK,
    seen: Recorder | None = None,
) -> Snapshot:
    snapshot = look(items, keys, mark=mark, seen=seen)
    assert snapshot is not None
    return snapshot


def look(
    items: list[Any],
    keys: dict[str, NamedKey] | None = None,
    *,
    mark: Mark | None = MARK,
    seen: Recorder | None = None,
) -> Snapshot | None:
    rows = place_rows(items, scope=SCOPE, lowest_format=1)
    return open_partition(
        rows, KEYS if keys is None else keys, mark=mark, kind=LEDGER, scope=SCOPE, observer=seen or Recorder()
    )


def test_rows_that_belong_together_are_a_snapshot() -> None:
    snapshot = opened(WHOLE)
    assert list(snapshot.records) == ["line#0001", "line#0002", "line#0003"]
    assert snapshot.records["line#0002"].fields == {"amount": 5, "payee": "Bo"}
    assert snapshot.state == STATE


def test_each_decryption_is_told_and_so_is_the_one_that_fails() -> None:
    seen = Recorder()
    opened(WHOLE, seen=seen)
    assert sorted(seen.operations) == [("decrypt", key.name, "success") for key in (FIRST, FIRST, SECOND, SECOND)]
    seen = Recorder()
    with pytest.raises(IntegrityError):
        opened([WHOLE[0], WHOLE[1] | {"amount": {"N": "6"}}], seen=seen)
    assert seen.operations[-1] == ("decrypt", FIRST.name, "failure")


def test_the_keys_to_fetch_are_those_that_the_rows_name_each_once() -> None:
    assert named_keys(place_rows(WHOLE, scope=SCOPE, lowest_format=1), scope=SCOPE) == [SECOND.name, FIRST.name]


@pytest.mark.parametrize(
    "key_id",
    [
        pytest.param({"S": dek_name(Scope("acme", "ledger", "p2"), 1)}, id="another partition's"),
        pytest.param({"S": dek_name(Scope("acme", "other", "p1"), 1)}, id="another kind's"),
        pytest.param({"S": FIRST.name + "0"}, id="seven digits"),
        pytest.param({"S": FIRST.name + "\n"}, id="a line break"),
        pytest.param({"S": "kek#000001"}, id="a KEK"),
        pytest.param({"S": "idx#000001"}, id="an index key"),
        pytest.param({"N": "1"}, id="a number"),
        pytest.param("dek", id="no attribute value"),
        pytest.param(None, id="null"),
    ],
)
def test_no_key_is_fetched_in_the_name_of_a_row_that_names_another_and_step_2_refuses_it(key_id: Any) -> None:
    row = {**LINES[0].item, "key_id": key_id}
    with contextlib.suppress(IntegrityError):
        assert named_keys(place_rows([row], scope=SCOPE, lowest_format=1), scope=SCOPE) == []
    with pytest.raises(IntegrityError) as refused:
        opened([WHOLE[0], row])
    assert refused.value.step is Step.KEY_ID


def test_a_row_whose_key_was_not_fetched_opens_under_no_other() -> None:
    with pytest.raises(IntegrityError) as refused:
        opened(WHOLE, {SECOND.name: SECOND})
    assert refused.value.step is Step.KEY_ID
    assert refused.value.where == Place("records", SCOPE.pk, "line#0001")


@pytest.mark.parametrize(
    ("items", "check", "where"),
    [
        pytest.param(WHOLE[1:], "9 head: there is no head", "", id="no head"),
        pytest.param(WHOLE[:-1], "9 head: a record was deleted", "", id="one deleted"),
        pytest.param(WHOLE[:-2], "9 head: records were added or deleted", "", id="two deleted"),
        pytest.param([*WHOLE, put(line(4)).item], "9 head: a record was added", "line#0004", id="added"),
        pytest.param([*WHOLE, WHOLE[1]], "9 head: a record was added", "line#0001", id="duplicated"),
        pytest.param([*WHOLE[:-1], put(line(3)).item], "9 head: a record was rolled back", "", id="replaced"),
        pytest.param([head().item, *WHOLE], "9 head: a record was added", "head", id="a second head"),
        pytest.param([head(EMPTY).item, *WHOLE[1:]], "9 head: records were added or deleted", "", id="another head"),
    ],
)
def test_rows_that_do_not_fit_their_head_are_a_mismatch(items: list[Any], check: str, where: str) -> None:
    with pytest.raises(Mismatch) as refused:
        opened(items)
    assert (refused.value.check, refused.value.where) == (check, Place("records", SCOPE.pk, where))


def test_nothing_is_there_only_where_there_is_no_row_and_no_mark() -> None:
    assert look([], mark=None) is None
    with pytest.raises(Mismatch) as refused:
        look([])
    assert refused.value.step is Step.MISSING_PARTITION


@pytest.mark.parametrize(
    ("mark", "detail"),
    [
        pytest.param(None, "there is no mark", id="none"),
        pytest.param(Mark(VERSION + 1, MARK.digest, "e"), "the partition is older", id="of a later head"),
        pytest.param(Mark(VERSION - 1, MARK.digest, "e"), "the partition is newer", id="of an earlier head"),
        pytest.param(Mark(VERSION, bytes(32), "e"), "another partition of the same version", id="of a fork"),
        pytest.param(mark_of(head()), "another partition of the same version", id="of the same, sealed anew"),
    ],
)
def test_a_partition_that_the_newest_mark_does_not_name_is_a_mismatch(mark: Mark | None, detail: str) -> None:
    with pytest.raises(Mismatch) as refused:
        opened(WHOLE, mark=mark)
    assert (refused.value.step, refused.value.detail, refused.value.where) == (
        Step.MARK,
        detail,
        Place("records", SCOPE.pk),
    )


def test_whose_event_a_mark_names_is_not_compared() -> None:
    assert opened(WHOLE, mark=Mark(MARK.version, MARK.digest, "another")) == opened(WHOLE)


def under(lowest: int, current: int, *, key: NamedKey = SECOND) -> tuple[list[Any], Mark]:
    """The same records under a head that says so of the keys in use."""
    made = head(replace(STATE, lowest_dek_version=lowest, dek_version=current), key)
    return [made.item, *WHOLE[1:]], mark_of(made)


@pytest.mark.parametrize(
    ("made", "where", "detail"),
    [
        pytest.param(under(1, 1), "head", "its key is not the version that it names", id="the head under a later key"),
        pytest.param(under(1, 2, key=FIRST), "head", "its key is not the version that it names", id="an earlier one"),
        pytest.param(under(2, 2), "line#0001", "its key is not of a version in use", id="a record below the lowest"),
        pytest.param(
            under(1, 1, key=FIRST), "line#0002", "its key is not of a version in use", id="a record above the current"
        ),
    ],
)
def test_keys_that_are_not_in_use_are_a_mismatch(made: tuple[list[Any], Mark], where: str, detail: str) -> None:
    items, mark = made
    with pytest.raises(Mismatch) as refused:
        opened(items, mark=mark)
    assert (refused.value.step, refused.value.detail) == (Step.HEAD, detail)
    assert refused.value.where == Place("records", SCOPE.pk, where)


def test_a_row_that_does_not_open_is_no_mismatch() -> None:
    """No transaction is half an attribute: there is nothing to look at again."""
    with pytest.raises(IntegrityError) as refused:
        opened([*WHOLE[:-1], {**WHOLE[-1], "amount": {"N": "6"}}])
    assert not isinstance(refused.value, Mismatch)
    assert (refused.value.step, refused.value.where) == (Step.COMMITMENT, Place("records", SCOPE.pk, "line#0003"))


def test_a_row_that_claims_an_entity_that_is_not_declared_is_refused() -> None:
    with pytest.raises(IntegrityError) as refused:
        opened([WHOLE[0], {**LINES[0].item, "entity_type": {"S": "page"}}])
    assert refused.value.step is Step.COMMITMENT


def test_a_row_that_a_newer_release_wrote_is_undeclared_and_no_tampering() -> None:
    line = EntitySpec("line", re.compile("line#.*"), {**LINE.clear, "booked": TEXT}, LINE.sealed | {"vat"})
    newer = KindSpec(LEDGER.kind, (line,), LEDGER.head)
    draft = Draft("line", "line#0004", {"amount": 1, "payee": "Cy", "booked": "2026", "vat": 19})
    row = Sealing(SCOPE, newer, FIRST, VERSION, "2026-11-23T09:00:00Z", os.urandom).put(draft, None)
    state = STATE.after(added=[row.record.row], removed=[], dek_version=2, event_id="e")
    with pytest.raises(Undeclared) as refused:
        opened([head(state).item, *WHOLE[1:], row.item])
    assert (refused.value.names, refused.value.where) == (("booked", "vat"), Place("records", SCOPE.pk, "line#0004"))


def test_whoever_holds_the_dek_makes_a_yes_a_no_and_the_head_does_not_fit() -> None:
    """The same place, version, salt and so commitment: while heads were about commitments nobody could have noticed."""

    def vote(text: str) -> Put:
        return Sealing(SCOPE, LEDGER, FIRST, VERSION, "2026", bytes).put(
            Draft("line", "line#0004", {"payee": text}), None
        )

    yes, no = vote("votes YES"), vote("votes NO")
    assert yes.record.commitment == no.record.commitment
    state = STATE.after(added=[yes.record.row], removed=[], dek_version=2, event_id="e")
    counted = head(state)
    whole = opened([counted.item, *WHOLE[1:], yes.item], mark=mark_of(counted))
    assert whole.records["line#0004"].fields == {"payee": "votes YES"}
    with pytest.raises(Mismatch) as refused:
        opened([counted.item, *WHOLE[1:], no.item], mark=mark_of(counted))
    assert refused.value.check == "9 head: a record was rolled back"


def test_a_heads_fields_are_the_kinds_own() -> None:
    assert opened(WHOLE).head.fields == HEAD_FIELDS
    rows = place_rows(WHOLE, scope=SCOPE, lowest_format=1)
    assert open_row(rows[0], KEYS, kind=LEDGER, observer=Recorder()).fields == HEAD_FIELDS


@pytest.mark.parametrize(
    "change",
    [{"Amount": {"N": "1"}}, {"amount": {"L": []}}, {"amount": {"N": "x"}}, {"payee_": {"S": "\ud800"}}],
    ids=["a name", "a type", "a number", "a text"],
)
def test_what_may_not_be_clear_is_refused_before_any_key_is_asked_for(change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError) as refused:
        place_rows([*WHOLE[:-1], WHOLE[-1] | change], scope=SCOPE, lowest_format=1)
    assert (refused.value.step, refused.value.where) == (Step.CLEAR, Place("records", SCOPE.pk, "line#0003"))


def test_one_row_opens_by_itself_as_it_does_among_the_others() -> None:
    (placed,) = place_rows([LINES[1].item], scope=SCOPE, lowest_format=1)
    row = open_row(placed, KEYS, kind=LEDGER, observer=Recorder())
    assert row == opened(WHOLE).records["line#0002"]
    assert row.entity == LINE.name
