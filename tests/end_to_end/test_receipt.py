"""The receipt of an erasure in the twin: signed by the role that may, verified offline by the command."""

import json
from pathlib import Path

import pytest
from samples import dialogue
from test_command import run
from vaults import Vault

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_an_erased_dialogue_has_a_receipt_that_the_command_verifies(vault: Vault, tmp_path: Path) -> None:
    document = dialogue("to-be-erased", perspectives=1, words=3)
    vault.load(document, tenant="receipts")
    token = vault.token("receipts")
    asked = vault.call("POST", "/erasures", token=token, content=json.dumps({"dialogue": document["id"]}).encode())
    assert asked.status_code == 201, asked.text
    erasure = asked.json()["id"]
    assert vault.call("GET", f"/erasures/{erasure}/receipt", token=token).status_code == 409
    final = vault.call("POST", f"/erasures/{erasure}/final", token=token)
    assert final.status_code in {200, 202}, final.text
    file, key = tmp_path / "receipt.json", tmp_path / "audit.pub"
    got = run(vault, "receipt", "get", erasure, "--tenant", "receipts", "--output", str(file))
    assert got.returncode == 0, got.stderr
    key.write_bytes(run(vault, "receipt", "key").stdout)
    verified = run(vault, "receipt", "verify", str(file), "--key", str(key), "--tenant", "receipts", "--json")
    assert verified.returncode == 0, verified.stderr
    said = json.loads(verified.stdout)
    assert (said["standing"], said["status"], said["erasure"]) == ("refused", "refused by this store", erasure)
    status = run(vault, "receipt", "status", str(file), "--key", str(key))
    assert (status.returncode, b"REFUSED BY THE STORE" in status.stdout) == (1, True)
    changed = file.read_text().replace("refused by this store", "erased")
    file.write_text(changed)
    assert run(vault, "receipt", "verify", str(file), "--key", str(key)).returncode == 3
