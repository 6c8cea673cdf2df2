"""The restore drill: whoever has old copies tries to open what was erased, and the receipt predicted what they find.

On the real engines. The adversary keeps to no rule of the store's: no mark, no register, no tombstone stops them. They
hold rows, and the store's own access to KMS; what opens under that is what opens at all. The store itself is asked too,
in the live tables with old rows put back, and in tables of other names that a backup was restored to.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from tests.erasure.samples import erase, filled, partition
from tests.erasure.test_finalizing import Finalhouse
from tests.erasure.test_proof import KEPT
from tests.records.samples import SCOPE
from tests.stores import STORE, World, make_tables, make_world
from twinvault.compose import signing_receipts
from twinvault.dynamodb.table import TableNames
from twinvault.envelope import Label, partition_key
from twinvault.envelope.item import from_item, open_found, text_of
from twinvault.envelope.suite import DerivationKey
from twinvault.erasure.act import Eraser
from twinvault.erasure.facts import Erased
from twinvault.erasure.horizon import is_final
from twinvault.erasure.proof import ErasureFacts, Receipts
from twinvault.erasure.receipt import ErasureStanding, standing, verify_receipt
from twinvault.errors import Gone, TwinvaultError
from twinvault.keys.kms import AwsKms
from twinvault.keys.rows import NamedKey
from twinvault.keys.sealed import parse_sealed, unwrap
from twinvault.keys.wrapped import key_context
from twinvault.maintenance.rekeying import Rekeying
from twinvault.scope import Scope

LIVING = replace(SCOPE, partition="p2")
TABLES = ("records", "keys", "marks", "audit")

type Rows = list[dict[str, Any]]
type Snapshot = dict[str, Rows]


@dataclass
class Drill:
    """A store on the real engines, with a partition that is erased and one that lives."""

    world: World
    kms: Any
    root: str
    audit_key: str
    house: Finalhouse = field(init=False)
    finalized_at: str | None = None

    def __post_init__(self) -> None:
        self.house = Finalhouse(self.world)

    def snapshot(self) -> Snapshot:
        """All rows of all tables, as a backup of this moment has them."""
        return {name: self.world.items(getattr(self.world.tables, name)) for name in TABLES}

    def restored(self, copies: Snapshot) -> World:
        """A store over tables of other names that these copies were restored to; the KMS is the same."""
        tables = make_tables(self.world.client)
        for name in TABLES:
            for row in copies[name]:
                self.world.client.put_item(TableName=getattr(tables, name), Item=row)
        return self.over(tables)

    def over(self, tables: TableNames) -> World:
        return make_world(self.world.client, AwsKms(self.kms), tables, roots=(self.root,))

    def finalize(self, erased: Erased, *, phase: str = "done") -> None:
        """As `erase finalize` does, wait and all."""
        done = self.house.through(self.house.begin())
        assert done.phase == phase
        with self.world.vault.acting(tenant="acme", principal="ann", action="test") as acting:
            found = self.world.keys.tenant("acme", observer=acting.activity, fresh=True)
            acting.release()
        assert found is not None
        assert is_final(erased.newest_epoch, lowest_epoch=found.register.lowest_epoch)
        self.finalized_at = self.house.clock()

    def receipt(self, erased: Erased) -> dict[str, Any]:
        """What the receipt says now, verified."""
        facts = ErasureFacts(
            erasure="01975e30-0000-7000-8000-000000000000",
            requested_by="ann",
            requested_at=erased.erased_at,
            erased_by="bob",
            erased=erased,
            finalized_at=self.finalized_at,
        )
        vault = signing_receipts(self.world.vault, self.kms, audit_key=self.audit_key)
        with vault.acting(tenant="acme", principal="ann", action="erasure.receipt") as acting:
            file = Receipts(acting, KEPT, self.house.clock).make(facts)
            assert vault.signer is not None
            public = vault.signer.public_key(observer=acting.activity)
            acting.release()
        return verify_receipt(json.dumps(file).encode(), public_key=public)

    def opens(self, *, keys: Rows, records: Rows, of: Scope = SCOPE) -> set[str]:
        """The sort keys of the partition's records that anybody opens who holds these rows and may use KMS."""
        keks = dict(self._keks(keys))
        deks = dict(_deks(keys, keks))
        pk = partition_key(of.tenant, kind=of.kind, partition=of.partition)
        return {text_of(row, "sk") for row in records if text_of(row, "pk") == pk and _opened(row, deks, pk=pk)}

    def _keks(self, keys: Rows) -> Iterator[tuple[str, NamedKey]]:
        for row in keys:
            name = text_of(row, "sk")
            if not name.startswith("kek#"):
                continue
            context = key_context(name, store=STORE, tenant="acme", key=text_of(row, "key"))
            with contextlib.suppress(self.kms.exceptions.ClientError):
                told = self.kms.decrypt(CiphertextBlob=row["wrapped"]["B"], KeyId=self.root, EncryptionContext=context)
                yield name, NamedKey(name, told["Plaintext"])


def _deks(keys: Rows, keks: dict[str, NamedKey]) -> Iterator[tuple[str, NamedKey]]:
    for row in keys:
        name, under = text_of(row, "sk"), text_of(row, "key_id")
        if name.startswith("dek#") and under in keks:
            with contextlib.suppress(TwinvaultError):
                yield name, unwrap(parse_sealed(row, tenant="acme", name=name), kek=keks[under], label=Label.DEK)


def _opened(row: dict[str, Any], deks: dict[str, NamedKey], *, pk: str) -> bool:
    dek = deks.get(text_of(row, "key_id"))
    if dek is None:
        return False
    found = from_item(row, table="records", tenant="acme", pk=pk)
    label = Label.HEAD if text_of(row, "sk") == "head" else Label.RECORD
    with contextlib.suppress(TwinvaultError):
        return bool(open_found(found, key=DerivationKey(dek.key), label=label).plaintext)
    return False


def copied(rows: Rows, *prefixes: str) -> Rows:
    return [row for row in rows if text_of(row, "sk").startswith(prefixes)]


def without(rows: Rows, *prefixes: str) -> Rows:
    return [row for row in rows if not text_of(row, "sk").startswith(prefixes)]


def answer(world: World, scope: Scope = SCOPE) -> str:
    """What the store says to whoever reads the partition whole."""
    try:
        found = partition(world.another_environment(), scope).read()
    except TwinvaultError as refusal:
        return refusal.problem
    return "never was" if found is None else f"{len(found.records)} records"


@pytest.fixture
def drill(client: Any, kms_endpoint: str, aws: dict[str, Any]) -> Iterator[Drill]:
    kms = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    root = kms.create_key()["KeyMetadata"]["KeyId"]
    audit = kms.create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    world = make_world(client, AwsKms(kms), roots=(root,))
    filled(filled(world), LIVING)
    yield Drill(world, kms, root, audit)
    kms.close()


WHOLE = {"head", "line#0001", "line#0002", "line#0003", "note#0001"}


def test_before_finalizing_a_copied_key_row_opens_and_the_receipt_says_refused_and_not_erased(drill: Drill) -> None:
    before = drill.snapshot()
    erased = erase(drill.world)
    said = drill.receipt(erased)
    assert (said["status"], said["irrecoverable_after"], said["bounds"]) == ("refused by this store", None, [])
    assert standing(said, now="2999-01-01T00:00:00.000000Z") is ErasureStanding.REFUSED
    # Refused by this store: whoever asks it, also with every old row put back into the live tables.
    assert answer(drill.world) == "erased"
    assert erased.refused_by == said["negative_test"] == "integrity: missing key"
    # Not erased: the row of the key, copied before, under the KEK that lives; and a backup of everything, restored.
    now = drill.snapshot()
    assert drill.opens(keys=now["keys"], records=before["records"]) == set(), "without a copy of the key nothing opens"
    keys = [*without(now["keys"], "dek#ledger#p1#"), *copied(before["keys"], "dek#ledger#p1#")]
    assert drill.opens(keys=keys, records=before["records"]) == WHOLE
    assert answer(drill.restored(before)) == "4 records"


def test_old_rows_put_back_into_the_live_tables_are_refused_at_every_time(drill: Drill) -> None:
    before = drill.snapshot()
    erased = erase(drill.world)

    def put_back() -> None:
        for name in ("records", "keys"):
            for row in before[name]:
                if ("p1" in text_of(row, "pk")) or ("#p1#" in text_of(row, "sk")):
                    drill.world.client.put_item(TableName=getattr(drill.world.tables, name), Item=row)

    put_back()
    assert answer(drill.world) == "erased"
    # The row that was put back is carried nowhere, which is said, and keeps no epoch from its end.
    drill.finalize(erased, phase="failed")
    assert drill.receipt(erased)["status"] == "erased"
    put_back()
    assert answer(drill.world) == "erased"
    assert answer(drill.world, LIVING) == "4 records"


def test_after_finalizing_a_backup_of_a_destroyed_epoch_opens_it_until_the_time_that_the_receipt_names(
    drill: Drill,
) -> None:
    before = drill.snapshot()
    erased = erase(drill.world)
    drill.finalize(erased)
    said = drill.receipt(erased)
    assert said["status"] == "erased"
    assert standing(said, now=drill.house.clock()) is ErasureStanding.NOT_YET
    # A copied key row alone opens nothing any more.
    now = drill.snapshot()
    keys = [*without(now["keys"], "dek#ledger#p1#"), *copied(before["keys"], "dek#ledger#p1#")]
    assert drill.opens(keys=keys, records=before["records"]) == set()
    # Not yet: with a copy of the epoch's own row it does, for KMS still opens that.
    assert drill.opens(keys=before["keys"], records=before["records"]) == WHOLE
    assert answer(drill.restored(before)) == "4 records"
    # The time is over: what can be restored is of the window, and in all of it the epoch was gone.
    until = said["irrecoverable_after"]
    drill.house.clock.pass_on(KEPT.keys_recovery_days * 24 * 3600 + 61)
    assert standing(said, now=drill.house.clock()) is ErasureStanding.IRRECOVERABLE
    assert until > said["finalized_at"]
    for state in (now, drill.snapshot()):
        restorable = [*state["keys"], *copied(before["keys"], "dek#ledger#p1#")]
        assert drill.opens(keys=restorable, records=before["records"]) == set()
        restored = drill.restored({**state, "keys": restorable, "records": before["records"]})
        assert answer(restored) == "erased"
    without_tombstone = [*without(now["keys"], "dek#ledger#p1#"), *copied(before["keys"], "dek#ledger#p1#")]
    assert answer(drill.restored({**before, "keys": without_tombstone})) == "integrity"


def test_what_lives_is_untouched_by_all_of_it(drill: Drill) -> None:
    before = drill.snapshot()
    erased = erase(drill.world)
    drill.finalize(erased)
    now = drill.snapshot()
    assert drill.opens(keys=now["keys"], records=now["records"], of=LIVING) == WHOLE
    assert answer(drill.world, LIVING) == answer(drill.restored(now), LIVING) == "4 records"
    assert drill.opens(keys=now["keys"], records=before["records"], of=LIVING) == WHOLE, "its key is the same key"


def test_a_key_that_was_under_a_newer_epoch_once_is_not_final_before_that_one_is_gone_too(drill: Drill) -> None:
    """An older epoch seals again once a newer one is retired: the row was under the newer one, and copied then."""
    world = drill.world
    with world.vault.acting(tenant="acme", principal="ann", action="test") as acting:
        acting.keys.rotate()
    _rewrap(drill)
    under_second = drill.snapshot()
    with world.vault.acting(tenant="acme", principal="ann", action="test") as acting:
        acting.keys.retire(2)
    _rewrap(drill)
    erased = erase(world)
    assert [one.epoch for one in erased.keys] == [1]
    assert erased.newest_epoch == 2
    keys = [*drill.snapshot()["keys"], *copied(under_second["keys"], "dek#ledger#p1#0")]
    assert drill.opens(keys=keys, records=under_second["records"]) == WHOLE
    assert not is_final(erased.newest_epoch, lowest_epoch=2), "though the epoch that it was under last is gone by then"
    drill.finalize(erased)
    keys = [*drill.snapshot()["keys"], *copied(under_second["keys"], "dek#ledger#p1#0")]
    assert drill.opens(keys=keys, records=under_second["records"]) == set()


def _rewrap(drill: Drill) -> None:
    with drill.world.vault.acting(tenant="acme", principal="ann", action="test") as acting:
        works = Rekeying(acting, now=drill.house.clock)
        assert works.drive(works.begin()[0].id).state == "done"


def test_of_an_erased_tenant_a_backup_of_its_keks_opens_it_until_the_time_that_the_receipt_names(drill: Drill) -> None:
    before = drill.snapshot()
    with drill.world.vault.acting(tenant="acme", principal="ann", action="erase.test") as acting:
        erased = Eraser(drill.world.vault).erase_tenant("acme", activity=acting.activity)
        acting.release()
    said = drill.receipt(erased)
    assert (said["status"], said["finalized_at"]) == ("erased", erased.erased_at), "nothing is left to finalize"
    assert standing(said, now=drill.house.clock()) is ErasureStanding.NOT_YET
    assert answer(drill.world) == answer(drill.world, LIVING) == "erased"
    now = drill.snapshot()
    for scope in (SCOPE, LIVING):
        # Every DEK was copied, and the KEKs were not: nothing opens. With a backup of those, all of it does.
        keys = [*now["keys"], *copied(before["keys"], "dek#")]
        assert drill.opens(keys=keys, records=before["records"], of=scope) == set()
        assert drill.opens(keys=before["keys"], records=before["records"], of=scope) == WHOLE
    assert answer(drill.restored(before)) == "4 records"
    drill.house.clock.at = datetime.fromisoformat(said["irrecoverable_after"]) + timedelta(seconds=1)
    assert standing(said, now=drill.house.clock()) is ErasureStanding.IRRECOVERABLE
    with pytest.raises(Gone):
        drill.house.begin()
