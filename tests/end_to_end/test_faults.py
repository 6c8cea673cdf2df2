"""What goes wrong while it runs: killed workers, damaged rows, a restart."""

import contextlib
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples import canonical, dialogue
from vaults import Vault, bring_up

from twinvault_local.artifact.sources import Sources

pytestmark = pytest.mark.xdist_group("end_to_end")


def kill(vault: Vault, function: str) -> int:
    killed = 0
    for pid in vault.workers(function):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def test_an_import_that_is_killed_leaves_nothing_or_what_the_next_one_completes(vault: Vault) -> None:
    document = dialogue("killed", perspectives=400, words=8)
    body, states, killed = canonical(document), set(), 0
    for pause in (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8):
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(vault.load, body)
            time.sleep(pause)
            killed += kill(vault, "import")
            status = answer.result().status_code
        assert status in {200, 201, 500}, status
        seen = vault.export("killed")
        states.add(seen.status_code)
        assert seen.status_code in {404, 409, 200}
        if seen.status_code == 409:
            assert seen.json()["type"] == "urn:twinvault:problem:incomplete"
            listed = vault.call("GET", "/dialogues?status=importing").json()["dialogues"]
            assert [item["id"] for item in listed] == ["killed"]
            other = vault.load({**document, "title": "another file"})
            assert other.status_code == 409
        if seen.status_code == 200:
            break
    assert killed
    assert vault.load(body).status_code in {200, 201}
    assert canonical(vault.export("killed").json()) == canonical(document)


def test_every_request_is_answered_while_workers_are_killed(vault: Vault) -> None:
    document = dialogue("under-fire", perspectives=5, words=5)
    vault.load(document)
    stop = threading.Event()

    def shoot() -> None:
        while not stop.wait(0.5):
            kill(vault, "read")

    shooter = threading.Thread(target=shoot)
    shooter.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: vault.export("under-fire"), range(24)))
    finally:
        stop.set()
        shooter.join()
    assert {answer.status_code for answer in answers} <= {200, 500}
    assert all(canonical(a.json()) == canonical(document) for a in answers if a.status_code == 200)
    deadline = time.monotonic() + 60
    while vault.export("under-fire").status_code != 200:
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    "damage", ["a clear attribute", "a sealed byte", "a deleted record", "a record of another dialogue"]
)
def test_what_was_changed_behind_the_stores_back_is_not_served(vault: Vault, damage: str) -> None:
    name = f"damaged by {damage}".replace(" ", "-")
    vault.load(dialogue(name, perspectives=3, words=5))
    partition = vault.call("GET", f"/dialogues/{name}").json()["stored"]["partition_key"]
    table, client = vault.facts.tables["records"], vault.dynamodb()
    key = {"pk": {"S": partition}, "sk": {"S": "perspective#00#02"}}
    item = client.get_item(TableName=table, Key=key)["Item"]
    match damage:
        case "a clear attribute":
            item["status"] = {"S": "conceded"}
        case "a sealed byte":
            sealed = item["content_encrypted"]["B"]
            item["content_encrypted"] = {"B": bytes([sealed[0] ^ 1]) + sealed[1:]}
        case "a record of another dialogue":
            vault.load(dialogue("donor", perspectives=3, words=5))
            donor = vault.call("GET", "/dialogues/donor").json()["stored"]["partition_key"]
            item = client.get_item(TableName=table, Key={**key, "pk": {"S": donor}})["Item"] | {"pk": {"S": partition}}
    if damage == "a deleted record":
        client.delete_item(TableName=table, Key=key)
    else:
        client.put_item(TableName=table, Item=item)
    answer = vault.export(name)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (500, "urn:twinvault:problem:integrity")
    assert "perspective" not in answer.text, "the caller is told nothing but that"
    entries = [json.loads(one["entry"]["S"]) for one in vault.items("audit")]
    (mine,) = [entry for entry in entries if entry["trace"] == problem["correlation_id"]]
    assert (mine["outcome"], mine["action"]) == ("failure", "dialogue.export")
    assert mine["step"], "the audit log says which step failed"


def test_where_a_dek_was_planted_a_rotation_says_tampering_and_what_was_stored_is_served(vault: Vault) -> None:
    document = dialogue("planted", perspectives=3, words=5)
    vault.load(document)
    partition = vault.call("GET", "/dialogues/planted").json()["stored"]["partition_key"]
    own = partition.rpartition("#")[2]
    (dek,) = [row for row in vault.items("keys") if row["sk"]["S"].startswith(f"dek#dialogue#{own}#")]
    planted = {**dek, "sk": {"S": dek["sk"]["S"].replace("#000001", "#000002")}}
    vault.dynamodb().put_item(TableName=vault.facts.tables["keys"], Item=planted)
    answer = vault.call("POST", "/keys/rotate", content=b'{"dialogue": "planted"}')
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:twinvault:problem:integrity")
    entries = [json.loads(one["entry"]["S"]) for one in vault.items("audit")]
    (mine,) = [entry for entry in entries if entry["trace"] == answer.json()["correlation_id"]]
    assert (mine["outcome"], mine["step"]) == ("failure", "place taken")
    assert canonical(vault.export("planted").json()) == canonical(document)


def test_data_is_readable_after_down_and_up(tmp_path: Path, made: Sources) -> None:
    first = bring_up(tmp_path / "state", made)
    try:
        document = dialogue("survivor", perspectives=3, words=5)
        assert first.load(document).status_code == 201
        first.twin.down()
        again = bring_up(tmp_path / "state", made)
        assert canonical(again.export("survivor").json()) == canonical(document)
    finally:
        first.twin.down()
