"""The vectors of steps 8 and 9, which need to know entity and partition, through the opening of a whole partition."""

import json
import re

import pytest

from dialogues.entities import DIALOGUE
from tests.fakes import Recorder
from tests.records.opening import open_partition
from tests.vectors.generate import FOLDER
from tests.vectors.material import DEK, DEK_ID, KIND, PARTITION, TENANT, fixed, item_of
from twinvault.dynamodb.marks import Mark
from twinvault.envelope import Label
from twinvault.envelope.item import from_item, open_found
from twinvault.envelope.suite import DerivationKey
from twinvault.errors import IntegrityError, Place, Step, Undeclared
from twinvault.keys.rows import NamedKey
from twinvault.keys.sealed import parse_sealed, unwrap
from twinvault.records.head import STORE, HeadState, Row, empty_head
from twinvault.records.partition import named_keys, open_row, place_rows
from twinvault.records.record import Draft, Stamp, seal_record
from twinvault.records.spec import COMMON, HEAD, HEAD_SEALED, EntitySpec, KindSpec, head_spec
from twinvault.records.whole import Mismatch, require_whole
from twinvault.scope import Scope

PAYLOADS, HEADS, RECORDS = (
    json.loads((FOLDER / f"{name}.json").read_text()) for name in ("payloads", "heads", "records")
)
ROWS = [vector for vector in PAYLOADS["refused"] if vector["label"] != Label.DEK]
KEY_ROWS = [vector for vector in PAYLOADS["refused"] if vector["label"] == Label.DEK]
PLACE, KEYS = Scope(TENANT, KIND, PARTITION), {DEK_ID: NamedKey(DEK_ID, DEK)}
HASH_KEY = bytes.fromhex(HEADS["hash_key"])
STORED = [item_of(vector["item"]) for vector in RECORDS["vectors"] if vector["sk"] != HEAD]
"""The rows that the first of the terms of heads.json are of."""


def _named(vectors):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def _open(items, kind):
    rows = place_rows(items, scope=PLACE, lowest_format=1)
    return open_partition(rows, KEYS, mark=_mark(rows, kind), kind=kind, scope=PLACE, observer=Recorder())


def _mark(rows, kind):
    """The newest mark of a partition that nobody put back: the head's own, if the head opens."""
    (head,) = (row for row in rows if row.context.sk == HEAD)
    try:
        opened = open_row(head, KEYS, kind=kind, observer=Recorder())
    except (IntegrityError, Undeclared):
        return None
    return Mark(opened.version, opened.digest, "e")


def _head(count, total):
    """A head that the holder of the key sealed: it counts so many rows, and this is their sum."""
    state = HeadState(count, total, HASH_KEY, 1, 1, "")
    stamp = Stamp(1, "2026", "2026", fixed("some head: salt"), fixed("some head: nonce", 12))
    draft = Draft(HEAD, HEAD, {STORE: state.to_fields()})
    return seal_record(draft, head_spec(), scope=PLACE, key=KEYS[DEK_ID], stamp=stamp).item


def _partition(vector):
    """The partition that a vector's row stands in: the head that it is, or the one row under a head that counts it."""
    row = item_of(vector["item"])
    assert vector["keys"] == {DEK_ID: DEK.hex()}
    assert {name: frozenset(kinds) for name, kinds in vector["declared"].items()} == COMMON
    if vector["label"] == Label.HEAD:
        assert frozenset(vector["sealed_fields"]) == HEAD_SEALED
        return [row], KindSpec(KIND, ())
    entity = EntitySpec("claim", re.compile("claim#.*"), {}, frozenset(vector["sealed_fields"]))
    counted = Row(row["sk"]["S"], bytes.fromhex(vector["digest"]))
    total = empty_head(HASH_KEY, dek_version=1).term(counted)
    return [_head(1, total), row], KindSpec(KIND, (entity,))


@pytest.mark.parametrize("vector", _named(PAYLOADS["vectors"]))
def test_a_row_of_its_entity_opens(vector):
    items, kind = _partition(vector)
    if vector["sk"] == HEAD:
        # By itself, for the rows that one of them counts are not there.
        (row,) = place_rows(items, scope=PLACE, lowest_format=1)
        record = open_row(row, KEYS, kind=kind, observer=Recorder())
        assert (
            HeadState.from_fields(vector["fields"][STORE], where=Place("records", "")).to_fields()
            == vector["fields"][STORE]
        )
    else:
        record = _open(items, kind).records[vector["sk"]]
    assert record.fields == {name: value for name, value in vector["fields"].items() if name != STORE}
    assert record.version == int(vector["version"])


@pytest.mark.parametrize("vector", _named([*PAYLOADS["refused"], *PAYLOADS["undeclared"]]))
def test_what_step_8_refuses_passes_the_steps_before(vector):
    found = from_item(item_of(vector["item"]), **vector["scope"], unauthenticated=set(vector["unauthenticated"]))
    ((_, key),) = vector["keys"].items()
    opened = open_found(found, key=DerivationKey(bytes.fromhex(key)), label=Label(vector["label"]))
    assert (opened.plaintext.hex(), opened.digest.hex()) == (vector["plaintext"], vector["digest"])


@pytest.mark.parametrize("vector", _named(ROWS))
def test_what_is_no_row_of_its_entity_is_refused_at_step_8(vector):
    with pytest.raises(IntegrityError) as caught:
        _open(*_partition(vector))
    assert caught.value.step is Step(vector["step"]) is Step.PAYLOAD
    assert caught.value.where == Place("records", PLACE.pk, vector["item"]["sk"]["S"])


def _unwrapped(vector):
    ((name, key),) = vector["keys"].items()
    row = parse_sealed(item_of(vector["item"]), tenant=vector["scope"]["tenant"], name=vector["item"]["sk"]["S"])
    return unwrap(row, kek=NamedKey(name, bytes.fromhex(key)), label=Label(vector["label"]))


@pytest.mark.parametrize("vector", _named(KEY_ROWS))
def test_a_key_of_another_length_is_refused(vector):
    with pytest.raises(IntegrityError) as caught:
        _unwrapped(vector)
    assert caught.value.step is Step(vector["step"])
    assert caught.value.detail == "key length"


@pytest.mark.parametrize("vector", _named(PAYLOADS["undeclared"]))
def test_what_is_authentic_and_not_declared_is_no_tampering(vector):
    if vector["label"] == Label.DEK:
        with pytest.raises(Undeclared) as caught:
            _unwrapped(vector)
    else:
        with pytest.raises(Undeclared) as caught:
            _open(*_partition(vector))
    assert list(caught.value.names) == vector["names"]


def test_the_records_of_every_entity_are_the_partition_of_their_head():
    items = [item_of(vector["item"]) for vector in RECORDS["vectors"]]
    assert named_keys(place_rows(items, scope=PLACE, lowest_format=1), scope=PLACE) == [DEK_ID]
    snapshot = _open(items, DIALOGUE)
    assert list(snapshot.records) == [vector["sk"] for vector in RECORDS["vectors"] if vector["sk"] != HEAD]
    assert snapshot.state.to_fields()["sum"] == HEADS["sums"][1]["sum"]


def _stored(vectors):
    """The vectors whose rows are all rows of records.json: the other terms are of rows that nobody sealed."""
    return [vector for vector in vectors if max(vector["rows"], default=0) < len(STORED)]


@pytest.mark.parametrize("vector", _named(_stored(HEADS["sums"])))
def test_a_partition_that_is_what_its_head_counts_opens(vector):
    rows = [STORED[index] for index in vector["rows"]]
    snapshot = _open([_head(vector["count"], int(vector["sum"], 16)), *rows], DIALOGUE)
    assert len(snapshot.records) == snapshot.state.count == vector["count"]


@pytest.mark.parametrize("vector", _named(_stored(HEADS["refused"])))
def test_a_partition_that_is_not_what_its_head_counts_is_refused_at_step_9(vector):
    rows = [STORED[index] for index in vector["rows"]]
    with pytest.raises(Mismatch) as caught:
        _open([_head(vector["count"], int(vector["sum"], 16)), *rows], DIALOGUE)
    assert caught.value.step is Step.HEAD


def _step_9(vector):
    terms = [HEADS["terms"][index] for index in vector["rows"]]
    require_whole(
        HeadState(vector["count"], int(vector["sum"], 16), HASH_KEY, 1, 1, ""),
        rows=[Row(term["sk"], bytes.fromhex(term["digest"])) for term in terms],
        pk=PLACE.pk,
    )


@pytest.mark.parametrize("vector", _named(HEADS["sums"]))
def test_rows_that_their_head_counts_pass_step_9(vector):
    _step_9(vector)


@pytest.mark.parametrize("vector", _named(HEADS["refused"]))
def test_rows_that_their_head_does_not_count_are_refused_at_step_9(vector):
    with pytest.raises(Mismatch) as caught:
        _step_9(vector)
    assert caught.value.step is Step.HEAD
