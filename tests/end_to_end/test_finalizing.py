"""`twinvault erase finalize` against the twin: begun, waiting, carried on by the schedule; nothing living is lost."""

import json

import pytest
from test_command import run
from test_rewrapping import exported, load, under
from vaults import Vault

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_the_command_begins_it_and_says_until_when_it_waits(vault: Vault) -> None:
    files = load(vault, "finalizing", 2)
    mine = ("--tenant", "finalizing")
    planned = json.loads(run(vault, "erase", "finalize", "--dry-run", "--json", *mine).stdout)
    assert planned == {"new_epoch": 2, "destroyed": [1], "rewrapped": 2, "kept_alive_by_revoked": 0}
    done = run(vault, "erase", "finalize", "--no-wait", "--json", *mine)
    assert done.returncode == 0, done.stderr
    waiting = json.loads(done.stdout)
    assert (waiting["phase"], waiting["work"]) == ("waiting", "finalize")
    assert b"waits until" in run(vault, "erase", "finalize", "--no-wait", *mine).stderr
    ticked = run(vault, "tick")
    assert (ticked.returncode, b"twinvault-dev-keys: done" in ticked.stderr) == (0, True), ticked.stderr
    token = vault.token("finalizing")
    listed = vault.call("GET", "/keys/finalize", token=token).json()["works"]
    assert [(one["id"], one["state"]) for one in listed] == [(waiting["id"], "running")]
    found = vault.call("GET", f"/keys/finalize/{waiting['id']}", token=token).json()
    assert (found["phase"], found["waits_until"]) == ("waiting", waiting["waits_until"])
    states = {one["epoch"]: one["state"] for one in vault.call("GET", "/keys/status", token=token).json()["epochs"]}
    assert states == {1: "retired", 2: "active"}
    assert exported(vault, "finalizing", 2) == files
    assert under(vault, "finalizing") == {"kek#000001"}, "what living keys are under is only changed after the wait"


def test_without_the_permission_nothing_is_made_final(vault: Vault) -> None:
    load(vault, "not-finalizing", 1)
    token = vault.token("not-finalizing", permissions=["keys:read", "keys:rotate", "maintain:*"])
    for path in ("/keys/finalize", "/keys/finalize/some-id"):
        assert vault.call("POST", path, token=token).status_code == 403
