"""The vectors of chains: what the writer's code makes of their contents, and what the verifier says of their rows."""

import json
from pathlib import Path

import pytest

from tests.vectors.material import item_of
from twinvault.audit.elements import canonical_json, mark_hash, row_hash
from twinvault.audit.entry import Closed, entry_digest
from twinvault.audit.signing import ChainKey
from twinvault.audit.verify import verify_chain, verify_continuation
from twinvault.errors import BrokenChain

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "audit.json").read_text())
KEYS = {key["public_key"]: ChainKey(bytes.fromhex(key["seed"])) for key in VECTORS["keys"]}


def named(vectors):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def verdict_on(items, **options):
    """The step and place of the refusal; None and None where the chain verifies."""
    try:
        verify_chain(map(item_of, items), **options)
    except BrokenChain as broken:
        return str(broken.step), broken.seq
    return None, None


@pytest.mark.parametrize("vector", named(VECTORS["chains"]))
@pytest.mark.parametrize("every", [True, False], ids=["every signature", "the last signature"])
def test_a_good_chain_verifies(vector, every):
    items = [item_of(entry["item"]) for entry in vector["entries"]]
    verified, expected = verify_chain(items, every_signature=every), vector["verified"]
    assert verified.chain == expected["chain"]
    assert verified.public_key.hex() == expected["public_key"]
    assert (verified.seq, verified.digest.hex()) == (expected["seq"], expected["digest"])
    assert verified.continues == tuple(Closed(**closed) for closed in expected["continues"])
    assert verified.is_within_an_event == expected["is_within_an_event"]
    assert verified.last == vector["entries"][-1]["content"]


@pytest.mark.parametrize("vector", named(VECTORS["chains"]))
def test_every_value_in_between(vector):
    key = KEYS[vector["verified"]["public_key"]]
    for entry in vector["entries"]:
        encoded, item = canonical_json(entry["content"]), item_of(entry["item"])
        assert encoded.decode() == item["entry"]["S"]
        assert (b"twinvault/v1/audit\0" + encoded).hex() == entry["digest_input"]
        assert entry_digest(encoded) == item["digest"]["B"]
        assert (b"twinvault/v1/audit-signature\0" + entry_digest(encoded)).hex() == entry["signature_input"]
        assert key.sign(entry_digest(encoded)) == item["signature"]["B"]


def test_texts_marks_and_rows():
    for text in VECTORS["texts"]:
        assert canonical_json(text["text"]).decode() == text["json"]
    for mark in VECTORS["marks"]:
        assert mark_hash(mark["pk"]) == mark["mark"]
    for row in VECTORS["rows"]:
        assert row_hash(row["table"], pk=row["pk"], sk=row["sk"]) == row["row"]


def test_vector_names_are_unique():
    for vectors in (VECTORS["chains"], VECTORS["refused"], VECTORS["continuations"]):
        names = [vector["name"] for vector in vectors]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("vector", named(VECTORS["refused"]))
def test_a_bad_chain_is_refused_at_its_step_and_place(vector):
    assert verdict_on(vector["items"]) == (vector["step"], vector["seq"])


@pytest.mark.parametrize("vector", named(VECTORS["refused"]))
def test_the_last_signature_alone_refuses_it_too(vector):
    # A signature in the middle may be wrong then, for the links show that the entry is the chain's all the same.
    broken_before_the_end = vector["step"] == "8 signature" and vector["seq"] < len(vector["items"])
    assert not broken_before_the_end
    assert verdict_on(vector["items"], every_signature=False) == (vector["step"], vector["seq"])


@pytest.mark.parametrize("vector", named(VECTORS["sizes"]))
def test_an_entry_at_the_limit_of_its_size(vector):
    entry = vector["begin"] + vector["repeated"] * vector["times"] + vector["end"]
    assert len(entry) == vector["length"]
    assert verdict_on([{**vector["item"], "entry": {"S": entry}}]) == (vector["step"], 1 if vector["step"] else None)


@pytest.mark.parametrize("vector", named(VECTORS["continuations"]))
def test_a_closed_chain_ended_where_the_next_says_or_is_refused(vector):
    old = verify_chain(map(item_of, vector["old"])) if vector["old"] else None
    new, closed = verify_chain(map(item_of, vector["new"])), Closed(**vector["closed"])
    if vector["step"] is None:
        verify_continuation(closed, old=old, new=new)
        return
    with pytest.raises(BrokenChain) as caught:
        verify_continuation(closed, old=old, new=new)
    assert (str(caught.value.step), caught.value.seq) == (vector["step"], vector["seq"])
