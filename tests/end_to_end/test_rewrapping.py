"""Keys brought under the newest KEK in the twin: by the page's own commands, by the schedule, whoever is killed."""

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples import canonical, dialogue
from test_command import run
from vaults import Vault

from twinvault_local.machine import waiting

pytestmark = pytest.mark.xdist_group("end_to_end")

PAGE = Path(__file__).parents[2] / "docs" / "runbooks" / "key-compromise.md"


def load(vault: Vault, tenant: str, count: int) -> list[bytes]:
    documents = [dialogue(f"rewrapped-{number}", perspectives=1, words=3) for number in range(count)]
    for document in documents:
        vault.load(document, tenant=tenant)
    return [canonical(document) for document in documents]


def exported(vault: Vault, tenant: str, count: int) -> list[bytes]:
    names = [f"rewrapped-{number}" for number in range(count)]
    return [canonical(json.loads(run(vault, "export", name, "--tenant", tenant).stdout)) for name in names]


def under(vault: Vault, tenant: str) -> set[str]:
    """The KEKs that the tenant's DEKs say they are under."""
    rows = [item for item in vault.items("keys") if item["pk"]["S"] == f"tenant#{tenant}"]
    return {row["key_id"]["S"] for row in rows if row["sk"]["S"].startswith("dek#")}


def test_the_commands_for_a_leaked_kek_run_as_they_stand_on_the_page(vault: Vault) -> None:
    files = load(vault, "leaked", 2)
    section = PAGE.read_text(encoding="utf-8").partition("## A KEK leaked")[2].partition("\n## ")[0]
    commands = re.findall(r"^       twinvault (.+)$", section, re.MULTILINE)
    assert len(commands) >= 9
    for command in commands:
        words = [{"acme": "leaked", "N": "1", "ID": "rewrapped-0"}.get(word, word) for word in command.split()]
        done = run(vault, *words)
        if words[1] == "destroy":
            assert (done.returncode, b"not before" in done.stderr) == (2, True), done.stderr
        else:
            assert done.returncode == 0, (command, done.stderr)
    assert exported(vault, "leaked", 2) == files
    assert under(vault, "leaked") == {"kek#000002"}


def test_a_dry_run_says_what_it_would_come_to_and_does_nothing(vault: Vault) -> None:
    load(vault, "dry", 3)
    mine = ("--tenant", "dry", "--json")
    run(vault, "keys", "rotate", *mine)
    assert json.loads(run(vault, "keys", "rewrap", "--dry-run", *mine).stdout) == {
        "rewrapped": 3,
        "already": 1,
        "refused": 0,
    }
    assert under(vault, "dry") == {"kek#000001"}
    done = json.loads(run(vault, "keys", "rewrap", *mine).stdout)
    assert (done["state"], done["counts"]["rewrapped"], done["left"]) == (
        "done",
        3,
        {"rewrapped": 0, "already": 4, "refused": 0},
    )


def test_what_stays_under_a_revoked_epoch_is_said_with_the_reason(vault: Vault) -> None:
    load(vault, "partly", 2)
    mine = ("--tenant", "partly")
    run(vault, "keys", "rotate", *mine)
    run(vault, "keys", "revoke", "--epoch", "1", *mine)
    assert b"which is revoked" in run(vault, "keys", "rewrap", "--dry-run", *mine).stderr
    done = run(vault, "keys", "rewrap", *mine)
    assert done.returncode != 0
    assert b"2 keys were refused" in done.stderr
    assert under(vault, "partly") == {"kek#000001"}


def test_what_nobody_drives_the_schedule_carries_on(vault: Vault) -> None:
    files = load(vault, "unattended", 2)
    token = vault.token("unattended")
    assert vault.call("POST", "/keys/rotate", token=token).status_code == 201
    work = vault.call("POST", "/keys/rewrap", token=token).json()["id"]
    assert vault.call("GET", f"/keys/rewrap/{work}", token=token).json()["state"] == "running"
    ticked = run(vault, "tick")
    assert (ticked.returncode, b"twinvault-dev-keys: done" in ticked.stderr) == (0, True), ticked.stderr
    ended = vault.call("GET", "/keys/rewrap", token=token).json()["works"]
    assert [(one["id"], one["state"], one["counts"]["rewrapped"]) for one in ended] == [(work, "done", 2)]
    assert exported(vault, "unattended", 2) == files
    assert under(vault, "unattended") == {"kek#000002"}


def test_a_driver_whose_worker_is_killed_loses_nothing(vault: Vault) -> None:
    files = load(vault, "cut-short", 3)
    token = vault.token("cut-short")
    vault.call("POST", "/keys/rotate", token=token)
    work = vault.call("POST", "/keys/rewrap", token=token).json()["id"]
    key = {"pk": {"S": "tenant#cut-short"}, "sk": {"S": f"work#{work}"}}
    table = vault.facts.tables["keys"]

    def is_held() -> bool:
        return bool(vault.dynamodb().get_item(TableName=table, Key=key)["Item"]["version"]["N"] != "1")

    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(vault.call, "POST", f"/keys/rewrap/{work}", token=token)
        waiting.until(lambda: is_held() or driving.done(), seconds=30)
        for pid in vault.workers("keys"):
            os.kill(pid, signal.SIGKILL)
        driving.result(60)
    done = run(vault, "keys", "rewrap", "--tenant", "cut-short", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["left"] == {"rewrapped": 0, "already": 4, "refused": 0}
    assert exported(vault, "cut-short", 3) == files
    assert under(vault, "cut-short") == {"kek#000002"}


def test_without_the_permission_nothing_is_wrapped(vault: Vault) -> None:
    load(vault, "not-rewrapping", 1)
    token = vault.token("not-rewrapping", permissions=["keys:read", "keys:revoke", "maintain:*"])
    for path in ("/keys/rewrap", "/keys/rewrap/some-id", "/keys/rewrap-root"):
        assert vault.call("POST", path, token=token).status_code == 403


def test_a_root_key_is_said_to_be_unused_only_where_it_is(vault: Vault) -> None:
    load(vault, "rooted", 1)
    found = json.loads(run(vault, "keys", "roots", "--json").stdout)
    (root,) = found["root_keys"]
    assert (root["tenants"], root["register_keys"], found["unreadable"]) == (found["tenants"], found["tenants"], 0)
    used = run(vault, "keys", "roots", "--unused", root["root_key_id"])
    assert (used.returncode, b"KEKs" in used.stderr) == (2, True), used.stderr
    assert run(vault, "keys", "roots", "--unused", "00000000-0000-4000-8000-000000000000").returncode == 0


def test_a_dialogue_is_sealed_anew_by_the_command_and_its_keys_are_told(vault: Vault) -> None:
    files = load(vault, "anew", 2)
    mine = ("--tenant", "anew", "--json")
    assert json.loads(run(vault, "keys", "reencrypt", "--dry-run", *mine).stdout) == {"partitions": 2}
    done = run(vault, "keys", "reencrypt", "--dialogue", "rewrapped-0", *mine)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["partitions"] == 1
    everything = run(vault, "keys", "reencrypt", "--tenant", "anew")
    assert everything.returncode == 0, everything.stderr
    deks = json.loads(run(vault, "keys", "status", "--dialogue", "rewrapped-0", *mine).stdout)["deks"]
    assert [(one["version"], one["state"], one["records"] > 0) for one in deks] == [
        (1, "retired", False),
        (2, "retired", False),
        (3, "current", True),
    ]
    versions = json.loads(run(vault, "keys", "status", *mine).stdout)["deks"]
    assert [(one["version"], one["partitions"], one["newest"]) for one in versions] == [(1, 2, 0), (2, 2, 1), (3, 1, 1)]
    assert exported(vault, "anew", 2) == files
    refused = run(vault, "keys", "destroy", "--tenant", "anew", "--dialogue", "rewrapped-0")
    assert (refused.returncode, b"not before" in refused.stderr) == (2, True), refused.stderr
    assert run(vault, "keys", "destroy", "--tenant", "anew").returncode == 2
    assert run(vault, "keys", "destroy", "--tenant", "anew", "--epoch", "1", "--every-dialogue").returncode == 2


def test_the_keys_of_every_dialogue_are_gone_through_whatever_one_is_refused_for(vault: Vault) -> None:
    load(vault, "ending", 2)
    every = ("keys", "destroy", "--tenant", "ending", "--every-dialogue", "--json")
    nothing = run(vault, *every)
    assert (nothing.returncode, json.loads(nothing.stdout)) == (0, {"dialogues": 2, "destroyed": 0, "refused": {}})
    assert run(vault, "keys", "reencrypt", "--tenant", "ending", "--dialogue", "rewrapped-1").returncode == 0
    some = run(vault, *every)
    assert (some.returncode, b"not before" in some.stderr) == (2, True), some.stderr
    assert list(json.loads(some.stdout)["refused"]) == ["rewrapped-1"]


def test_a_re_encryption_that_nobody_drives_the_schedule_carries_on(vault: Vault) -> None:
    files = load(vault, "anew-alone", 2)
    token = vault.token("anew-alone")
    wanted = json.dumps({"work": "reencrypt", "kind": "dialogue"}).encode()
    work = vault.call("POST", "/maintenance", token=token, content=wanted).json()["id"]
    ticked = run(vault, "tick")
    assert ticked.returncode == 0, ticked.stderr
    ended = vault.call("GET", f"/maintenance/{work}", token=token).json()
    assert (ended["state"], ended["counts"]["partitions"]) == ("done", 2)
    assert exported(vault, "anew-alone", 2) == files


def test_a_re_encryption_whose_worker_is_killed_loses_nothing(vault: Vault) -> None:
    files = load(vault, "anew-killed", 4)
    token = vault.token("anew-killed")
    wanted = json.dumps({"work": "reencrypt", "kind": "dialogue"}).encode()
    work = vault.call("POST", "/maintenance", token=token, content=wanted).json()["id"]
    key = {"pk": {"S": "tenant#anew-killed"}, "sk": {"S": f"work#{work}"}}
    table = vault.facts.tables["keys"]

    def is_held() -> bool:
        return bool(vault.dynamodb().get_item(TableName=table, Key=key)["Item"]["version"]["N"] != "1")

    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(vault.call, "POST", f"/maintenance/{work}", token=token)
        waiting.until(lambda: is_held() or driving.done(), seconds=30)
        for pid in vault.workers("maintain"):
            os.kill(pid, signal.SIGKILL)
        driving.result(60)
    done = run(vault, "maintain", "drive", work, "--tenant", "anew-killed", "--json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["counts"]
    assert (counts["partitions"], counts["failed"]) == (4, 0)
    assert exported(vault, "anew-killed", 4) == files
