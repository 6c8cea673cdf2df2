"""What someone who can write the keys table may try: rows moved, renamed, copied, edited. No key opens from them."""

import os
from dataclasses import replace

import pytest

from tests.fakes import FakeKms, Recorder
from tests.keys.samples import made, root_keys
from twinvault.envelope import Label, tenant_key
from twinvault.errors import IntegrityError, Step
from twinvault.keys.root import RootKeys
from twinvault.keys.rows import IDX, NamedKey, dek_name, dek_version
from twinvault.keys.sealed import Written, parse_sealed, unwrap, wrap
from twinvault.keys.wrapped import parse_wrapped
from twinvault.scope import Scope

TENANT, OTHER_TENANT = "acme", "evil"
KIND, PARTITION = "dialogue", "k3v7xqz2m4n5p6r7s8t9abcdef"
KEKS = {name: NamedKey(name, os.urandom(32)) for name in ("kek#000001", "kek#000002")}
FIRST_KEK = KEKS["kek#000001"]
DEK = NamedKey(dek_name(Scope(TENANT, KIND, PARTITION), 1), os.urandom(32))
INDEX = NamedKey(IDX, os.urandom(32))
WRITTEN = Written(1, "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z")


def _wrapped(key, *, label, tenant=TENANT, kek=FIRST_KEK):
    salt, nonce = os.urandom(32), os.urandom(12)
    return wrap(key, tenant=tenant, kek=kek, label=label, written=WRITTEN, salt=salt, nonce=nonce)


def _unwrapped(row, *, name, tenant=TENANT, label):
    sealed = parse_sealed(row, tenant=tenant, name=name)
    return unwrap(sealed, kek=KEKS[sealed.wrapped_under], label=label)


def _refusal(row, *, name=DEK.name, tenant=TENANT, label=Label.DEK):
    """The step at which a row is refused, found under this tenant and name."""
    with pytest.raises(IntegrityError) as caught:
        _unwrapped(row, name=name, tenant=tenant, label=label)
    return caught.value.step


def test_the_untouched_rows_open():
    row = _wrapped(DEK, label=Label.DEK)
    assert _unwrapped(row, name=DEK.name, label=Label.DEK) == DEK
    idx = _wrapped(INDEX, label=Label.INDEX)
    assert _unwrapped(idx, name=IDX, label=Label.INDEX) == INDEX


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(dek_name(Scope(TENANT, KIND, PARTITION), 2), id="to another version"),
        pytest.param(dek_name(Scope(TENANT, KIND, "z" * 26), 1), id="to another partition"),
        pytest.param(dek_name(Scope(TENANT, "other", PARTITION), 1), id="to the partition of another kind"),
        pytest.param(IDX, id="in the place of the index key"),
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
    assert _refusal(_wrapped(INDEX, label=Label.INDEX), name=IDX, label=Label.DEK) is Step.COMMITMENT
    assert _refusal(_wrapped(DEK, label=Label.DEK), label=Label.INDEX) is Step.COMMITMENT


@pytest.mark.parametrize(
    "key_id", ["dek#dialogue#x#000001", "idx", "register-key", "kek#1", "kek#000000", "", "kek#000001\n"]
)
def test_name_something_else_than_a_kek_as_the_wrapping_key(key_id):
    assert _refusal({**_wrapped(DEK, label=Label.DEK), "key_id": {"S": key_id}}) is Step.KEY_ID


@pytest.mark.parametrize(
    ("name", "value", "step"),
    [
        pytest.param("created_at", {"S": "2020-01-01T00:00:00Z"}, Step.COMMITMENT, id="make it older"),
        pytest.param("version", {"N": "2"}, Step.COMMITMENT, id="raise the row's version"),
        pytest.param("updated_at", {"S": "2020-01-01T00:00:00Z"}, Step.COMMITMENT, id="make its last change older"),
        pytest.param("entity_type", {"S": "idx"}, Step.COMMITMENT, id="claim another entity"),
        pytest.param("state", {"S": "active"}, Step.COMMITMENT, id="add a state"),
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
def kms() -> FakeKms:
    return FakeKms()


@pytest.fixture
def root(kms) -> RootKeys:
    return root_keys(kms)


@pytest.fixture
def kek_row(root):
    return made(root, "kek#000001").row


def test_a_kek_row_opens_where_it_was_made(root, kek_row):
    row = parse_wrapped(kek_row.to_item(), tenant=TENANT, name="kek#000001")
    assert len(root.unwrap(row, observer=Recorder()).key) == 32


@pytest.mark.parametrize(
    "moved",
    [
        pytest.param({"tenant": OTHER_TENANT}, id="to another tenant"),
        pytest.param({"name": "kek#000002"}, id="to another epoch"),
        pytest.param({"name": "register-key"}, id="in the place of the register key"),
        pytest.param({"key": "0" * 32}, id="under another key id"),
    ],
)
def test_copy_a_kek_row(root, kek_row, moved):
    """The row itself cannot show it. KMS does: purpose, tenant, epoch and key id are its encryption context."""
    copied = replace(kek_row, **moved)
    row = parse_wrapped(copied.to_item(), tenant=copied.tenant, name=copied.name)
    with pytest.raises(IntegrityError):
        root.unwrap(row, observer=Recorder())


def test_bring_a_kek_row_from_another_store(kms, kek_row):
    """Two stores in one account may share a root key: the store's name is in the context."""
    elsewhere = RootKeys(kms, store="another", root_key_ids=("root-1",), randomness=os.urandom)
    with pytest.raises(IntegrityError):
        elsewhere.unwrap(kek_row, observer=Recorder())


def test_name_a_root_key_that_the_settings_do_not_list(kms, root, kek_row):
    kms.roots["root-9"] = kms.roots["root-1"]
    asked = len(kms.calls)
    with pytest.raises(IntegrityError) as caught:
        root.unwrap(replace(kek_row, root_key_id="root-9"), observer=Recorder())
    assert caught.value.step is Step.ROOT_KEY
    assert len(kms.calls) == asked


def test_a_kek_row_says_nothing_of_its_place(kek_row):
    """A `tenant_id` or `entity_type` that lies is not believed: both come from where the row was found."""
    lying = {**kek_row.to_item(), "entity_type": {"S": "register-key"}, "tenant_id": {"S": OTHER_TENANT}}
    row = parse_wrapped(lying, tenant=TENANT, name="kek#000001")
    assert (row.tenant, row.name) == (TENANT, "kek#000001")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pk", {"S": "tenant#evil"}),
        ("sk", {"S": "kek#000002"}),
        ("key", {"S": "0" * 31}),
        ("key", {"S": "Z" * 32}),
        ("root_key_id", {"N": "1"}),
        ("wrapped", {"B": b""}),
        ("wrapped", {"B": bytes(6145)}),
        ("wrapped", {"S": "x"}),
        ("format", {"N": "2"}),
        ("format", {}),
        ("created_at", {"NULL": True}),
    ],
    ids=str,
)
def test_a_kek_row_of_another_form_is_refused_before_kms_is_asked(kek_row, name, value):
    with pytest.raises(IntegrityError) as caught:
        parse_wrapped({**kek_row.to_item(), name: value}, tenant=TENANT, name="kek#000001")
    assert caught.value.step is Step.KEY_ROWS
