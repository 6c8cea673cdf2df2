"""What someone who can write the tables, and holds no key, may try. Each test is named for the attempt."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.envelope import samples
from tests.envelope.samples import KEY_ID, KEYS, KIND, PARTITION, PK, PLAINTEXT, TENANT, context, open_item, refusal
from twinvault.envelope import Label, Number, partition_key, seal_with_fresh_randomness, tenant_key
from twinvault.errors import IntegrityError, Place

SEALED = {"content_encrypted": "6 ciphertext", "content_nonce": "6 ciphertext"} | dict.fromkeys(
    ("content_salt", "key_commitment"), "5 commitment"
)
OTHER_PARTITION = "zzzzzzzzzzzzzzzzzzzzzzzzzz"
OTHER_PK = partition_key(TENANT, kind=KIND, partition=OTHER_PARTITION)


def test_the_untouched_record_opens():
    assert open_item(samples.item()) == PLAINTEXT


@pytest.mark.parametrize("name", SEALED)
def test_flip_every_bit_of_a_sealed_attribute(name):
    original = samples.item()
    content = original[name]["B"]
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        assert refusal({**original, name: {"B": bytes(flipped)}}) == SEALED[name], bit


@pytest.mark.parametrize("name", ["sk", "key_id", *(n for n, v in context().clear.items() if isinstance(v, str))])
def test_flip_every_bit_of_a_clear_text(name):
    original = samples.item()
    content = original[name]["S"].encode()
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        # A flipped top bit is no longer UTF-8: DynamoDB refuses it, and a lone surrogate stands for it here.
        hostile = {**original, name: {"S": bytes(flipped).decode(errors="surrogateescape")}}
        assert refusal(hostile) in {"2 key id", "4 clear attributes", "5 commitment"}, bit


@pytest.mark.parametrize("names", [*((name,) for name in SEALED), tuple(SEALED)], ids=" ".join)
def test_swap_sealed_attributes_between_two_records(names):
    mine, other = samples.item(), samples.item(at=context(sk="perspective#01#03"), salt=bytes(32), nonce=bytes(12))
    swapped = {**mine, **{name: other[name] for name in names}}
    assert refusal(swapped) == ("5 commitment" if len(names) > 1 else SEALED[names[0]])


def test_swap_the_key_id_for_another_key_of_the_partition():
    swapped = {**samples.item(), "key_id": {"S": f"dek#{KIND}#{PARTITION}#000002"}}
    assert refusal(swapped) == "5 commitment"


def test_name_a_key_of_another_partition():
    swapped = {**samples.item(), "key_id": {"S": f"dek#{KIND}#{OTHER_PARTITION}#000001"}}
    assert refusal(swapped) == "2 key id"


@pytest.mark.parametrize("label", [label for label in Label if label is not Label.RECORD])
def test_pass_a_record_off_as_something_sealed_for_another_use(label):
    assert refusal(samples.item(), label=label) == "5 commitment"


@pytest.mark.parametrize(
    ("moved", "scope", "step"),
    [
        pytest.param({"sk": {"S": "perspective#01#03"}}, {}, "5 commitment", id="to another sk"),
        pytest.param({"sk": {"S": "head"}}, {}, "5 commitment", id="onto the head"),
        pytest.param({"pk": {"S": OTHER_PK}}, {"pk": OTHER_PK}, "5 commitment", id="to another partition, same keys"),
        pytest.param(
            {"pk": {"S": OTHER_PK}},
            {"pk": OTHER_PK, "keys": {f"dek#{KIND}#{OTHER_PARTITION}#000001": samples.DEK}},
            "2 key id",
            id="to another partition",
        ),
        pytest.param(
            {"pk": {"S": partition_key("evil", kind=KIND, partition=PARTITION)}, "tenant_id": {"S": "evil"}},
            {"pk": partition_key("evil", kind=KIND, partition=PARTITION), "tenant": "evil"},
            "5 commitment",
            id="to another tenant",
        ),
        pytest.param({}, {"tenant": "evil"}, "5 commitment", id="under another tenant's name"),
        pytest.param({}, {"table": "keys"}, "5 commitment", id="to another table"),
        pytest.param({"pk": {"S": OTHER_PK}}, {}, "0 place", id="answered from elsewhere than asked"),
    ],
)
def test_move_a_record(moved, scope, step):
    assert refusal({**samples.item(), **moved}, **scope) == step


@pytest.mark.parametrize(
    ("name", "value", "step"),
    [
        pytest.param("status", {"S": "resolved"}, "5 commitment", id="edit text"),
        pytest.param("status", {"S": "open "}, "5 commitment", id="append a space"),
        pytest.param("status", {"S": ""}, "5 commitment", id="empty text"),
        pytest.param("version", {"N": "2"}, "5 commitment", id="raise the version"),
        pytest.param("calibrated", {"BOOL": False}, "5 commitment", id="flip a truth value"),
        pytest.param("status", {"NULL": True}, "5 commitment", id="null for text"),
        pytest.param("round", {"NULL": True}, "5 commitment", id="null for a number"),
        pytest.param("round", {"S": "1"}, "5 commitment", id="text for a number"),
        pytest.param("round", {"BOOL": True}, "5 commitment", id="true for 1"),
        pytest.param("calibrated", {"N": "1"}, "5 commitment", id="1 for true"),
        pytest.param("round", {"N": "one"}, "4 clear attributes", id="a number that is none"),
        pytest.param("round", {"N": "1e999"}, "4 clear attributes", id="a number out of range"),
        pytest.param("status", {"NULL": False}, "4 clear attributes", id="a null that is false"),
        pytest.param("status", {"B": b"open"}, "4 clear attributes", id="binary for text"),
        pytest.param("status", {"SS": ["open"]}, "4 clear attributes", id="a set for text"),
        pytest.param("status", {"M": {"S": "open"}}, "4 clear attributes", id="a map for text"),
        pytest.param("status", {"S": "open", "N": "1"}, "4 clear attributes", id="two types at once"),
        pytest.param("status", {}, "4 clear attributes", id="no type at all"),
        pytest.param("status", {"S": "\ud800"}, "4 clear attributes", id="a lone surrogate"),
        pytest.param("priority", {"S": "high"}, "5 commitment", id="add an undeclared attribute"),
        pytest.param("bi_status", {"S": "open"}, "5 commitment", id="add a reserved attribute"),
        pytest.param("Status", {"S": "open"}, "4 clear attributes", id="add one in upper case"),
        pytest.param("tenant_id", {"S": "evil"}, "5 commitment", id="claim another tenant"),
        pytest.param("entity_type", {"S": "claim"}, "5 commitment", id="claim another entity"),
        pytest.param("updated_at", {"S": "2026-11-23T09:00:00.0Z"}, "5 commitment", id="write a time another way"),
    ],
)
def test_edit_a_clear_attribute(name, value, step):
    assert refusal({**samples.item(), name: value}) == step


@pytest.mark.parametrize("name", list(context().clear))
def test_drop_a_clear_attribute(name):
    hostile = samples.item()
    del hostile[name]
    assert refusal(hostile) == ("1 format" if name == "format" else "5 commitment")


def test_add_a_declared_attribute_that_was_absent():
    place = context()
    absent = {name: value for name, value in place.clear.items() if name != "status"}
    original = samples.item(at=context().__class__("records", TENANT, PK, samples.SK, KEY_ID, absent))
    assert refusal(original) == ""
    assert refusal({**original, "status": {"NULL": True}}) == "5 commitment", "null is not absent"


@pytest.mark.parametrize("text", ["1", "1.0", "1e0", "10E-1", "0001", "1.000000000000000000000"])
def test_a_number_written_another_way_is_the_same_number(text):
    assert refusal({**samples.item(), "round": {"N": text}, "version": {"N": text}, "format": {"N": text}}) == ""


def test_an_attribute_declared_outside_the_seal_may_change():
    assert refusal({**samples.item(), "state": {"S": "retired"}}) == ""


@pytest.mark.parametrize(
    ("value", "step"),
    [
        pytest.param({"N": "0"}, "1 format", id="zero"),
        pytest.param({"N": "2"}, "1 format", id="unknown"),
        pytest.param({"N": "-1"}, "1 format", id="negative"),
        pytest.param({"N": "1.5"}, "1 format", id="fractional"),
        pytest.param({"N": "1e125"}, "1 format", id="huge"),
        pytest.param({"N": "x"}, "1 format", id="not a number"),
        pytest.param({"S": "1"}, "1 format", id="text"),
        pytest.param({"BOOL": True}, "1 format", id="true"),
        pytest.param({"NULL": True}, "1 format", id="null"),
    ],
)
def test_claim_another_format(value, step):
    assert refusal({**samples.item(), "format": value}) == step


@pytest.mark.parametrize("name", [*SEALED, "key_id", "format", "pk", "sk"])
def test_take_a_sealed_record_for_plaintext_by_dropping_what_seals_it(name):
    hostile = samples.item()
    del hostile[name]
    expected = {"key_id": "2 key id", "format": "1 format", "pk": "0 place", "sk": "0 place"}.get(name, "3 lengths")
    assert refusal(hostile) == expected


CUTS: list[Any] = [
    pytest.param(lambda content: b"", id="empty"),
    pytest.param(lambda content: content[:-1], id="one byte short"),
    pytest.param(lambda content: content[1:], id="first byte gone"),
    pytest.param(lambda content: content + b"\0", id="one byte long"),
    pytest.param(lambda content: content + content, id="doubled"),
    pytest.param(lambda content: content[:8], id="eight bytes"),
    pytest.param(lambda content: bytes(409_600), id="oversized"),
    pytest.param(lambda content: content.hex(), id="text"),
    pytest.param(lambda content: None, id="null"),
]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", SEALED)
def test_cut_or_stretch_a_sealed_attribute(name: str, cut: Callable[[bytes], object]):
    original = samples.item()
    step = refusal({**original, name: {"B": cut(original[name]["B"])}})
    # A ciphertext may have any of many lengths: one byte more is a wrong tag.
    assert step in ({"3 lengths", "6 ciphertext"} if name == "content_encrypted" else {"3 lengths"})


@pytest.mark.parametrize("length", [0, 1, 15, 16, 255, 271])
def test_a_ciphertext_shorter_than_any_is_refused_before_any_key_is_used(length):
    hostile = {**samples.item(), "content_encrypted": {"B": bytes(length)}}
    assert refusal(hostile, keys={KEY_ID: b"not a key, and never looked at"}) == "3 lengths"


def test_the_largest_ciphertext_is_tried_and_a_longer_one_is_not():
    largest = 49 * 8192 + 16
    assert refusal({**samples.item(), "content_encrypted": {"B": bytes(largest)}}) == "6 ciphertext"
    assert refusal({**samples.item(), "content_encrypted": {"B": bytes(largest + 1)}}) == "3 lengths"


def test_replay_an_older_version_of_the_row_under_the_newer_clear_attributes():
    old, new = samples.item(), samples.item(at=context(clear={"version": Number("2")}), plaintext=b"{}", salt=bytes(32))
    replayed = {**new, **{name: old[name] for name in SEALED}}
    assert refusal(replayed) == "5 commitment"


def test_replay_an_older_version_of_the_whole_row_opens_and_is_the_heads_to_find():
    """A point read proves authenticity, not freshness (docs/format.md, "What it does not protect")."""
    assert refusal(copy.deepcopy(samples.item())) == ""


def test_seal_a_record_under_a_key_of_ones_own():
    """An insider without the partition's DEK can write anything, but nothing that opens."""
    forged = seal_with_fresh_randomness(PLAINTEXT, key=bytes(32), label=Label.RECORD, context=context())
    hostile = {
        **samples.item(),
        "content_encrypted": {"B": forged.ciphertext},
        "content_nonce": {"B": forged.nonce},
        "content_salt": {"B": forged.salt},
        "key_commitment": {"B": forged.commitment},
    }
    assert refusal(hostile) == "5 commitment"


def test_put_a_key_row_in_the_place_of_a_record():
    """A wrapped DEK carries the same attributes; table, pk and label all differ."""
    place = context(table="keys", pk=tenant_key(TENANT), sk=KEY_ID, key_id="kek#000001")
    row = samples.item(at=place, label=Label.DEK)
    assert refusal(row) == "0 place"
    assert refusal({**row, "pk": {"S": PK}, "sk": {"S": samples.SK}, "key_id": {"S": KEY_ID}}) == "5 commitment"


def test_a_record_restored_under_another_physical_table_name_opens():
    """The logical table is bound, the physical one is not: nothing of a physical name is in the context."""
    assert context().table == "records"
    assert refusal(samples.item(), table="records") == ""


def test_a_refusal_says_nothing_to_the_caller_and_names_the_row_to_the_audit_log():
    hostile = {**samples.item(), "key_commitment": {"B": bytes(32)}}
    with pytest.raises(IntegrityError) as caught:
        open_item(hostile)
    assert str(caught.value) == "integrity check failed"
    assert (caught.value.step, caught.value.where) == ("5 commitment", Place("records", samples.PK, samples.SK))
    assert caught.value.__cause__ is None


def test_only_known_keys_are_used():
    assert refusal(samples.item(), keys={}) == "2 key id"
    assert set(KEYS) == {KEY_ID, f"dek#{KIND}#{PARTITION}#000002"}
