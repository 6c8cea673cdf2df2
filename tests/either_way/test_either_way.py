"""The last released artifact and this one over one state, each with the variables and roles of its own template.

In the order of a deployment: the old one alone, the new one, the old one again after a rollback, and both at once.
"""

import json

import pytest
from histories import History
from previous import Release
from samples import dialogue
from vaults import Vault

pytestmark = [pytest.mark.xdist_group("either_way"), pytest.mark.timeout(1800)]


def test_the_last_release_begins_a_store(history: History, previous: Release, found: dict) -> None:
    found["previous"] = {
        "name": previous.name,
        "commit": previous.commit,
        "artifact_sha256": previous.artifact_sha256,
    }
    with history.served(previous) as vault:
        history.writes(vault, previous, "begun")
        history.reads_everything(vault)


def test_this_release_reads_and_changes_what_the_last_one_wrote(history: History, present: Release) -> None:
    assert history.written
    with history.served(present) as vault:
        history.reads_everything(vault)
        history.writes(vault, present, "deployed")
        history.reads_everything(vault)


def test_after_a_rollback_the_last_release_reads_what_this_one_wrote(history: History, previous: Release) -> None:
    assert any(name.startswith("deployed") for _, name in history.written)
    with history.served(previous) as vault:
        history.reads_everything(vault)
        history.writes(vault, previous, "rolled-back")


def test_in_a_rolling_deploy_both_serve_at_once(
    history: History, previous: Release, present: Release, found: dict
) -> None:
    with history.served(present) as new, history.also_served(previous, new) as old:
        history.writes(old, previous, "old-beside-new")
        history.writes(new, present, "new-beside-old")
        history.reads_everything(old)
        history.reads_everything(new)
        found["newer_is_refused_as"] = refusal_of_a_newer_format(history, old)
    (before,), (now,) = (history.formats[release.name] for release in (previous, present))
    found["formats"] = {"previous": before, "written": now}


def refusal_of_a_newer_format(history: History, old: Vault) -> str:
    """What the audit log says when the last release meets a row of the format after the newest that there is."""
    name = "of-the-next-format"
    assert old.load(dialogue(name, perspectives=2, words=5)).status_code == 201
    partition = old.call("GET", f"/dialogues/{name}").json()["stored"]["partition_key"]
    newest = max(max(formats) for formats in history.formats.values())
    key = {"pk": {"S": partition}, "sk": {"S": "perspective#00#02"}}
    old.dynamodb().update_item(
        TableName=old.facts.tables["records"],
        Key=key,
        UpdateExpression="SET #f = :n",
        ExpressionAttributeNames={"#f": "format"},
        ExpressionAttributeValues={":n": {"N": str(newest + 1)}},
    )
    answer = old.export(name)
    assert answer.status_code == 500, answer.text
    trace = answer.json()["correlation_id"]
    entries = [json.loads(row["entry"]["S"]) for row in old.items("audit")]
    (mine,) = [entry for entry in entries if entry["trace"] == trace]
    return str(mine["step"])
