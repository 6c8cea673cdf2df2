"""Items: what is stored, and that nothing that a table may answer brings anything but a record or our error."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.envelope import samples
from tests.envelope.samples import KEY_ID, NONCE, PK, PLAINTEXT, SALT, SK, TENANT, context, open_item
from twinvault.envelope import Number, Stored, encode_aad
from twinvault.envelope.item import encode_clear, from_item, text_of, to_item, undeclared
from twinvault.errors import IntegrityError, Place


def test_the_item_of_a_sealed_record():
    sealed = samples.sealed()
    assert samples.item() == {
        "pk": {"S": PK},
        "sk": {"S": SK},
        "tenant_id": {"S": TENANT},
        "entity_type": {"S": "perspective"},
        "version": {"N": "1"},
        "format": {"N": "1"},
        "created_at": {"S": "2026-11-23T09:00:00Z"},
        "updated_at": {"S": "2026-11-23T09:00:00Z"},
        "status": {"S": "open"},
        "round": {"N": "1"},
        "calibrated": {"BOOL": True},
        "key_id": {"S": KEY_ID},
        "content_encrypted": {"B": sealed.ciphertext},
        "content_nonce": {"B": NONCE},
        "content_salt": {"B": SALT},
        "key_commitment": {"B": sealed.commitment},
    }


def test_an_item_gives_back_its_context_and_what_is_sealed():
    place = context(clear={"status": None})
    sealed = samples.sealed()
    found = from_item(to_item(place, sealed), table="records", tenant=TENANT, pk=PK)
    assert found.context == place
    assert found.stored == Stored(sealed.ciphertext, sealed.nonce, sealed.salt, sealed.commitment)
    assert found.aad == encode_aad(place)


def test_null_is_written_as_true():
    assert encode_clear(None) == {"NULL": True}
    assert encode_clear(False) == {"BOOL": False}


def test_table_and_tenant_come_from_the_scope():
    place = from_item(samples.item(), table="keys", tenant="other", pk=PK).context
    assert (place.table, place.tenant) == ("keys", "other")


def test_a_format_below_the_lowest_that_settings_allow_is_refused():
    with pytest.raises(IntegrityError) as caught:
        from_item(samples.item(), table="records", tenant=TENANT, pk=PK, lowest_format=2)
    assert (caught.value.step, caught.value.where) == ("1 format", Place("records", PK, SK))


def test_an_attribute_of_any_legal_name_and_type_is_part_of_the_context():
    more = {"priority": {"S": "high"}, "bi_vendor": {"NULL": True}, "n" * 64: {"N": "1.0"}, "paid": {"BOOL": False}}
    found = from_item({**samples.item(), **more}, table="records", tenant=TENANT, pk=PK)
    added = {"priority": "high", "bi_vendor": None, "n" * 64: Number("1.0"), "paid": False}
    assert found.context.clear == {**context().clear, **added}


def test_what_stands_outside_the_seal_is_no_part_of_the_context():
    hostile = {**samples.item(), "state": {"L": []}}
    outside = from_item(hostile, table="records", tenant=TENANT, pk=PK, unauthenticated={"state"})
    assert outside.context == context()
    assert samples.refusal(hostile) == ""


@pytest.mark.parametrize(
    ("name", "value", "declared"),
    [
        pytest.param("a", "x", {"a": {"S"}}, id="text"),
        pytest.param("a", Number("1"), {"a": {"S", "N"}}, id="number"),
        pytest.param("a", True, {"a": {"BOOL"}}, id="truth value"),
        pytest.param("a", None, {"a": {"NULL"}}, id="null"),
    ],
)
def test_what_is_declared_with_the_type_it_has_is_declared(name, value, declared):
    assert undeclared({name: value}, declared) == []
    assert undeclared({name: value}, {"b": {"S", "N", "BOOL", "NULL"}}) == [name]
    assert undeclared({name: value}, {name: {"S", "N", "BOOL", "NULL"} - declared[name]}) == [name]


def test_what_is_not_declared_is_named_in_order():
    assert undeclared({"c": "x", "b": True, "a": None}, {"b": {"BOOL"}}) == ["a", "c"]


@pytest.mark.parametrize(
    "key_id",
    ["kek#000001", "idx", "register-key", "dek#dialogue#a#000001", "dek#" + "k" * 63 + "#" + "p" * 63 + "#999999"],
)
def test_key_ids_have_the_form_of_a_key_rows_sort_key(key_id):
    found = from_item({**samples.item(), "key_id": {"S": key_id}}, table="records", tenant=TENANT, pk=PK)
    assert found.context.key_id == key_id


@pytest.mark.parametrize(
    "key_id",
    [
        "",
        "kek",
        "kek#1",
        "kek#0000001",
        "kek#00000a",
        "kek#\u0660\u0660\u0660\u0660\u0660\u0661",
        "KEK#000001",
        "idx#000001",
        "idx#",
        "idx\n",
        "register",
        "register-key#000001",
        "register-key ",
        "dek#000001",
        "dek#a#000001",
        "dek##a#000001",
        "dek#a#b#c#000001",
        "dek#A#b#000001",
        "dek#" + "k" * 64 + "#p#000001",
        "dek#k#" + "p" * 64 + "#000001",
        "kek#000001\n",
        " kek#000001",
        "alias/root",
    ],
)
def test_a_key_id_of_another_form_is_refused_before_anything_is_looked_up(key_id):
    assert samples.refusal({**samples.item(), "key_id": {"S": key_id}}) == "2 key id"


@pytest.mark.parametrize("length", [1024, 1025])
def test_a_sort_key_is_no_longer_than_dynamodb_allows(length):
    hostile = {**samples.item(), "sk": {"S": "s" * length}}
    assert samples.refusal(hostile) == ("5 commitment" if length == 1024 else "0 place")


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"format": {"N": "9"}}, "1 format"),
        ({"key_id": {"S": "x"}}, "2 key id"),
        ({"key_id": {"N": "1"}}, "2 key id"),
        ({"content_salt": {"B": b""}}, "3 lengths"),
        ({"content_salt": {"S": "x"}}, "3 lengths"),
        ({"x": {}}, "4 clear attributes"),
        ({"status": {"S": "closed"}}, "5 commitment"),
        ({"content_nonce": {"B": bytes(12)}}, "6 ciphertext"),
    ],
)
def test_a_refusal_of_any_step_names_the_row(changes, step):
    with pytest.raises(IntegrityError) as caught:
        open_item({**samples.item(), **changes})
    assert (caught.value.step, caught.value.where) == (step, Place("records", PK, SK))


@pytest.mark.parametrize("changes", [{"sk": {"N": "1"}}, {"pk": {"S": "tenant#evil"}}, {"sk": {"S": "s" * 1025}}])
def test_an_item_from_elsewhere_has_no_name_of_its_own(changes):
    with pytest.raises(IntegrityError) as caught:
        open_item({**samples.item(), **changes})
    assert (caught.value.step, caught.value.where) == ("0 place", Place("records", PK))


@pytest.mark.parametrize("value", [{"N": 1}, {"S": 1}, {"BOOL": "1"}, {"BOOL": 1}, {"NULL": "1"}, {"NULL": 1}], ids=str)
def test_a_content_that_belies_its_type_is_refused(value):
    with pytest.raises(IntegrityError) as caught:
        from_item({**samples.item(), "status": value}, table="records", tenant=TENANT, pk=PK)
    assert caught.value.step == "4 clear attributes"


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS", "s", ""])
ATTRIBUTE_VALUES = st.one_of(ANYTHING, st.dictionaries(KINDS, ANYTHING, max_size=2))
NAMES = st.one_of(st.sampled_from(sorted(samples.item())), st.text(max_size=8))


@settings(max_examples=500)
@given(
    st.dictionaries(NAMES, ATTRIBUTE_VALUES, min_size=1, max_size=5), st.sets(st.sampled_from(sorted(samples.item())))
)
def test_any_item_however_shaped_opens_or_is_refused(changes, dropped):
    hostile = {name: value for name, value in samples.item().items() if name not in dropped} | changes
    try:
        opened = open_item(hostile)
    except IntegrityError:
        return
    assert opened == PLAINTEXT


@given(ANYTHING.filter(lambda value: isinstance(value, dict)))
def test_what_is_no_item_at_all_is_refused(hostile):
    with pytest.raises(IntegrityError):
        open_item(hostile)


@pytest.mark.parametrize("key", [None, 1, b"status", ("status",)], ids=repr)
def test_a_name_that_is_not_text_is_refused(key):
    hostile: Any = {**samples.item(), key: {"S": "open"}}
    assert samples.refusal(hostile) == "4 clear attributes"


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"at": {"S": "here"}}, "here"),
        ({}, ""),
        ({"at": {"N": "1"}}, ""),
        ({"at": {"S": b"x"}}, ""),
        ({"at": {"S": "here", "N": "1"}}, ""),
        ({"at": "here"}, ""),
    ],
    ids=repr,
)
def test_text_of_an_item_is_its_text_or_empty(item, text):
    assert text_of(item, "at") == text
