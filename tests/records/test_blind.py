"""Blind indexes: what is declared, what is derived, and what is refused."""

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.errors import InvalidInput
from twinvault.records.blind import (
    BLIND_ATTRIBUTES,
    Blind,
    Blinder,
    as_it_is,
    casefold_nfc,
    encode_value,
    placeholders,
)
from twinvault.records.spec import TEXT, EntitySpec, KindSpec, head_spec

EMAIL = Blind(slot=1)
BLINDER = Blinder(bytes(range(32)), 1, "club")
SK = re.compile("person")
SCALARS = st.text(st.characters(exclude_categories=["Cs"])) | st.booleans() | st.integers(-(10**38) + 1, 10**38 - 1)


def blinded(
    value: Any, blind: Blind = EMAIL, *, by: Blinder = BLINDER, entity: str = "person", name: str = "email"
) -> str:
    (made,) = by.attributes(entity, {name: blind}, fields={name: value}).values()
    return made


def test_a_blind_index_is_51_characters_of_base32_in_its_slot() -> None:
    made = BLINDER.attributes("person", {"email": Blind(slot=3)}, fields={"email": "ada@example.com", "note": "x"})
    assert made.keys() == {"bi_3"}
    assert re.fullmatch("[a-z2-7]{51}", made["bi_3"])


@given(SCALARS, SCALARS)
def test_two_values_have_one_blind_index_if_and_only_if_they_are_one_value_of_one_type(one: Any, other: Any) -> None:
    assert (blinded(one) == blinded(other)) is (type(one) is type(other) and one == other)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"by": Blinder(bytes(range(32)), 1, "clubs")}, id="kind"),
        pytest.param({"by": Blinder(bytes(range(32)), 2, "club")}, id="generation"),
        pytest.param({"by": Blinder(bytes(32), 1, "club")}, id="index key"),
        pytest.param({"entity": "guest"}, id="entity"),
        pytest.param({"name": "address"}, id="field"),
        pytest.param({"blind": Blind(slot=1, name="address")}, id="stable name"),
    ],
)
def test_equal_values_look_equal_within_one_field_alone(other: dict[str, Any]) -> None:
    assert blinded("ada", **other) != blinded("ada")


def test_a_slot_is_no_part_of_the_derivation_and_a_renamed_field_keeps_its_index() -> None:
    assert blinded("ada", Blind(slot=2)) == blinded("ada")
    assert blinded("ada", Blind(slot=1, name="email"), name="mail") == blinded("ada")


@given(SCALARS, st.integers(1, 51))
def test_fewer_bits_are_the_beginning_of_all_of_them(value: Any, characters: int) -> None:
    assert blinded(value, Blind(slot=1, bits=5 * characters)) == blinded(value)[:characters]


def test_what_is_absent_or_none_has_no_blind_index_and_what_is_empty_has_one() -> None:
    searchable = {"email": EMAIL, "phone": Blind(slot=2), "member": Blind(slot=3)}
    assert BLINDER.attributes("person", searchable, fields={"phone": None}) == {}
    assert BLINDER.attributes("person", searchable, fields={"phone": "", "member": False}).keys() == {"bi_2", "bi_3"}


@given(st.dictionaries(st.sampled_from(["email", "phone", "member"]), SCALARS | st.none()))
def test_the_size_is_known_without_a_key(fields: dict[str, Any]) -> None:
    searchable = {"email": EMAIL, "phone": Blind(slot=2, bits=20), "member": Blind(slot=3, bits=5)}
    made = BLINDER.attributes("person", searchable, fields=fields)
    lengths = {name: len(text) for name, text in made.items()}
    assert lengths == {name: len(text) for name, text in placeholders("person", searchable, fields=fields).items()}


def test_a_blinder_shows_no_key() -> None:
    blinder = Blinder(b"k" * 32, 1, "club")
    blinded("ada", by=blinder)
    assert repr(blinder) == "Blinder(generation=1, kind='club')"


def test_before_the_first_generation_there_is_none() -> None:
    assert BLINDER.before() is None
    second = Blinder(BLINDER.index_key, 2, "club").before()
    assert second == BLINDER


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1.0, id="a float"),
        pytest.param(10**38, id="39 digits"),
        pytest.param(-(10**5000), id="more digits than Python writes"),
        pytest.param(["ada"], id="a list"),
        pytest.param({"a": 1}, id="an object"),
        pytest.param(b"ada", id="bytes"),
        pytest.param("\ud800", id="a lone surrogate"),
    ],
)
def test_another_value_is_refused_by_name_and_not_quoted(value: Any) -> None:
    for call in (blinded, lambda v: placeholders("person", {"email": EMAIL}, fields={"email": v})):
        with pytest.raises(InvalidInput, match=r"^person\.email: ") as refused:
            call(value)
        assert refused.value.field == "email"
        assert refused.value.__cause__ is None
        assert "ada" not in str(refused.value)


def _refuses(text: str) -> str:
    raise ValueError(text)


@pytest.mark.parametrize(
    "normalize",
    [
        pytest.param(_refuses, id="raises ValueError"),
        pytest.param(str.encode, id="bytes"),
        pytest.param(lambda _text: None, id="nothing"),
        pytest.param(lambda _text: "\udfff", id="a lone surrogate"),
    ],
)
def test_a_normalizer_that_gives_no_text_is_refused_by_the_fields_name(normalize: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^person\.email: ") as refused:
        blinded("secret", Blind(slot=1, normalize=normalize))
    assert refused.value.__cause__ is None
    assert "secret" not in str(refused.value)


def test_a_normalizer_is_asked_about_text_alone() -> None:
    upper = Blind(slot=1, normalize=str.upper)
    assert blinded("ada", upper) == blinded("ADA", upper) == blinded("ADA")
    assert blinded(7, Blind(slot=1, normalize=_refuses)) == blinded(7)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Ada@Example.COM", "ada@example.com", id="case"),
        pytest.param("Stra\u00dfe", "STRASSE", id="sharp s"),
        pytest.param("Zo\u00eb", "zoe\u0308", id="an accent written apart"),
        pytest.param("\u1fb3", "\u0391\u0345", id="a Greek iota below"),
        pytest.param("\u03a3", "\u03c2", id="a final sigma"),
        pytest.param("\u212b", "\u00e5", id="an Angstrom sign"),
    ],
)
def test_casefold_nfc_makes_one_of_what_unicode_calls_the_same_but_for_case(one: str, other: str) -> None:
    assert casefold_nfc(one) == casefold_nfc(other)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_casefold_nfc_is_nfc_takes_every_form_and_is_its_own_result(text: str) -> None:
    folded = casefold_nfc(text)
    assert unicodedata.is_normalized("NFC", folded)
    assert {casefold_nfc(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")} == {folded}
    assert casefold_nfc(folded) == folded


def test_casefold_nfc_leaves_spaces_and_look_alikes() -> None:
    assert casefold_nfc(" ada") != casefold_nfc("ada")
    assert casefold_nfc("\u0430da") != casefold_nfc("ada")
    assert casefold_nfc("\uff41da") != casefold_nfc("ada")


@given(st.text())
def test_as_it_is_changes_nothing(text: str) -> None:
    assert as_it_is(text) == text


@pytest.mark.parametrize(
    ("field", "declared"),
    [
        pytest.param("slot", {"slot": 0}, id="slot 0"),
        pytest.param("slot", {"slot": 4}, id="slot 4"),
        pytest.param("slot", {"slot": True}, id="slot true"),
        pytest.param("slot", {"slot": "1"}, id="slot in text"),
        pytest.param("bits", {"slot": 1, "bits": 0}, id="0 bits"),
        pytest.param("bits", {"slot": 1, "bits": 12}, id="12 bits"),
        pytest.param("bits", {"slot": 1, "bits": 256}, id="256 bits"),
        pytest.param("bits", {"slot": 1, "bits": 260}, id="260 bits"),
        pytest.param("bits", {"slot": 1, "bits": 20.0}, id="bits of a fraction"),
        pytest.param("normalize", {"slot": 1, "normalize": "lower"}, id="a normalizer by name"),
        pytest.param("name", {"slot": 1, "name": "E-Mail"}, id="a stable name that is none"),
    ],
)
def test_an_index_that_cannot_be_made_is_refused_when_it_is_declared(field: str, declared: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}: ") as refused:
        Blind(**declared)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("searchable", "message"),
    [
        pytest.param({"state": Blind(slot=1)}, "'state' is searchable, so it must be sealed", id="a clear field"),
        pytest.param({"mail": Blind(slot=1)}, "'mail' is searchable, so it must be sealed", id="an unknown field"),
        pytest.param(
            {"email": Blind(slot=1), "phone": Blind(slot=1)},
            "'email' and 'phone' both have the slot 1",
            id="one slot twice",
        ),
        pytest.param(
            {"email": Blind(slot=1, name="phone"), "phone": Blind(slot=2)},
            "'email' and 'phone' both have the name phone",
            id="one stable name twice",
        ),
        pytest.param({"limit": Blind(slot=1)}, "'limit' is a word of `find`", id="a field that find has a word for"),
    ],
)
def test_a_spec_refuses_what_could_not_be_found(searchable: dict[str, Blind], message: str) -> None:
    sealed = frozenset({"email", "phone", "limit"})
    with pytest.raises(InvalidInput, match=f"^entity person: .*{re.escape(message)}"):
        EntitySpec("person", SK, {"state": TEXT}, sealed, searchable)


def test_entities_of_one_kind_may_share_a_slot_and_a_head_may_be_found() -> None:
    person = EntitySpec("person", SK, sealed=frozenset({"email"}), searchable={"email": EMAIL})
    guest = EntitySpec("guest", re.compile("guest"), sealed=frozenset({"email"}), searchable={"email": EMAIL})
    assert KindSpec("club", [person, guest]).searchable
    head = head_spec(sealed=frozenset({"title"}), searchable={"title": EMAIL})
    assert KindSpec("club", [], head).searchable
    assert not KindSpec("club", [EntitySpec("note", re.compile("note"))]).searchable


def test_the_librarys_own_field_of_a_head_is_not_searchable() -> None:
    with pytest.raises(InvalidInput, match="store is the library's own field"):
        head_spec(searchable={"store": EMAIL})


def test_every_entity_may_have_blind_indexes_whatever_it_declares_now() -> None:
    """A field that ceases to be searchable leaves its attribute in older records, and these open."""
    assert all(EntitySpec("note", re.compile("note")).types[name] == TEXT for name in BLIND_ATTRIBUTES)


@given(SCALARS)
def test_a_value_is_encoded_with_its_type(value: Any) -> None:
    encoded = encode_value(value, EMAIL, entity="person", name="email")
    assert encoded[:1] == {str: b"\1", int: b"\2", bool: b"\3"}[type(value)]
