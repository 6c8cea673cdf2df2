"""A receipt as it is made: what it is about, from when on, and by whose key; and what keeps it from being made."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest

from tests.chains import entries
from tests.fakes import OUTAGE, FakeKms, FakeSigner, Recorder
from tests.keys.test_changing import note, put
from tests.stores import World, now
from tests.vectors.receipts import PARTITION_ERASED, TENANT_ERASED
from twinvault.audit.elements import mark_hash
from twinvault.compose import signing_receipts
from twinvault.dynamodb.marks import head_mark_key
from twinvault.erasure.horizon import ROOT_KEY, CopiesKept
from twinvault.erasure.proof import ErasureFacts, Receipts
from twinvault.erasure.receipt import verify_receipt
from twinvault.errors import ConfigurationError, DependencyError, KeyRefused

KEPT = CopiesKept(keys_recovery_days=7, backup_days=0, key_ttl_seconds=300, longest_seconds=30)
FACTS = ErasureFacts(
    erasure="01975e30-0000-7000-8000-000000000000",
    requested_by="ann",
    requested_at="2026-11-29T19:30:00.000000Z",
    erased_by="bob",
    erased=PARTITION_ERASED,
    finalized_at=None,
)
FINAL = replace(FACTS, finalized_at="2026-12-01T08:15:00.000000Z")


@pytest.fixture
def signer() -> FakeSigner:
    return FakeSigner()


def make(world: World, facts: ErasureFacts, signer: FakeSigner | None) -> dict[str, Any]:
    vault = replace(world.vault, signer=signer)
    with vault.acting(tenant="acme", principal="ann", action="erasure.receipt") as acting:
        file = Receipts(acting, KEPT, now).make(facts)
        acting.release()
    return file


def content_of(file: dict[str, Any], signer: FakeSigner) -> dict[str, Any]:
    return verify_receipt(json.dumps(file).encode(), public_key=signer.public_key(observer=Recorder()))


def test_it_is_about_this_store_and_tenant_and_names_the_partition_as_the_audit_log_does(
    world: World, signer: FakeSigner
) -> None:
    content = content_of(make(world, FACTS, signer), signer)
    assert (content["store"], content["tenant"], content["audit_key"]) == ("world", "acme", "audit-1")
    pk = f"tenant#acme#{PARTITION_ERASED.kind}#{PARTITION_ERASED.partition}"
    assert content["mark"] == mark_hash(head_mark_key(pk))
    assert (content["requested"]["by"], content["erased"]["by"]) == ("ann", "bob")
    tenant = content_of(make(world, replace(FACTS, erased=TENANT_ERASED), signer), signer)
    assert tenant["mark"] == mark_hash("register#acme")


def test_of_a_partition_there_is_no_time_until_its_epochs_are_gone_and_of_a_tenant_at_once(
    world: World, signer: FakeSigner
) -> None:
    assert content_of(make(world, FACTS, signer), signer)["irrecoverable_after"] is None
    final = content_of(make(world, FINAL, signer), signer)
    assert (final["status"], final["irrecoverable_after"]) == ("erased", "2026-12-08T08:16:00.000000Z")
    tenant = content_of(make(world, replace(FACTS, erased=TENANT_ERASED), signer), signer)
    assert tenant["finalized_at"] == TENANT_ERASED.erased_at
    assert tenant["irrecoverable_after"] == "2026-12-07T20:01:00.041999Z"


def test_a_root_key_that_can_still_be_brought_back_counts(world: World, kms: FakeKms, signer: FakeSigner) -> None:
    kms.deletions["root-1"] = "2027-01-15T00:00:00.000000Z"
    final = content_of(make(world, FINAL, signer), signer)
    assert final["irrecoverable_after"] == "2027-01-15T00:00:00.000000Z"
    assert ROOT_KEY in {bound["what"] for bound in final["bounds"]}


def test_the_calls_that_signed_it_are_in_the_audit_log(world: World, signer: FakeSigner) -> None:
    make(world, FACTS, signer)
    (entry,) = [one for one in entries(world) if one["action"] == "erasure.receipt"]
    assert entry["kms"] == ["signer-1", "signer-2"]
    assert entry["outcome"] == "success"


def test_without_an_audit_key_or_where_kms_refuses_it_there_is_no_receipt(world: World, signer: FakeSigner) -> None:
    with pytest.raises(ConfigurationError, match="audit_key"):
        make(world, FACTS, None)
    for fault in (OUTAGE, KeyRefused("the key service refuses the audit key")):
        signer.fault, signer.calls = fault, []
        with pytest.raises(DependencyError):
            make(world, FACTS, signer)


def test_where_kms_does_not_tell_of_a_root_key_there_is_no_receipt(
    world: World, kms: FakeKms, signer: FakeSigner
) -> None:
    put(note(world, "one"), 1)
    kms.fault = KeyRefused("the key service refuses the root key (AccessDeniedException)")
    with pytest.raises(KeyRefused):
        make(world, FINAL, signer)
    assert make(world, FACTS, signer), "nothing is asked of it while an epoch lives"


def test_a_vault_signs_with_a_key_of_kms(world: World, kms_endpoint: str, aws: dict[str, Any]) -> None:
    client = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    made = client.create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    vault = signing_receipts(world.vault, client, audit_key=made)
    assert world.vault.signer is None
    with vault.acting(tenant="acme", principal="ann", action="erasure.receipt") as acting:
        file = Receipts(acting, KEPT, now).make(FACTS)
        public = vault.signer.public_key(observer=Recorder()) if vault.signer else b""
    assert verify_receipt(json.dumps(file).encode(), public_key=public)["audit_key"] == made
    client.close()
