"""What someone who can write the keys table may try: rows moved, renamed, copied, edited. No key opens from them."""

import os
from dataclasses import replace

import pytest

from tests.fakes import FakeKms, Recorder
from twinvault.envelope import Label, tenant_key
from twinvault.errors import IntegrityError, KeyRefused, Step
from twinvault.keys.rows import (
    KekRow,
    NamedKey,
    dek_name,
    dek_version,
    idx_name,
    kek_context,
    parse_kek,
    require_state,
    row_place,
    state_of,
    unwrap,
    wrap,
    wrapping_key_name,
)
from twinvault.scope import Scope

TENANT, OTHER_TENANT = "acme", "evil"
KIND, PARTITION = "dialogue", "k3v7xqz2m4n5p6r7s8t9abcdef"
KEKS = {name: NamedKey(name, os.urandom(32)) for name in ("kek#000001", "kek#000002")}
FIRST_KEK = KEKS["kek#000001"]
DEK = NamedKey(dek_name(Scope(TENANT, KIND, PARTITION), 1), os.urandom(32))
IDX = NamedKey(idx_name(1), os.urandom(32))


def _wrapped(key, *, label, tenant=TENANT, kek=FIRST_KEK):
    salt, nonce = os.urandom(32), os.urandom(12)
    return wrap(key, tenant=tenant, kek=kek, label=label, created_at="2026-11-23T09:00:00Z", salt=salt, nonce=nonce)


def _refusal(row, *, name=DEK.name, tenant=TENANT, label=Label.DEK):
    """The step at which a row is refused, found under this tenant and name."""
    with pytest.raises(IntegrityError) as caught:
        unwrap(row, tenant=tenant, name=name, kek=KEKS[wrapping_key_name(row, tenant=tenant, name=name)], label=label)
    return caught.value.step


def test_the_untouched_rows_open():
    row = _wrapped(DEK, label=Label.DEK)
    assert unwrap(row, tenant=TENANT, name=DEK.name, kek=FIRST_KEK, label=Label.DEK) == DEK
    idx = _wrapped(IDX, label=Label.INDEX)
    assert unwrap(idx, tenant=TENANT, name=IDX.name, kek=FIRST_KEK, label=Label.INDEX) == IDX


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(dek_name(Scope(TENANT, KIND, PARTITION), 2), id="to another version"),
        pytest.param(dek_name(Scope(TENANT, KIND, "z" * 26), 1), id="to another partition"),
        pytest.param(dek_name(Scope(TENANT, "other", PARTITION), 1), id="to the partition of another kind"),
        pytest.param(idx_name(1), id="in the place of the index key"),
    ],
)
def test_copy_a_dek_row(name):
    copied = {**_wrapped(DEK, label=Label.DEK), "sk": {"S": name}}
    assert _refusal(copied, name=name) is Step.COMMITMENT


def test_copy_a_dek_row_to_another_tenant():
    copied = {**_wrapped(DEK, label=Label.DEK), "pk": {"S": tenant_key(OTHER_TENANT)}, "tenant_id": {"S": OTHER_TENANT}}
    assert _refusal(copied, tenant=OTHER_TENANT) is Step.COMMITMENT
    assert _refusal(copied) is Step.PLACE


def test_answer_with_the_row_of_another_version():
    assert _refusal(_wrapped(DEK, label=Label.DEK), name=dek_name(Scope(TENANT, KIND, PARTITION), 2)) is Step.PLACE


def test_put_a_dek_under_another_epochs_kek():
    moved = {**_wrapped(DEK, label=Label.DEK), "key_id": {"S": "kek#000002"}}
    assert _refusal(moved) is Step.COMMITMENT


def test_pass_an_index_key_off_as_a_dek_and_a_dek_as_an_index_key():
    assert _refusal(_wrapped(IDX, label=Label.INDEX), name=IDX.name, label=Label.DEK) is Step.COMMITMENT
    assert _refusal(_wrapped(DEK, label=Label.DEK), label=Label.INDEX) is Step.COMMITMENT


@pytest.mark.parametrize("key_id", ["dek#dialogue#x#000001", "idx#000001", "kek#1", "", "kek#000001\n"])
def test_name_something_else_than_a_kek_as_the_wrapping_key(key_id):
    with pytest.raises(IntegrityError) as caught:
        wrapping_key_name({**_wrapped(DEK, label=Label.DEK), "key_id": {"S": key_id}}, tenant=TENANT, name=DEK.name)
    assert caught.value.step is Step.KEY_ID


@pytest.mark.parametrize(
    ("name", "value", "step"),
    [
        pytest.param("created_at", {"S": "2020-01-01T00:00:00Z"}, Step.COMMITMENT, id="make it older"),
        pytest.param("version", {"N": "2"}, Step.COMMITMENT, id="raise the row's version"),
        pytest.param("entity_type", {"S": "idx"}, Step.COMMITMENT, id="claim another entity"),
        pytest.param("epoch", {"N": "1"}, Step.COMMITMENT, id="add an attribute"),
        pytest.param("format", {"N": "2"}, Step.FORMAT, id="claim another format"),
    ],
)
def test_edit_a_clear_attribute_of_a_key_row(name, value, step):
    assert _refusal({**_wrapped(DEK, label=Label.DEK), name: value}) == step


def test_wrap_something_that_is_no_key():
    row = _wrapped(NamedKey(DEK.name, bytes(16)), label=Label.DEK)
    assert _refusal(row) is Step.PAYLOAD


@pytest.mark.parametrize(
    "key_id",
    [
        pytest.param(dek_name(Scope(TENANT, KIND, "z" * 26), 1), id="another partition"),
        pytest.param(dek_name(Scope(TENANT, "other", PARTITION), 1), id="another kind"),
        pytest.param(dek_name(Scope(TENANT, KIND, PARTITION), 1) + "0", id="seven digits"),
        pytest.param("kek#000001", id="a KEK"),
    ],
)
def test_a_record_names_a_key_that_is_not_its_partitions(key_id):
    with pytest.raises(IntegrityError) as caught:
        dek_version(key_id, scope=Scope(TENANT, KIND, PARTITION))
    assert caught.value.step is Step.KEY_ID


@pytest.fixture
def kms():
    return FakeKms()


@pytest.fixture
def kek_row(kms):
    kek_id = os.urandom(16).hex()
    made = kms.generate_data_key("root-1", context=kek_context(TENANT, 1, kek_id=kek_id), observer=Recorder())
    return KekRow(TENANT, 1, kek_id, "root-1", made.wrapped, "active", "2026-11-23T09:00:00Z")


def _decrypt(kms, row):
    return kms.decrypt(row.wrapped, row.root_key_id, context=row.context, observer=Recorder())


def test_a_kek_row_opens_where_it_was_made(kms, kek_row):
    assert len(_decrypt(kms, parse_kek(kek_row.to_item(), tenant=TENANT, name="kek#000001"))) == 32


@pytest.mark.parametrize(
    ("moved", "scope"),
    [
        pytest.param({"tenant": OTHER_TENANT}, {"tenant": OTHER_TENANT, "name": "kek#000001"}, id="to another tenant"),
        pytest.param({"epoch": 2}, {"tenant": TENANT, "name": "kek#000002"}, id="to another epoch"),
        pytest.param({"kek_id": "0" * 32}, {"tenant": TENANT, "name": "kek#000001"}, id="under another key id"),
    ],
)
def test_copy_a_kek_row(kms, kek_row, moved, scope):
    """The row itself cannot show it. KMS does: tenant, epoch and key id are its encryption context."""
    copied = parse_kek(replace(kek_row, **moved).to_item(), **scope)
    with pytest.raises(IntegrityError):
        _decrypt(kms, copied)


def test_a_kek_row_says_nothing_of_its_place(kek_row):
    """An `epoch` or `tenant_id` that lies is not believed: both come from where the row was found."""
    lying = {**kek_row.to_item(), "epoch": {"N": "7"}, "tenant_id": {"S": OTHER_TENANT}}
    row = parse_kek(lying, tenant=TENANT, name="kek#000001")
    assert (row.tenant, row.epoch) == (TENANT, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pk", {"S": "tenant#evil"}),
        ("sk", {"S": "kek#000002"}),
        ("kek_id", {"S": "0" * 31}),
        ("kek_id", {"S": "Z" * 32}),
        ("root_key_id", {"N": "1"}),
        ("wrapped", {"B": b""}),
        ("wrapped", {"B": bytes(6145)}),
        ("wrapped", {"S": "x"}),
        ("state", {"S": "ACTIVE"}),
        ("state", {"S": ["active"]}),
        ("state", {}),
        ("created_at", {"NULL": True}),
    ],
    ids=str,
)
def test_a_kek_row_of_another_form_is_refused_before_kms_is_asked(kek_row, name, value):
    with pytest.raises(IntegrityError) as caught:
        parse_kek({**kek_row.to_item(), name: value}, tenant=TENANT, name="kek#000001")
    assert caught.value.step is Step.KEK_ROW


@pytest.mark.parametrize("state", [None, "", "ACTIVE", 1, ["active"], {}], ids=repr)
def test_a_state_that_there_is_not_is_tampering(state):
    with pytest.raises(IntegrityError):
        require_state(state_of({"state": {"S": state}}), sealing=False, where=row_place(TENANT, DEK.name))


@pytest.mark.parametrize(
    ("state", "sealing", "allowed"),
    [
        ("active", True, True),
        ("active", False, True),
        ("retired", True, False),
        ("retired", False, True),
        ("revoked", False, False),
        ("destroyed", False, False),
    ],
)
def test_what_a_state_allows(state, sealing, allowed):
    if allowed:
        require_state(state, sealing=sealing, where=row_place(TENANT, DEK.name))
    else:
        with pytest.raises(KeyRefused):
            require_state(state, sealing=sealing, where=row_place(TENANT, DEK.name))
