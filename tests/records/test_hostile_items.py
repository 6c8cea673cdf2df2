"""Items that a records table may answer with: each gives the record that was sealed, or `IntegrityError`."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogues.entities import DIALOGUE
from tests.fakes import Recorder
from tests.vectors.generate import FOLDER
from tests.vectors.material import DEK, DEK_ID, KIND, PARTITION, TENANT, item_of
from twinvault.envelope import Context, Label, Number, seal_with_fresh_randomness
from twinvault.envelope.item import to_item
from twinvault.errors import IntegrityError, Place, Step, Undeclared
from twinvault.keys.rows import NamedKey
from twinvault.records.partition import open_row, place_rows
from twinvault.scope import Scope

SCOPE, KEY = Scope(TENANT, KIND, PARTITION), NamedKey(DEK_ID, DEK)
ITEMS = {
    vector["name"]: item_of(vector["item"]) for vector in json.loads((FOLDER / "records.json").read_text())["vectors"]
}

ONE_RECORD = [step for step in Step if step[0] in "012345678"]
"""The steps that need no other row."""
KINDS = st.sampled_from(["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"])
CONTENTS: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=8), st.binary(max_size=40), st.booleans(), st.none(), st.integers(), st.lists(st.text(max_size=3))
)
ATTRIBUTES = st.one_of(CONTENTS, st.dictionaries(KINDS, CONTENTS, max_size=2))
ALL_NAMES = sorted({name for item in ITEMS.values() for name in item})
CHANGES = st.dictionaries(st.one_of(st.sampled_from(ALL_NAMES), st.text(max_size=6)), ATTRIBUTES, max_size=3)


def _open(item, *, tolerate=False):
    (row,) = place_rows([item], scope=SCOPE, lowest_format=1)
    return open_row(row, {KEY.name: KEY}, kind=replace(DIALOGUE, tolerate=tolerate), observer=Recorder())


@settings(max_examples=500)
@given(st.sampled_from(sorted(ITEMS)), CHANGES, st.sets(st.sampled_from(ALL_NAMES), max_size=2))
def test_any_item_however_shaped_is_the_record_or_is_refused(entity, changes, dropped):
    item = {name: value for name, value in ITEMS[entity].items() if name not in dropped} | changes
    try:
        record = _open(item)
    except IntegrityError as error:
        assert error.step in ONE_RECORD  # noqa: PT017  # which step it is depends on the changes
        return
    assert record == _open(ITEMS[entity])


@pytest.mark.parametrize("entity", sorted(ITEMS))
@pytest.mark.parametrize("other", sorted(ITEMS))
def test_pass_a_record_off_as_another_entity(entity, other):
    if entity == other:
        return
    claims = {"entity_type": {"S": other}}
    for hostile in (ITEMS[entity] | claims, ITEMS[entity] | claims | {"sk": ITEMS[other]["sk"]}):
        with pytest.raises(IntegrityError) as caught:
            _open(hostile)
        assert caught.value.step is Step.COMMITMENT


def _sealed(plaintext, **clear):
    """A claim that a holder of the key sealed, whatever it says."""
    common = {"tenant_id": TENANT, "entity_type": "claim", "format": Number("1"), "status": "asserted"}
    times = {"version": Number("1"), "created_at": "t", "updated_at": "t", **clear}
    place = {"table": "records", "tenant": TENANT, "pk": SCOPE.pk, "sk": "claim#01#01", "key_id": DEK_ID}
    given_clear = {name: value for name, value in {**common, **times}.items() if value is not None}
    context = Context(**place, clear=given_clear)
    return to_item(context, seal_with_fresh_randomness(plaintext, key=DEK, label=Label.RECORD, context=context))


def test_what_the_key_holder_sealed_as_it_should_be_opens():
    assert _open(_sealed(b'{"label":"x"}')).fields == {"status": "asserted", "label": "x"}


@pytest.mark.parametrize(
    ("plaintext", "clear"),
    [
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"[]", {}, id="a list"),
        pytest.param(b"null", {}, id="null"),
        pytest.param(b'{"label":', {}, id="JSON cut short"),
        pytest.param(b"\xff{}", {}, id="not UTF-8"),
        pytest.param(b"[" * 100_000, {}, id="nested without end"),
        pytest.param(b"{}", {"version": None}, id="no version"),
        pytest.param(b"{}", {"version": Number("0")}, id="version zero"),
        pytest.param(b"{}", {"version": Number(str(1 << 64))}, id="a version beyond u64"),
        pytest.param(b"{}", {"version": Number("1.5")}, id="half a version"),
        pytest.param(b"{}", {"version": "1"}, id="a version in text"),
        pytest.param(b"{}", {"created_at": None}, id="no time of creation"),
        pytest.param(b"{}", {"updated_at": Number("1")}, id="a number as time"),
        pytest.param(b"{}", {"entity_type": None}, id="no entity"),
        pytest.param(b"[]", {"priority": "high"}, id="a list beside an attribute that is not declared"),
    ],
)
def test_an_authentic_payload_that_is_no_record_is_refused_at_step_8(plaintext, clear):
    with pytest.raises(IntegrityError) as caught:
        _open(_sealed(plaintext, **clear))
    assert caught.value.step is Step.PAYLOAD


@pytest.mark.parametrize(
    ("plaintext", "clear", "names"),
    [
        pytest.param(b'{"secret":1}', {}, ["secret"], id="a field that the entity does not seal"),
        pytest.param(b'{"status":"x"}', {}, ["status"], id="a field that the entity holds in the clear"),
        pytest.param(b'{"Not a name":1}', {}, ["?"], id="a field that nobody could declare"),
        pytest.param(b"{}", {"priority": "high"}, ["priority"], id="an attribute"),
        pytest.param(b"{}", {"bi_4": "x"}, ["bi_4"], id="a blind index of no slot"),
        pytest.param(b"{}", {"status": Number("1")}, ["status"], id="an attribute of another type"),
        pytest.param(b"{}", {"tenant_id": True}, ["tenant_id"], id="a common attribute of another type"),
        pytest.param(b"{}", {"entity_type": "page"}, ["entity_type"], id="an entity"),
        pytest.param(b"{}", {"entity_type": "head"}, ["entity_type"], id="a head where no head stands"),
        pytest.param(b"{}", {"entity_type": "evidence"}, ["sk"], id="a sort key of another entity's form"),
        pytest.param(b'{"z":1,"y":2}', {"x": None, "b": "x"}, ["b", "y", "z"], id="several, in order"),
    ],
)
def test_what_is_authentic_and_not_declared_is_no_tampering(plaintext, clear, names):
    with pytest.raises(Undeclared) as caught:
        _open(_sealed(plaintext, **clear))
    assert list(caught.value.names) == names
    assert caught.value.where == Place("records", SCOPE.pk, "claim#01#01")
    assert not isinstance(caught.value, IntegrityError)
    assert "high" not in str(caught.value)


@pytest.mark.parametrize(
    ("plaintext", "clear", "names"),
    [
        pytest.param(b'{"status":"x","more":1}', {}, ["status"], id="a field that the entity holds in the clear"),
        pytest.param(b'{"Not a name":1,"version":1,"bi_1":"x"}', {}, ["?", "bi_1", "version"], id="names of nobody's"),
        pytest.param(b"{}", {"bi_4": "x", "more": "x"}, ["bi_4"], id="a blind index of no slot"),
        pytest.param(b"{}", {"status": Number("1")}, ["status"], id="an attribute of another type"),
        pytest.param(b"{}", {"tenant_id": True}, ["tenant_id"], id="a common attribute of another type"),
        pytest.param(b"{}", {"entity_type": "head"}, ["entity_type"], id="a head where no head stands"),
    ],
)
def test_what_is_not_more_than_declared_and_only_otherwise_is_not_tolerated(plaintext, clear, names):
    with pytest.raises(Undeclared) as caught:
        _open(_sealed(plaintext, **clear), tolerate=True)
    assert list(caught.value.names) == names


@pytest.mark.parametrize("tolerate", [False, True])
def test_what_is_not_declared_and_was_added_by_a_writer_of_the_table_is_tampering(tolerate):
    with pytest.raises(IntegrityError) as caught:
        _open(ITEMS["claim"] | {"priority": {"S": "high"}}, tolerate=tolerate)
    assert caught.value.step is Step.COMMITMENT
