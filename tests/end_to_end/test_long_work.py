"""Long work in the twin: begun, driven over HTTP, killed with its worker, and carried on by the schedule."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from samples import canonical, dialogue
from test_command import run
from vaults import Vault

from twinvault_local.inner_loop import ticking
from twinvault_local.machine import waiting

pytestmark = pytest.mark.xdist_group("end_to_end")

WANTED = json.dumps({"work": "rewrite", "kind": "dialogue"}).encode()


def load(vault: Vault, tenant: str, count: int) -> list[bytes]:
    documents = [dialogue(f"long-work-{number}", perspectives=2, words=3) for number in range(count)]
    for document in documents:
        vault.load(document, tenant=tenant)
    return [canonical(document) for document in documents]


def exported(vault: Vault, tenant: str, name: str) -> bytes:
    return canonical(json.loads(run(vault, "export", name, "--tenant", tenant).stdout))


def is_held(vault: Vault, work: str) -> bool:
    """Whether a driver has begun; asked of the table, for the function that would answer is at work."""
    key = {"pk": {"S": "tenant#killed"}, "sk": {"S": f"work#{work}"}}
    item = vault.dynamodb().get_item(TableName=vault.facts.tables["keys"], Key=key)["Item"]
    return bool(item["version"]["N"] != "1")


def begun(vault: Vault, tenant: str) -> str:
    answer = vault.call("POST", "/maintenance", token=vault.token(tenant), content=WANTED)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_work_is_begun_driven_and_listed_by_the_command(vault: Vault) -> None:
    files = load(vault, "working", 3)
    mine = ("--tenant", "working")
    done = run(vault, "maintain", "start", "rewrite", "dialogue", *mine, "--json")
    assert done.returncode == 0, done.stderr
    work = json.loads(done.stdout)
    assert (work["state"], work["counts"]["partitions"], work["counts"]["failed"]) == ("done", 3, 0)
    assert work["counts"]["rewritten"] > 3
    listed = json.loads(run(vault, "maintain", "list", *mine, "--json").stdout)
    assert listed == [{name: value for name, value in work.items() if name != "findings"}]
    assert work["id"].encode() in run(vault, "maintain", "list", *mine).stdout
    assert json.loads(run(vault, "maintain", "drive", work["id"], *mine, "--json").stdout) == work
    assert [exported(vault, "working", f"long-work-{number}") for number in range(3)] == files
    assert run(vault, "maintain", "drive", "never-was", *mine).returncode == 2
    assert run(vault, "maintain", "start", "polish", "dialogue", *mine).returncode == 2


def test_without_the_permission_there_is_no_long_work(vault: Vault) -> None:
    load(vault, "not-working", 1)
    token = vault.token("not-working", permissions=["dialogues:write", "keys:rotate"])
    assert vault.call("POST", "/maintenance", token=token, content=WANTED).status_code == 403
    assert vault.call("GET", "/maintenance", token=token).status_code == 403


def test_what_nobody_drives_the_schedule_carries_on(vault: Vault) -> None:
    files = load(vault, "left-alone", 2)
    work = begun(vault, "left-alone")
    token = vault.token("left-alone")
    assert vault.call("GET", f"/maintenance/{work}", token=token).json()["state"] == "running"
    ticked = run(vault, "tick")
    assert (ticked.returncode, b"twinvault-dev-maintain: done" in ticked.stderr) == (0, True), ticked.stderr
    ended = vault.call("GET", f"/maintenance/{work}", token=token).json()
    assert (ended["state"], ended["counts"]["partitions"]) == ("done", 2)
    assert [exported(vault, "left-alone", f"long-work-{number}") for number in range(2)] == files


def test_a_driver_whose_worker_is_killed_loses_nothing(vault: Vault) -> None:
    files = load(vault, "killed", 4)
    work = begun(vault, "killed")
    token = vault.token("killed")
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(vault.call, "POST", f"/maintenance/{work}", token=token)
        waiting.until(lambda: is_held(vault, work) or driving.done(), seconds=30)
        for pid in vault.workers("maintain"):
            os.kill(pid, signal.SIGKILL)
        driving.result(60)
    done = run(vault, "maintain", "drive", work, "--tenant", "killed", "--json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["counts"]
    assert (counts["partitions"], counts["failed"]) == (4, 0)
    assert [exported(vault, "killed", f"long-work-{number}") for number in range(4)] == files


def test_a_schedule_that_has_nothing_to_do_is_done(vault: Vault) -> None:
    fired = sorted((one.schedule, one.error) for one in ticking.tick(vault.twin.state))
    assert fired == [("twinvault-dev-erase", ""), ("twinvault-dev-keys", ""), ("twinvault-dev-maintain", "")]
