"""Something erased in the twin, by the command: asked for, called off, held, made final, swept; and gone."""

import json

import pytest
from samples import dialogue
from test_command import run
from vaults import Vault

pytestmark = pytest.mark.xdist_group("end_to_end")

MINE = ("--tenant", "erasing")


def test_a_dialogue_is_erased_by_the_command(vault: Vault) -> None:
    for name in ("erased", "kept"):
        assert vault.load(dialogue(name, perspectives=2, words=3), tenant="erasing").status_code == 201
    first = json.loads(run(vault, "erase", "dialogue", "erased", *MINE, "--json").stdout)
    assert (first["state"], first["dialogue"]) == ("requested", "erased")
    assert run(vault, "erase", "cancel", first["id"], *MINE).returncode == 0
    assert b"Called off" in run(vault, "erase", "show", first["id"], *MINE).stderr
    assert run(vault, "erase", "final", first["id"], *MINE).returncode == 2

    asked = json.loads(run(vault, "erase", "dialogue", "erased", *MINE, "--json").stdout)
    assert run(vault, "erase", "hold", *MINE, "--dialogue", "erased", "--reason", "case 17").returncode == 0
    assert b"case 17" in run(vault, "erase", "holds", *MINE).stdout
    held = run(vault, "erase", "final", asked["id"], *MINE)
    assert (held.returncode, b"legal hold" in held.stderr) == (2, True)
    assert run(vault, "erase", "lift", *MINE, "--dialogue", "erased").returncode == 0
    assert run(vault, "erase", "hold", *MINE).returncode == 2

    done = run(vault, "erase", "final", asked["id"], *MINE, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["state"], told["dialogue"], told["sweep"]["state"]) == ("final", None, "done")
    assert told["sweep"]["counts"]["rows"] > 0
    assert vault.call("GET", "/dialogues/erased", tenant="erasing").status_code == 410
    assert vault.call("GET", "/dialogues/kept", tenant="erasing").status_code == 200
    rows = vault.dynamodb().scan(TableName=vault.facts.tables["records"])["Items"]
    assert not [row for row in rows if row["pk"]["S"].endswith(told["partition"])]
    assert asked["id"].encode() in run(vault, "erase", "list", *MINE).stdout
    assert run(vault, "erase", "final", asked["id"], *MINE).returncode == 0
