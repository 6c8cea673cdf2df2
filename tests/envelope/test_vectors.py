"""The vectors of tests/vectors: they are what their generator writes, and this code agrees with each value."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from dialogues.entities import DIALOGUE
from tests.fakes import Recorder
from tests.vectors.generate import FOLDER, documents
from tests.vectors.material import item_of
from twinvault.envelope import (
    Context,
    Label,
    Number,
    Opened,
    canonical_number,
    encode_aad,
    pad,
    padded_size,
    seal,
    unpad,
)
from twinvault.envelope.item import from_item, open_found
from twinvault.envelope.primitive import derive
from twinvault.envelope.suite import DerivationKey
from twinvault.errors import IntegrityError, InvalidInput, Step
from twinvault.keys.rows import NamedKey
from twinvault.records.cursor import read_cursor
from twinvault.records.head import HeadState, Row, empty_head
from twinvault.records.partition import open_row, place_rows
from twinvault.scope import Scope

ENCODINGS, RECORDS, EDGES, KEYS, HEADS, CURSORS, NEGATIVE, LIMITS, SUBKEYS = (
    json.loads((FOLDER / f"{name}.json").read_text())
    for name in ("encodings", "records", "edges", "keys", "heads", "cursors", "negative", "limits", "subkeys")
)
POSITIVE = [*RECORDS["vectors"], *EDGES["vectors"], *KEYS["rows"]]


def _named(vectors):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def _open(vector):
    found = from_item(item_of(vector["item"]), **vector["scope"], unauthenticated=set(vector["unauthenticated"]))
    if found.context.key_id not in vector["keys"]:
        raise IntegrityError(Step.KEY_ID)
    key = bytes.fromhex(vector["keys"][found.context.key_id])
    return open_found(found, key=DerivationKey(key), label=Label(vector["label"]))


def test_the_generator_writes_these_very_files():
    assert {path.name: path.read_text() for path in Path(FOLDER).glob("*.json")} == documents()


def test_vector_names_are_unique():
    for vectors in (POSITIVE, NEGATIVE["vectors"], CURSORS["refused"]):
        names = [vector["name"] for vector in vectors]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("vector", _named(POSITIVE))
def test_a_positive_vector_opens(vector):
    opened = _open(vector)
    assert opened.plaintext.hex() == vector["plaintext"]
    assert opened.digest.hex() == vector["digest"]


@pytest.mark.parametrize("vector", _named(NEGATIVE["vectors"]))
def test_a_negative_vector_is_refused_at_its_step(vector):
    with pytest.raises(IntegrityError) as caught:
        _open(vector)
    assert caught.value.step == vector["step"]


def test_the_longest_plaintext_seals_and_opens():
    vector = LIMITS["longest"]
    plaintext = bytes.fromhex(vector["plaintext_byte"]) * vector["plaintext_length"]
    ((key_id, key),) = vector["keys"].items()
    clear = {name: _clear(value) for name, value in vector["clear"].items()}
    sealed = seal(
        plaintext,
        key=bytes.fromhex(key),
        label=Label(vector["label"]),
        context=Context(**vector["scope"], sk=vector["sk"], key_id=key_id, clear=clear),
        salt=bytes.fromhex(vector["salt"]),
        nonce=bytes.fromhex(vector["nonce"]),
    )
    assert len(sealed.ciphertext) == vector["ciphertext_length"]
    assert hashlib.sha256(sealed.ciphertext).hexdigest() == vector["ciphertext_sha256"]
    assert _open(_holding(vector, sealed.ciphertext)) == Opened(plaintext, bytes.fromhex(vector["digest"]))


@pytest.mark.parametrize("vector", _named(LIMITS["refused"]))
def test_a_ciphertext_at_the_limits_of_its_length_is_refused_at_its_step(vector):
    with pytest.raises(IntegrityError) as caught:
        _open(_holding(vector, bytes(vector["content_encrypted_zeros"])))
    assert caught.value.step == vector["step"]


def _holding(vector, ciphertext):
    return {**vector, "item": {**vector["item"], "content_encrypted": {"B": ciphertext}}}


@pytest.mark.parametrize("vector", _named([*POSITIVE, *CURSORS["vectors"]]))
def test_every_intermediate_value(vector):
    (key_id, key), label = next(iter(vector["keys"].items())), Label(vector["label"])
    values = {name: bytes.fromhex(vector[name]) for name in ("plaintext", "salt", "nonce", "aad", "padded")}
    clear = {name: _clear(value) for name, value in vector["clear"].items()}
    context = Context(**vector["scope"], sk=vector["sk"], key_id=key_id, clear=clear)
    aad, key = encode_aad(context), bytes.fromhex(key)
    assert aad == values["aad"]
    assert hashlib.sha256(aad).hexdigest() == vector["aad_sha256"]
    message = bytes.fromhex(vector["kdf_input"])
    assert message == b"\0\0\0\1" + label.value.encode() + b"\0" + values["salt"] + bytes.fromhex(
        vector["aad_sha256"]
    ) + (512).to_bytes(4)
    record_key, commitment = derive(
        DerivationKey(key), values["salt"], label=label, aad_hash=hashlib.sha256(aad).digest()
    )
    assert vector["secret"] == hmac.digest(key, message, "sha512").hex()
    assert vector["secret"] == vector["record_key"] + vector["commitment"] == (record_key + commitment).hex()
    assert pad(values["plaintext"]) == values["padded"]
    sealed = seal(
        values["plaintext"], key=key, label=label, context=context, salt=values["salt"], nonce=values["nonce"]
    )
    assert sealed.ciphertext.hex() == vector["ciphertext"]
    label_part = len(label.value).to_bytes(4) + label.value.encode()
    parts = b"twinvault/v1/seal\0", label_part, bytes.fromhex(vector["aad_sha256"]), sealed.salt, sealed.commitment
    assert hashlib.sha256(b"".join([*parts, sealed.nonce, sealed.ciphertext])).digest() == sealed.digest
    assert sealed.digest.hex() == vector["digest"]


def _clear(value):
    ((kind, content),) = value.items()
    return {"S": content, "N": Number(str(content)), "BOOL": content, "NULL": None}[kind]


def test_encodings():
    for text, canonical in ENCODINGS["numbers"]["canonical"].items():
        assert canonical_number(text) == canonical
    for text in ENCODINGS["numbers"]["refused"]:
        with pytest.raises(InvalidInput):
            canonical_number(text)
    for length, size in ENCODINGS["padding"]["sizes"].items():
        assert padded_size(int(length)) == size
    for plaintext, frame in ENCODINGS["padding"]["frames"].items():
        assert unpad(bytes.fromhex(frame)).hex() == plaintext
    for frame in ENCODINGS["padding"]["refused"]:
        with pytest.raises(IntegrityError):
            unpad(bytes.fromhex(frame))


@pytest.mark.parametrize("vector", _named(RECORDS["vectors"]))
def test_a_record_opens_as_the_entity_that_the_dialogue_model_declares(vector):
    """The entities' specs may grow; what was sealed under an earlier one must still open."""
    item = item_of(vector["item"])
    scope = Scope(*vector["scope"]["pk"].split("#")[1:])
    ((key_id, key),) = vector["keys"].items()
    keys = {key_id: NamedKey(key_id, bytes.fromhex(key))}
    (row,) = place_rows([item], scope=scope, lowest_format=1)
    record = open_row(row, keys, kind=DIALOGUE, observer=Recorder())
    sealed = {name: value for name, value in json.loads(vector["plaintext_text"]).items() if name != "store"}
    assert {name: record.fields[name] for name in sealed} == sealed


@pytest.mark.parametrize("vector", _named(CURSORS["vectors"]))
def test_a_cursor_reads(vector):
    key = NamedKey("idx", bytes.fromhex(vector["index_key"]))
    question = vector["sk"].removeprefix("cursor#")
    position = read_cursor(vector["cursor"], key=key, tenant="acme", question=question)
    expected = json.loads(bytes.fromhex(vector["plaintext"]))
    assert {name: value["S"] for name, value in position.items()} == expected


@pytest.mark.parametrize("vector", _named(CURSORS["refused"]))
def test_a_cursor_that_must_not_open_is_the_callers_fault(vector):
    key = NamedKey("idx", bytes.fromhex(vector["index_key"]))
    with pytest.raises(InvalidInput):
        read_cursor(vector["cursor"], key=key, tenant=vector["tenant"], question=vector["question"])


def test_head_terms_and_sums():
    hash_key = bytes.fromhex(HEADS["hash_key"])
    rows = [Row(term["sk"], bytes.fromhex(term["digest"])) for term in HEADS["terms"]]
    empty = empty_head(hash_key, dek_version=1)
    for row, term in zip(rows, HEADS["terms"], strict=True):
        assert f"{empty.term(row):0512x}" == term["term"]
    for sums in HEADS["sums"]:
        present = [rows[index] for index in sums["rows"]]
        state = HeadState(sums["count"], int(sums["sum"], 16), hash_key, 1, 1, "")
        assert state.mismatch(present) is None
        assert state == empty.after(added=present, removed=[], dek_version=1, event_id="")
        if present:
            assert state.mismatch(present[1:]) is not None


def test_the_head_of_the_records_seals_the_sum_of_the_records():
    head = next(vector for vector in RECORDS["vectors"] if vector["name"] == "head")
    fields = json.loads(head["plaintext_text"])["store"]
    assert fields["sum"] == HEADS["sums"][1]["sum"]
    assert fields["count"] == HEADS["sums"][1]["count"] == len(RECORDS["vectors"]) - 1
