"""The AAD: its exact bytes, and that no two contexts share them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.envelope.samples import context
from twinvault.envelope import Context, Label, Number, canonical_number, encode_aad
from twinvault.errors import InvalidInput

PREFIX = "000000107477696e7661756c742f76312f616164"  # LP("twinvault/v1/aad")


def test_every_byte_of_a_small_context():
    small = Context("t", "é", "p", "s", "k", {"b": False, "a": "x", "d": None, "c": Number("12.50")})
    assert encode_aad(small).hex() == "".join(
        (
            PREFIX,
            "0000000174",
            "00000002c3a9",
            "0000000170",
            "0000000173",
            "000000016b",
            "00000004",
            "00000001610100000001" + "78",
            "00000001620300000001" + "00",
            "00000001630200000006" + b"125e-1".hex(),
            "00000001640400000000",
        )
    )


def test_true_is_one_byte():
    assert encode_aad(Context("t", "t", "p", "s", "k", {"b": True})).hex().endswith("0000000162030000000101")


def test_names_are_in_byte_order_whatever_order_they_came_in():
    names = ["b", "a_", "a", "a0", "aa"]
    forward = encode_aad(Context("t", "t", "p", "s", "k", dict.fromkeys(names, "")))
    assert forward == encode_aad(Context("t", "t", "p", "s", "k", dict.fromkeys(reversed(names), "")))
    positions = [forward.index(len(name).to_bytes(4) + name.encode() + b"\x01") for name in sorted(names)]
    assert positions == sorted(positions)
    assert sorted(names) == ["a", "a0", "a_", "aa", "b"]


def test_no_clear_attributes_at_all():
    assert encode_aad(Context("", "", "", "", "", {})).hex() == PREFIX + "00000000" * 6


@pytest.mark.parametrize("name", ["", "A", "1a", "_a", "a-b", "a b", "a" * 65, "ä", "a\n", "a\0", "\ud800"])
def test_a_name_outside_the_pattern_is_refused(name):
    with pytest.raises(InvalidInput, match=r"^a clear attribute's name must match \[a-z\]\[a-z0-9_\]\{0,63\}$"):
        encode_aad(context(clear={name: ""}))


@pytest.mark.parametrize("name", ["a", "a" * 64, "z9_"])
def test_a_name_inside_the_pattern_is_taken(name):
    assert len(name).to_bytes(4) + name.encode() in encode_aad(context(clear={name: ""}))


@pytest.mark.parametrize("field", ["table", "tenant", "pk", "sk", "key_id"])
def test_a_lone_surrogate_is_refused_and_the_field_is_named(field):
    with pytest.raises(InvalidInput, match=f"^{field}: holds a lone surrogate, which is not Unicode text$") as caught:
        encode_aad(context()._replace(**{field: "\udcff"}))
    assert caught.value.field == field


def test_a_lone_surrogate_in_a_clear_attribute_is_refused_and_the_field_is_named():
    with pytest.raises(InvalidInput, match=r"^status: holds a lone surrogate") as caught:
        encode_aad(context(clear={"status": "\ud800"}))
    assert caught.value.field == "status"


def test_a_number_that_is_none_names_its_field():
    with pytest.raises(InvalidInput, match=r"^round: must be a decimal number$") as caught:
        encode_aad(context(clear={"round": Number("x")}))
    assert caught.value.field == "round"


@pytest.mark.parametrize("value", [1, 1.5, b"open", ["open"], {"S": "open"}], ids=repr)
def test_a_value_of_another_type_is_refused(value):
    with pytest.raises(
        InvalidInput, match=r"^status: only text, numbers, truth values and null may be clear$"
    ) as caught:
        encode_aad(context(clear={"status": value}))
    assert caught.value.field == "status"


def test_labels_are_distinct_and_none_is_the_beginning_of_another():
    labels = [label.value for label in Label]
    uses = ("record", "head", "request", "dek", "index", "register", "erased", "work", "hold", "erasure", "cursor")
    assert labels == [f"twinvault/v1/{use}" for use in uses]
    assert not any(a != b and b.startswith(a) for a in labels for b in labels)


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,3}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
NUMBERS = st.integers(-999, 999).map(lambda value: Number(str(value)))
VALUES = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
CONTEXTS = st.builds(Context, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.dictionaries(NAMES, VALUES, max_size=4))


@given(CONTEXTS, CONTEXTS)
def test_two_contexts_encode_alike_only_if_they_are_the_same(left, right):
    assert (encode_aad(left) == encode_aad(right)) == (_meaning(left) == _meaning(right))


@given(CONTEXTS)
def test_an_aad_decodes_to_the_context_it_was_made_of(made):
    assert _decode(encode_aad(made)) == _meaning(made)


def test_the_memory_of_names_and_numbers_changes_no_bytes():
    first = encode_aad(context())
    for index in range(2000):
        encode_aad(context(clear={f"n{index}": Number(str(index))}))
    assert encode_aad(context()) == first
    assert hashlib.sha256(first).digest() == hashlib.sha256(encode_aad(context())).digest()


def _meaning(made):
    """What two contexts share exactly if they are the same: numbers by value, everything else with its type."""
    clear = {
        name: canonical_number(value.text) if isinstance(value, Number) else (type(value), value)
        for name, value in made.clear.items()
    }
    return made.table, made.tenant, made.pk, made.sk, made.key_id, clear


def _decode(aad):
    """Reads an AAD back, which nothing but this test does: that it can be done proves the encoding injective."""

    def take():
        nonlocal aad
        length = int.from_bytes(aad[:4])
        taken, aad = aad[4 : 4 + length], aad[4 + length :]
        assert len(taken) == length
        return taken

    assert take() == b"twinvault/v1/aad"
    fields = [take().decode() for _ in range(5)]
    count, aad, clear = int.from_bytes(aad[:4]), aad[4:], {}
    for _ in range(count):
        name = take().decode()
        kind, aad = aad[0], aad[1:]
        data = take()
        clear[name] = {
            1: lambda data=data: (str, data.decode()),
            2: lambda data=data: data.decode(),
            3: lambda data=data: (bool, data == b"\x01"),
            4: lambda: (type(None), None),
        }[kind]()
    assert aad == b""
    return (*fields, clear)
