"""The audit log that a whole twin has left: every chain verifies, in both implementations, and says who wrote it."""

import json
from itertools import groupby
from typing import Any

import pytest
from samples import dialogue
from vaults import Vault

from tests.javascript import run_node
from tests.vectors.material import item_json
from twinvault.audit.verify import Verified, verify_chain

pytestmark = pytest.mark.xdist_group("end_to_end")


def in_javascript(rows: list[dict[str, Any]]) -> dict[str, Any]:
    run = run_node("interop/verify.js", given=json.dumps([item_json(row) for row in rows]))
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_chain_of_a_twin_verifies_in_both_implementations(vault: Vault) -> None:
    document = dialogue("audited", perspectives=120)
    assert vault.load(document, tenant="audited").status_code == 201
    for _ in range(3):
        assert vault.export("audited", tenant="audited").status_code == 200
    assert vault.export("nothing", tenant="audited").status_code == 404
    rows = sorted(vault.items("audit"), key=lambda row: (row["pk"]["S"], row["sk"]["S"]))
    chains: dict[str, Verified] = {
        pk: verify_chain(list(chain)) for pk, chain in groupby(rows, key=lambda row: row["pk"]["S"])
    }
    assert in_javascript(rows) == {
        pk: {"seq": chain.seq, "digest": chain.digest.hex(), "public_key": chain.public_key.hex()}
        for pk, chain in chains.items()
    }
    rows[-1]["digest"]["B"] = bytes(32)
    assert in_javascript(rows)[rows[-1]["pk"]["S"]]["step"] == "4 digest"


def test_an_entry_of_a_twin_names_store_function_artifact_and_request(vault: Vault) -> None:
    vault.load(dialogue("named", perspectives=3), tenant="named")
    entries = [json.loads(row["entry"]["S"]) for row in vault.items("audit")]
    first, mine = sorted((entry for entry in entries if entry["tenant"] == "named"), key=lambda one: one["time"])
    assert [event["op"] for event in first["keys"]] == ["make_register", "make_kek", "make_index_key"]
    assert (mine["store"], mine["function"]) == ("twinvault-dev", "twinvault-dev-import")
    assert mine["artifact"] == vault.facts.artifact
    assert mine["request"]
    (written,) = [one["wrote"] for one in mine["partitions"]]
    assert (written["version"], written["replaced"]) == (1, None)
