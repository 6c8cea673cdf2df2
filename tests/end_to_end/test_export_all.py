"""A tenant's dialogues leave in one file and come back from it, the same in content and graph."""

import json
from pathlib import Path

import pytest
from samples import canonical, dialogue
from test_command import run
from vaults import Vault

from twinvault_cli.client import dialogue_path

pytestmark = pytest.mark.xdist_group("end_to_end")

MINE = ("--tenant", "leaving")
ARRIVED = ("--tenant", "arriving")
IDS = ["first", "second/of it", "third"]


@pytest.fixture(scope="module")
def stored(vault: Vault) -> dict[str, bytes]:
    documents = {one: canonical(dialogue(one, perspectives=2, words=3)) for one in IDS}
    for document in documents.values():
        assert vault.load(document, tenant="leaving").status_code == 201
    return documents


def test_all_dialogues_leave_and_come_back_under_another_tenant(
    vault: Vault, stored: dict[str, bytes], tmp_path: Path
) -> None:
    file = tmp_path / "all.ndjson"
    done = run(vault, "export", "--all", "--output", str(file), *MINE, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["written"] == len(IDS)
    lines = file.read_bytes().splitlines()
    assert {canonical(json.loads(line)) for line in lines} == set(stored.values())
    assert run(vault, "export", "--all", "--output", str(file), *MINE).returncode == 2
    half = file.with_name("half.ndjson")
    half.write_bytes(b"\n".join(lines)[:-20])
    assert run(vault, "import", str(half), *ARRIVED).returncode == 2
    back = run(vault, "import", str(file), *ARRIVED, "--json")
    assert back.returncode == 0, back.stderr
    (told,) = json.loads(back.stdout)
    assert (told["created"], told["unchanged"], told["failed"]) == (1, 2, []), "it went on where the half file ended"
    for one in map(dialogue_path, IDS):
        here, there = (vault.call("GET", one, tenant=tenant).json() for tenant in ("leaving", "arriving"))
        assert (here["dialogue"], here["graph"]) == (there["dialogue"], there["graph"])


def test_a_file_that_was_cut_is_gone_on_with_for_its_own_tenant_alone(
    vault: Vault, stored: dict[str, bytes], tmp_path: Path
) -> None:
    file, partial = tmp_path / "all.ndjson", tmp_path / "all.ndjson.partial"
    content = stored["first"] + b"\n" + stored["third"][:100]
    partial.write_bytes(content)
    stranger = run(vault, "export", "--all", "--output", str(file), "--tenant", "nobody-here")
    assert (stranger.returncode, b"another file" in stranger.stderr) == (2, True)
    assert partial.read_bytes() == stored["first"] + b"\n"
    done = run(vault, "export", "--all", "--output", str(file), *MINE, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["already"], told["written"]) == (1, 2)
    assert {canonical(json.loads(line)) for line in file.read_bytes().splitlines()} == set(stored.values())


def test_what_does_not_open_is_named_and_the_others_are_in_the_file(vault: Vault, tmp_path: Path) -> None:
    for one in ("whole", "without-its-verdict", "without-its-record"):
        assert vault.load(dialogue(one, perspectives=1, words=3), tenant="damaged").status_code == 201
    places = {}
    for one, sk in (("without-its-verdict", "verdict#final"), ("without-its-record", "meta")):
        places[one] = vault.call("GET", f"/dialogues/{one}", tenant="damaged").json()["stored"]["partition_key"]
        key = {"pk": {"S": places[one]}, "sk": {"S": sk}}
        vault.dynamodb().delete_item(TableName=vault.facts.tables["records"], Key=key)
    file = tmp_path / "all.ndjson"
    done = run(vault, "export", "--all", "--output", str(file), "--tenant", "damaged", "--json")
    assert done.returncode == 3, done.stderr
    left_out = json.loads(done.stdout)["left_out"]
    assert all(one["correlation_id"].startswith("1-") for one in left_out)
    named = {(one.get("id") or one["partition"], one["problem"]) for one in left_out}
    partition = places["without-its-record"].rpartition("#")[2]
    assert named == {("without-its-verdict", "integrity"), (partition, "integrity")}
    assert [json.loads(line)["id"] for line in file.read_bytes().splitlines()] == ["whole"]
