"""The vectors of steps 8 and 9, which need to know the entity and the partition."""

import json
import re

import pytest

from tests.vectors.generate import FOLDER
from tests.vectors.material import item_of
from twinvault.envelope import Label, open_sealed
from twinvault.envelope.item import Shape, from_item
from twinvault.errors import IntegrityError
from twinvault.keys.rows import NamedKey, unwrap
from twinvault.records.head import HeadState, Row
from twinvault.records.record import open_record
from twinvault.records.spec import COMMON, HEAD, HEAD_SEALED, EntitySpec, head_spec
from twinvault.scope import Scope

PAYLOADS, HEADS = (json.loads((FOLDER / f"{name}.json").read_text()) for name in ("payloads", "heads"))
ROWS = [vector for vector in PAYLOADS["refused"] if vector["label"] != Label.DEK]
KEY_ROWS = [vector for vector in PAYLOADS["refused"] if vector["label"] == Label.DEK]


def _named(vectors):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def _key(vector):
    ((name, key),) = vector["keys"].items()
    return NamedKey(name, bytes.fromhex(key))


def _opened(vector):
    head = vector["label"] == Label.HEAD
    if head:
        assert frozenset(vector["sealed_fields"]) == HEAD_SEALED
    assert {name: frozenset(kinds) for name, kinds in vector["declared"].items()} == COMMON
    spec = head_spec() if head else EntitySpec("claim", re.compile("claim#.*"), {}, frozenset(vector["sealed_fields"]))
    scope = Scope(*vector["scope"]["pk"].split("#")[1:])
    record = open_record(item_of(vector["item"]), spec, scope=scope, key=_key(vector), lowest_format=1)
    if spec.name == HEAD:
        HeadState.from_fields(record.fields)
    return record


@pytest.mark.parametrize("vector", _named(PAYLOADS["vectors"]))
def test_a_row_of_its_entity_opens(vector):
    record = _opened(vector)
    assert record.fields == vector["fields"]
    assert record.version == int(vector["version"])


@pytest.mark.parametrize("vector", _named(PAYLOADS["refused"]))
def test_what_step_8_refuses_passes_the_steps_before(vector):
    shape = Shape(
        clear={name: frozenset(kinds) for name, kinds in vector["declared"].items()},
        unauthenticated=frozenset(vector["unauthenticated"]),
    )
    context, sealed = from_item(item_of(vector["item"]), **vector["scope"], shape=shape)
    plaintext = open_sealed(sealed, key=_key(vector).key, label=Label(vector["label"]), context=context)
    assert plaintext.hex() == vector["plaintext"]


@pytest.mark.parametrize("vector", _named(ROWS))
def test_what_is_no_row_of_its_entity_is_refused_at_step_8(vector):
    with pytest.raises(IntegrityError) as caught:
        _opened(vector)
    assert caught.value.step == vector["step"] == "8 payload"


@pytest.mark.parametrize("vector", _named(KEY_ROWS))
def test_a_key_of_another_length_is_refused(vector):
    with pytest.raises(IntegrityError) as caught:
        unwrap(
            item_of(vector["item"]),
            tenant=vector["scope"]["tenant"],
            name=vector["item"]["sk"]["S"],
            kek=_key(vector),
            label=Label(vector["label"]),
        )
    assert caught.value.step == vector["step"]
    assert caught.value.detail == "key length"


@pytest.mark.parametrize("vector", _named(HEADS["refused"]))
def test_a_partition_that_is_not_what_its_head_counts_is_refused_at_step_9(vector):
    terms = [HEADS["terms"][index] for index in vector["rows"]]
    rows = [Row(term["sk"], term["version"], bytes.fromhex(term["commitment"])) for term in terms]
    state = HeadState(vector["count"], int(vector["sum"], 16), bytes.fromhex(HEADS["hash_key"]), 1, "")
    assert state.mismatch(rows) is not None
