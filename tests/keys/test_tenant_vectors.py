"""The vectors of key rows, registers and whole tenants (tests/vectors/tenants.json, keys.json)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fakes import Recorder
from tests.vectors.generate import FOLDER
from tests.vectors.material import item_of
from twinvault.dynamodb.marks import Mark
from twinvault.envelope import Label
from twinvault.erasure.request import decode as decode_erasure
from twinvault.errors import IntegrityError, Step
from twinvault.keys.holding import decode as decode_holds
from twinvault.keys.kms import DataKey
from twinvault.keys.last_register import LastRegister
from twinvault.keys.register import decode
from twinvault.keys.root import RootKeys
from twinvault.keys.rows import ERASURE, HOLDS, REGISTER, NamedKey
from twinvault.keys.sealed import open_payload, open_register, parse_sealed, unwrap
from twinvault.keys.tenant import Tenant, look_over, open_tenant, require_key
from twinvault.keys.tombstone import open_tombstone
from twinvault.keys.wrapped import key_context, parse_wrapped
from twinvault.maintenance.rows import open_work
from twinvault.observe import Observer
from twinvault.scope import Scope

TENANTS = json.loads((FOLDER / "tenants.json").read_text())
KEYS = json.loads((FOLDER / "keys.json").read_text())


def named(vectors: list[Any]) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


@dataclass
class VectorKms:
    """A KMS that opens what a vector says, in that very context and under that root key."""

    opens: list[Any]

    def generate_data_key(self, root_key_id: str, *, context: Mapping[str, str], observer: Observer) -> DataKey:
        raise NotImplementedError

    def decrypt(self, wrapped: bytes, root_key_id: str, *, context: Mapping[str, str], observer: Observer) -> bytes:
        for one in self.opens:
            if (one["wrapped"], one["root_key_id"], one["encryption_context"]) == (wrapped.hex(), root_key_id, context):
                return bytes.fromhex(one["key"])
        raise IntegrityError(Step.ROOT_KEY)


def opened(vector: Any) -> tuple[Tenant, NamedKey] | None:
    """The whole of "Open a tenant": the register, every KEK that may open, and the idx key."""
    tenant, mark = vector["tenant"], vector["mark"]
    newest = Mark(mark["version"], bytes.fromhex(mark["digest"]), mark["event"]) if mark else None
    rows = look_over([item_of(item) for item in vector["items"]], newest, tenant=tenant)
    if rows is None:
        return None
    kms = VectorKms(vector["kms"])
    root = RootKeys(kms, store=TENANTS["store"], root_key_ids=vector["root_keys"], randomness=lambda _: b"")
    found = open_tenant(rows, root.unwrap(rows.register_key, observer=Recorder()))
    keks = {}
    for one in found.register.epochs:
        key = root.unwrap(rows.keks[one.epoch], observer=Recorder())
        keks[key.name] = require_key(key, one.fingerprint, tenant=tenant)
    index = unwrap(rows.index, kek=keks[rows.index.wrapped_under], label=Label.INDEX)
    return found, require_key(index, found.register.index.fingerprint, tenant=tenant)


@pytest.mark.parametrize("vector", named(TENANTS["tenants"]))
def test_a_tenant_opens(vector: Any) -> None:
    whole = opened(vector)
    if vector["mark"] is None:
        assert whole is None
        return
    assert whole is not None
    found, index = whole
    assert found.written.version == vector["mark"]["version"]
    assert index.key.hex() == vector["index_key"]


@pytest.mark.parametrize("vector", named(TENANTS["refused"]))
def test_a_tenant_is_refused_at_the_first_check_that_fails(vector: Any) -> None:
    with pytest.raises(IntegrityError) as refused:
        opened(vector)
    assert refused.value.step.value == vector["step"]


def test_every_check_of_a_tenant_has_a_vector() -> None:
    own = {Step.KEY_ROWS, Step.MARK, Step.ROOT_KEY, Step.REGISTER, Step.FINGERPRINT}
    assert own < {Step(vector["step"]) for vector in TENANTS["refused"]}


@pytest.mark.parametrize("vector", named(TENANTS["registers"]))
def test_a_register_is_read_and_written_alike(vector: Any) -> None:
    payload = bytes.fromhex(vector["payload"])
    assert decode(payload).encode() == payload


@pytest.mark.parametrize("vector", named(TENANTS["refused_registers"]))
def test_what_is_no_register_is_refused(vector: Any) -> None:
    with pytest.raises(IntegrityError) as refused:
        decode(bytes.fromhex(vector["payload"]))
    assert refused.value.step is Step.REGISTER


@pytest.mark.parametrize("vector", named(KEYS["wrapped"]))
def test_the_context_of_a_key_that_kms_wraps(vector: Any) -> None:
    row = parse_wrapped(item_of(vector["item"]), tenant="acme", name=vector["name"])
    context = key_context(row.name, store=TENANTS["store"], tenant="acme", key=row.key)
    assert context == vector["encryption_context"]
    assert row.to_item() == item_of(vector["item"])


@pytest.mark.parametrize("vector", named([row for row in KEYS["rows"] if row["label"].endswith(("dek", "index"))]))
def test_a_key_row_unwraps(vector: Any) -> None:
    ((kek_name, kek),) = vector["keys"].items()
    row = parse_sealed(item_of(vector["item"]), tenant=vector["scope"]["tenant"], name=vector["sk"])
    key = unwrap(row, kek=NamedKey(kek_name, bytes.fromhex(kek)), label=Label(vector["label"]))
    assert key == NamedKey(vector["sk"], bytes.fromhex(vector["plaintext"]))
    assert row.digest(Label(vector["label"])).hex() == vector["digest"]


@pytest.mark.parametrize("vector", named([row for row in KEYS["rows"] if row["label"].endswith("work")]))
def test_a_work_row_opens_to_the_work_that_encodes_to_its_text(vector: Any) -> None:
    ((name, key),) = vector["keys"].items()
    found = open_work(item_of(vector["item"]), tenant="acme", key=NamedKey(name, bytes.fromhex(key)))
    assert found.work.encode().decode() == vector["plaintext_text"]
    assert (found.work.begun, found.work.updated) == (
        vector["clear"]["created_at"]["S"],
        vector["clear"]["updated_at"]["S"],
    )
    assert found.row.digest(Label.WORK).hex() == vector["digest"]


@pytest.mark.parametrize("vector", named([row for row in KEYS["rows"] if row["label"].endswith("hold")]))
def test_a_row_of_holds_opens_to_the_list_that_encodes_to_its_text(vector: Any) -> None:
    ((name, key),) = vector["keys"].items()
    row = parse_sealed(item_of(vector["item"]), tenant="acme", name=HOLDS)
    payload = open_payload(row, key=NamedKey(name, bytes.fromhex(key)), label=Label.HOLD)
    assert decode_holds(payload).encode().decode() == vector["plaintext_text"]
    assert row.digest(Label.HOLD).hex() == vector["digest"]


@pytest.mark.parametrize("vector", named([row for row in KEYS["rows"] if row["label"].endswith("erased")]))
def test_a_tombstone_opens_to_what_encodes_to_its_text(vector: Any) -> None:
    ((name, key),) = vector["keys"].items()
    _, kind, partition, _ = vector["sk"].split("#")
    scope, under = Scope("acme", kind, partition), NamedKey(name, bytes.fromhex(key))
    found = open_tombstone(item_of(vector["item"]), scope=scope, key=under)
    assert found.tombstone.encode().decode() == vector["plaintext_text"]
    assert found.digest.hex() == vector["digest"]
    # Elsewhere it does not open.
    other = item_of(vector["item"]) | {"sk": {"S": f"dek#{kind}#other#erased"}}
    with pytest.raises(IntegrityError):
        open_tombstone(other, scope=Scope("acme", kind, "other"), key=under)


def test_a_last_register_opens_to_what_encodes_to_its_text() -> None:
    (vector,) = (row for row in KEYS["rows"] if row["name"] == "last register")
    ((name, key),) = vector["keys"].items()
    row = parse_sealed(item_of(vector["item"]), tenant="acme", name=REGISTER)
    last = open_register(row, key=NamedKey(name, bytes.fromhex(key)))
    assert isinstance(last, LastRegister)
    assert last.encode().decode() == vector["plaintext_text"]


@pytest.mark.parametrize("vector", named([row for row in KEYS["rows"] if row["label"].endswith("erasure")]))
def test_the_row_of_an_erasure_opens_to_the_one_that_encodes_to_its_text(vector: Any) -> None:
    ((name, key),) = vector["keys"].items()
    row = parse_sealed(item_of(vector["item"]), tenant="acme", name=vector["sk"])
    payload = open_payload(row, key=NamedKey(name, bytes.fromhex(key)), label=Label.ERASURE)
    asked_at = "2026-11-23T09:00:00.000000Z"
    found = decode_erasure(payload, erasure_id=vector["sk"].removeprefix(ERASURE), requested_at=asked_at)
    assert found.encode().decode() == vector["plaintext_text"]
    assert row.digest(Label.ERASURE).hex() == vector["digest"]


def test_the_rows_by_themselves_are_those_of_one_tenant() -> None:
    wrapped = {row["name"]: row["key"] for row in KEYS["wrapped"]}
    for row in KEYS["rows"]:
        for name, key in row["keys"].items():
            assert wrapped.get(name, key) == key
