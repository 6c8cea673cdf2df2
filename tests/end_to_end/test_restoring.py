"""docs/runbooks/restore.md, walked on the twin by its own commands; AWS's restore is a copy of the table's rows."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from samples import canonical, dialogue
from test_command import run
from vaults import ROOT, Vault, bring_up

from twinvault_cli.deployment import living
from twinvault_cli.deployment.settings import differences
from twinvault_cli.deployment.synthesized import Site, Synthesized
from twinvault_cli.errors import UNAVAILABLE
from twinvault_local.artifact.sources import Sources
from twinvault_local.machine import files
from twinvault_local.machine.ports import free_port
from twinvault_local.provision import aws, callers
from twinvault_local.provision.template import ACCOUNT

PAGE = (ROOT / "docs" / "runbooks" / "restore.md").read_text(encoding="utf-8")
TENANT = "restored"
PATIENCE = 240  # seconds
UNTOUCHED, WRITTEN_SINCE, MADE_SINCE, NEW = (f"{TENANT}-{name}" for name in ("untouched", "written", "made", "new"))

pytestmark = pytest.mark.xdist_group("end_to_end")


def commands(heading: str, program: str) -> list[list[str]]:
    """The commands of one program that the page tells to type under a heading."""
    section = PAGE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    return [shlex.split(line)[1:] for line in re.findall(rf"^ {{4,}}({program} .+)$", section, re.MULTILINE)]


(LINE,) = re.findall(r'^ {4}"records_table": "(.+)",$', PAGE, re.MULTILINE)


def adopting(made: Sources, folder: Path) -> Sources:
    """The templates of stage dev with the page's line in cdk.json, and the same artifact."""
    stages = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["stages"]
    context = {"stage": "dev", "stages": {**stages, "dev": {**stages["dev"], "records_table": LINE}}}
    told = {"CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps({**context, "artifact": str(made.artifact)})}
    told |= {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", str(folder))}
    subprocess.run([sys.executable, str(ROOT / "app.py")], env=told, check=True, capture_output=True, timeout=300)
    return Sources(folder, made.artifact)


def provisioner(vault: Vault) -> Any:
    caller = callers.read(vault.twin.state.callers, callers.PROVISIONER)
    return aws.dynamodb_client(vault.facts.endpoints["dynamodb"], region=vault.facts.region, caller=caller)


def restore(vault: Vault, *, to: str) -> None:
    """What RestoreTableToPointInTime does, of this very moment: keys, indexes and rows, and no other setting."""
    client, table = provisioner(vault), vault.facts.tables["records"]
    described = client.describe_table(TableName=table)["Table"]
    kept = ("IndexName", "KeySchema", "Projection")
    indexes = [{part: index[part] for part in kept} for index in described["GlobalSecondaryIndexes"]]
    client.create_table(
        TableName=to,
        AttributeDefinitions=described["AttributeDefinitions"],
        KeySchema=described["KeySchema"],
        GlobalSecondaryIndexes=indexes,
        BillingMode="PAY_PER_REQUEST",
    )
    operator = vault.dynamodb()
    for item in vault.items("records"):
        operator.put_item(TableName=to, Item=item)


def lose_everything(vault: Vault) -> None:
    operator = vault.dynamodb()
    for item in vault.items("records"):
        key = {"pk": item["pk"], "sk": item["sk"]}
        operator.delete_item(TableName=vault.facts.tables["records"], Key=key)


def patiently[T](ask: Callable[[], T], *, busy: Callable[[T], bool]) -> T:
    """What is answered in the end: a busy machine may take more than a request's time, and says to come again."""
    deadline = time.monotonic() + PATIENCE
    while busy(answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


def typed(vault: Vault, *command: str) -> "subprocess.CompletedProcess[bytes]":
    """A command for this tenant, typed again while the service has no time for it."""
    return patiently(lambda: run(vault, *command, "--tenant", TENANT), busy=lambda done: done.returncode == UNAVAILABLE)


def exported(vault: Vault, name: str) -> int | bytes:
    """A dialogue as it comes out, or the status with which it is refused."""
    answer = patiently(lambda: vault.export(name, tenant=TENANT), busy=lambda one: one.status_code == 503)
    return canonical(answer.json()) if answer.status_code == 200 else answer.status_code


@pytest.fixture
def vault(tmp_path: Path, made: Sources) -> Iterator[Vault]:
    """A twin of its own: its stage changes."""
    up = bring_up(tmp_path / "state", made)
    yield up
    up.twin.down()


@pytest.fixture
def load(vault: Vault) -> Callable[[str], bytes]:
    def loaded(name: str) -> bytes:
        document = dialogue(name, perspectives=2, words=3)
        answer = patiently(lambda: vault.load(document, tenant=TENANT), busy=lambda one: one.status_code in {202, 503})
        assert answer.status_code in {200, 201}, answer.text
        return canonical(document)

    return loaded


def fsck(vault: Vault) -> set[str]:
    """Which partitions the page's own command finds unreadable."""
    ((*command,),) = commands("4. ", "twinvault")
    done = typed(vault, *command, "--json")
    found = {one["partition"] for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == (3 if found else 0), done.stderr
    return found


def test_the_runbook_from_a_lost_table_to_a_served_one(
    vault: Vault, load: Callable[[str], bytes], made: Sources, tmp_path: Path
) -> None:
    before = {name: load(name) for name in (UNTOUCHED, WRITTEN_SINCE)}
    restore(vault, to=LINE)
    assert typed(vault, "keys", "rotate", "--dialogue", WRITTEN_SINCE).returncode == 0
    load(MADE_SINCE)
    partitions = {item["pk"]["S"].rpartition("#")[2] for item in vault.items("records") if item["sk"]["S"] == "head"}
    lose_everything(vault)
    old = vault.facts.tables["records"]
    assert [exported(vault, name) for name in before] == [500, 500], "lost, and no 404"
    assert len(fsck(vault)) == len(partitions) == 3

    vault.twin.down()
    vault.facts, _ = vault.twin.up(
        lambda _: adopting(made, tmp_path / "adopting"), port=free_port(), progress=lambda _: None
    )
    assert vault.facts.tables["records"] == LINE
    assert old in provisioner(vault).list_tables()["TableNames"], "the stack's own stays"

    assert exported(vault, UNTOUCHED) == before[UNTOUCHED], "served at once"
    assert exported(vault, WRITTEN_SINCE) == 500, "older than its marks"
    assert len(fsck(vault)) == 2

    command, *_ = (one for one in commands("5. ", "twinvault") if one[0] == "restore")
    done = typed(vault, *command, "--json")
    (gone,) = json.loads(done.stdout)["findings"]
    assert done.returncode == 3, "of what was made since, there is nothing that could be sealed anew"
    assert {name: exported(vault, name) for name in before} == before
    assert fsck(vault) == {gone["partition"]}
    assert exported(vault, MADE_SINCE) == 500
    assert load(NEW) == exported(vault, NEW)
    assert exported(vault, NEW) != 500


def test_verify_deploy_finds_the_twins_tables_and_keys_as_the_templates_have_them(vault: Vault, made: Sources) -> None:
    """As far as the engines tell: DynamoDB Local has no recovery, policies, tags and encryption."""
    site = Site(account=ACCOUNT, partition="aws", region=vault.facts.region)
    physical = files.read_json(vault.twin.state.provisioned)
    synthesized = Synthesized.read(made.assembly, site, physical)
    operator = callers.read(vault.twin.state.callers, callers.OPERATOR)
    kms = aws.kms_client(vault.facts.endpoints["kms"], region=vault.facts.region, caller=operator)
    keys, tables = synthesized.keys(), synthesized.tables()
    assert (len(keys), len(tables)) == (4, 4)
    for wanted in keys:
        is_ = living.key(kms, wanted.name)
        assert is_ is not None
        assert list(differences(is_, wanted.settings)) == []
    for wanted in tables:
        described = vault.dynamodb().describe_table(TableName=wanted.name)["Table"]
        told = living.described_features(described)
        told["expiry"] = living.expiry(vault.dynamodb(), wanted.name)
        told.pop("encryption")
        assert {name: wanted.settings.features.get(name) for name in told} == told
