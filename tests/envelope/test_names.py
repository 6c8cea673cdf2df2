"""Ids that become part of a table key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.envelope import ID, partition_key, require_id, tenant_key
from twinvault.envelope.names import require_sort_key
from twinvault.errors import InvalidInput


@pytest.mark.parametrize("value", ["a", "0", "a.b_c-d", "a" * 63, "9-"])
def test_an_id_inside_the_pattern_is_returned(value):
    assert require_id(value, field="tenant") == value


@pytest.mark.parametrize(
    "value",
    ["", "A", "-a", ".a", "_a", "a#b", "a b", "a/b", "a" * 64, "ä", "a\n", "a\0", None, 1, b"a", ["a"]],
    ids=repr,
)
def test_an_id_outside_the_pattern_is_refused_and_the_field_is_named(value):
    with pytest.raises(InvalidInput, match=r"^tenant: must be 1 to 63 characters of a-z, 0-9, ") as caught:
        require_id(value, field="tenant")
    assert caught.value.field == "tenant"


def test_table_keys():
    assert tenant_key("acme") == "tenant#acme"
    assert partition_key("acme", kind="dialogue", partition="k3v7") == "tenant#acme#dialogue#k3v7"


@pytest.mark.parametrize("field", ["tenant", "kind", "partition"])
def test_a_table_key_is_made_of_ids_alone(field):
    parts = {"tenant": "acme", "kind": "dialogue", "partition": "k3v7", field: "a#b"}
    with pytest.raises(InvalidInput) as caught:
        partition_key(**parts)
    assert caught.value.field == field


@pytest.mark.parametrize("sk", ["a", "#", "x" * 1024, "ä" * 512], ids=lambda sk: f"{len(sk)} characters")
def test_a_sort_key_that_dynamodb_takes_is_returned(sk):
    assert require_sort_key(sk) == sk


@pytest.mark.parametrize(
    ("sk", "rule"),
    [
        ("", "must have 1 to 1024 bytes"),
        ("x" * 1025, "must have 1 to 1024 bytes"),
        ("ä" * 512 + "x", "must have 1 to 1024 bytes"),
        ("a\ud800", "holds a lone surrogate, which is not Unicode text"),
    ],
    ids=["empty", "too long", "too many bytes", "no Unicode"],
)
@pytest.mark.parametrize("names", [{}, {"field": "prefix"}], ids=["sk", "prefix"])
def test_a_sort_key_that_dynamodb_does_not_take_is_refused_and_the_field_is_named(sk, rule, names):
    field = names.get("field", "sk")
    with pytest.raises(InvalidInput) as caught:
        require_sort_key(sk, **names)
    assert (str(caught.value), caught.value.field) == (f"{field}: {rule}", field)


IDS = st.from_regex(ID, fullmatch=True)
SCOPES = st.fixed_dictionaries({"tenant": IDS, "kind": IDS, "partition": IDS})


@given(SCOPES, SCOPES)
def test_two_partitions_never_share_a_key(left, right):
    assert (partition_key(**left) == partition_key(**right)) == (left == right)
