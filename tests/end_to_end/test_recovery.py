"""A tampered dialogue in the twin: found, accepted as far as it opens, and put back from a table that was restored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from samples import canonical, dialogue
from test_command import run
from vaults import Vault

from twinvault_local.provision import aws, callers

pytestmark = pytest.mark.xdist_group("end_to_end")

RESTORED = "twinvault-dev-restored"
MINE = ("--tenant", "mended")
NAMES = [f"mended-{number}" for number in range(3)]


def partition_of(vault: Vault, name: str) -> str:
    shown = json.loads(run(vault, "show", name, *MINE, "--json").stdout)
    return str(shown["stored"]["partition_key"])


def items(vault: Vault, pk: str) -> list[dict[str, Any]]:
    return [item for item in vault.items("records") if item["pk"]["S"] == pk]


def tamper(vault: Vault, pk: str) -> str:
    """Changes a perspective's status, as whoever writes the table can; returns its sort key."""
    row = next(item for item in items(vault, pk) if item["sk"]["S"].startswith("perspective#"))
    changed = row | {"status": {"S": "conceded" if row["status"]["S"] != "conceded" else "open"}}
    vault.dynamodb().put_item(TableName=vault.facts.tables["records"], Item=changed)
    return str(row["sk"]["S"])


def exported(vault: Vault, name: str) -> bytes:
    return canonical(json.loads(run(vault, "export", name, *MINE).stdout))


@pytest.fixture(scope="module")
def files(vault: Vault) -> list[bytes]:
    documents = [dialogue(name, perspectives=2, words=3) for name in NAMES]
    for document in documents:
        assert vault.load(document, tenant="mended").status_code in {200, 201}
    return [canonical(document) for document in documents]


@pytest.fixture(scope="module")
def restored(vault: Vault, files: list[bytes]) -> Iterator[None]:
    """The records table as it is now, under the name that backups are restored under."""
    provisioner = callers.read(vault.twin.state.callers, callers.PROVISIONER)
    client = aws.dynamodb_client(vault.facts.endpoints["dynamodb"], region=vault.facts.region, caller=provisioner)
    client.create_table(
        TableName=RESTORED,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    operator = vault.dynamodb()
    for item in vault.items("records"):
        if item["pk"]["S"].startswith("tenant#mended#"):  # the other tenants of this twin are other tests'
            operator.put_item(TableName=RESTORED, Item=item)
    yield
    client.delete_table(TableName=RESTORED)


def test_a_tampering_is_found_and_what_opens_is_kept(vault: Vault, files: list[bytes]) -> None:
    assert run(vault, "fsck", *MINE).returncode == 0
    pk = partition_of(vault, NAMES[0])
    sk = tamper(vault, pk)
    assert run(vault, "export", NAMES[0], *MINE).returncode == 3
    found = run(vault, "fsck", *MINE, "--json")
    assert found.returncode == 3, found.stderr
    without = run(vault, "fsck", "--no-keys", *MINE, "--json")
    assert (without.returncode, json.loads(without.stdout)["findings"]) == (0, []), "that an edit shows only with keys"
    (finding,) = json.loads(found.stdout)["findings"]
    partition = pk.rpartition("#")[2]
    assert finding == {"partition": partition, "problem": "integrity", "check": "5 commitment", "row": sk}
    looked = run(vault, "fsck", "--accept", partition, "--partition", *MINE, "--json")
    assert (looked.returncode, json.loads(looked.stdout)["refused"]) == (3, [{"row": sk, "check": "5 commitment"}])
    assert run(vault, "fsck", "--accept", NAMES[0], "--lose", "0", *MINE).returncode == 2
    mended = run(vault, "fsck", "--accept", NAMES[0], "--lose", "1", *MINE)
    assert (mended.returncode, sk.encode() in mended.stdout) == (0, True), mended.stderr
    assert run(vault, "fsck", *MINE).returncode == 0
    assert sk not in {item["sk"]["S"] for item in items(vault, pk)}


def test_a_dialogue_whose_keys_are_all_gone_is_found(vault: Vault, files: list[bytes]) -> None:
    partition, keys = partition_of(vault, NAMES[2]).rpartition("#")[2], vault.facts.tables["keys"]
    (row,) = [item for item in vault.items("keys") if item["sk"]["S"].startswith(f"dek#dialogue#{partition}#")]
    vault.dynamodb().delete_item(TableName=keys, Key={"pk": row["pk"], "sk": row["sk"]})
    try:
        found = run(vault, "fsck", *MINE, "--json")
        work = json.loads(found.stdout)
        (finding,) = work["findings"]
        assert (found.returncode, finding["partition"], finding["check"]) == (3, partition, "missing key")
        assert work["unanswered_marks"] is None
    finally:
        vault.dynamodb().put_item(TableName=keys, Item=row)


def test_a_dialogue_is_put_back_from_a_restored_table(vault: Vault, files: list[bytes], restored: None) -> None:
    pk = partition_of(vault, NAMES[1])
    for item in items(vault, pk):
        key = {"pk": item["pk"], "sk": item["sk"]}
        vault.dynamodb().delete_item(TableName=vault.facts.tables["records"], Key=key)
    assert run(vault, "export", NAMES[1], *MINE).returncode == 3
    without = run(vault, "fsck", "--no-keys", *MINE, "--json")
    assert (without.returncode, [one["check"] for one in json.loads(without.stdout)["findings"]]) == (
        3,
        ["missing partition"],
    )
    everywhere = run(vault, "fsck", "--no-keys", "--all", "--json")
    assert json.loads(everywhere.stdout)["unanswered_marks"] is not None, everywhere.stderr
    assert run(vault, "fsck", "--all", *MINE).returncode == 2
    assert run(vault, "restore", "partition", NAMES[1], *MINE).returncode == 3
    done = run(vault, "restore", "partition", NAMES[1], "--lose", "0", *MINE, "--json")
    assert (done.returncode, json.loads(done.stdout)["done"]) == (0, True), done.stderr
    assert exported(vault, NAMES[1]) == files[1]


def test_all_that_cannot_be_read_are_put_back_at_once(vault: Vault, files: list[bytes], restored: None) -> None:
    tamper(vault, partition_of(vault, NAMES[1]))
    tamper(vault, partition_of(vault, NAMES[2]))
    done = run(vault, "restore", "all", "dialogue", *MINE, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["failed"] == 0
    assert [exported(vault, name) for name in NAMES[1:]] == files[1:]
    assert run(vault, "restore", "all", "dialogue", "--adopted", *MINE).returncode == 0
    assert run(vault, "fsck", *MINE).returncode == 0
