"""This release beside the next one, which knows a kind of item and some fields more: a canary, and a roll-back.

Two real artifacts over one state. The next one is this checkout's with more in its table of elements. Both write, and
each answers what the other wrote; then this one alone; then the next one finds everything as it was.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from histories import History, answered, listed, rewrite
from previous import Release
from samples import canonical, dialogue
from vaults import Vault

pytestmark = [pytest.mark.xdist_group("mixed_versions"), pytest.mark.timeout(1800)]

TENANT = "acme"
UNDECLARED = ["event", "hunch", "hunches", "mood", "rationale", "ref"]
"""What this release finds of a dialogue of the next one and does not know: fields, and records by their entity."""


@pytest.fixture(scope="module")
def both(present: Release, following: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """One state folder, which this release and the next one serve."""
    made = History(tmp_path_factory.mktemp("mixed") / "state", previous=present, present=following)
    yield made
    made.stop()


def of_the_next(name: str) -> dict[str, Any]:
    """A dialogue that only the next release takes."""
    document = dialogue(name, perspectives=4, words=5)
    document["perspectives"][0] |= {"rationale": "because", "mood": "calm"}
    events = [{"type": "created", "round": 0, "by": ["maple"]}]
    document["hunches"] = [{"id": "H0001", "label": "quiet", "feeling": "odd", "strength": 2.0, "status": "felt"}]
    document["hunches"][0]["events"] = events
    document["refs"].append({"source": "H0001", "type": "support", "target": "P0001"})
    return document


def known(document: dict[str, Any]) -> bytes:
    """What this release knows of a document of the next one."""
    told = {name: value for name, value in document.items() if name != "hunches"}
    own = {"rationale", "mood"}
    told["perspectives"] = [{k: v for k, v in one.items() if k not in own} for one in document["perspectives"]]
    told["refs"] = [ref for ref in document["refs"] if not ref["source"].startswith("H")]
    return canonical(told)


def load(vault: Vault, document: dict[str, Any]) -> None:
    answer = answered(partial(vault.load, document, tenant=TENANT))
    assert answer.status_code in {200, 201}, answer.text  # 200, where an earlier try had no answer


def shows_what_it_knows(vault: Vault, documents: dict[str, dict[str, Any]]) -> None:
    """This release: what is its own comes whole; of what is the next one's the known part, and no export of a part."""
    for name, document in documents.items():
        read = answered(partial(vault.call, "GET", f"/dialogues/{name}", tenant=TENANT))
        assert read.status_code == 200, f"{name}: {read.text}"
        assert canonical(read.json()["dialogue"]) == known(document), name
        exported = answered(partial(vault.export, name, tenant=TENANT))
        if "hunches" in document:
            assert read.json()["stored"]["undeclared"] == UNDECLARED
            assert (exported.status_code, exported.json()["type"]) == (500, "urn:twinvault:problem:undeclared")
        else:
            assert "undeclared" not in read.json()["stored"]
            assert canonical(exported.json()) == canonical(document)
    assert {one["id"] for one in listed(vault, TENANT)} == documents.keys()


def shows_everything(vault: Vault, documents: dict[str, dict[str, Any]]) -> None:
    """The next release: all that anybody wrote comes out as it went in."""
    for name, document in documents.items():
        exported = answered(partial(vault.export, name, tenant=TENANT))
        assert exported.status_code == 200, f"{name}: {exported.text}"
        assert canonical(exported.json()) == canonical(document), name
    assert {one["id"] for one in listed(vault, TENANT)} == documents.keys()


def nothing_was_called_tampering(vault: Vault, *logs: Path) -> None:
    entries = [json.loads(row["entry"]["S"]) for row in vault.items("audit")]
    assert entries
    assert [one for one in entries if one.get("problem") == "integrity" or one.get("step")] == []
    said = "".join(path.read_text(encoding="utf-8") for folder in logs for path in sorted(folder.rglob("*.log")))
    assert '"KmsCalls"' in said, "metrics are in the logs"
    assert "OpenFailed" not in said


def test_a_canary_and_a_roll_back_lose_nothing_and_call_nothing_tampering(
    both: History, present: Release, following: Release
) -> None:
    documents = {name: dialogue(name, perspectives=3, words=5) for name in ("begun-1", "begun-2")}
    with both.served(present) as old:
        for document in documents.values():
            load(old, document)
        shows_what_it_knows(old, documents)

    # The canary: the next release answers some, this one the others, and both write.
    with both.served(following) as new, both.also_served(present, new) as old:
        for turn in range(2):
            for document in (of_the_next(f"new-{turn}"), dialogue(f"new-plain-{turn}", perspectives=2, words=5)):
                load(new, document)
                documents[document["id"]] = document
            shows_what_it_knows(old, documents)
            ours = dialogue(f"old-{turn}", perspectives=2, words=5)
            load(old, ours)
            documents[ours["id"]] = ours
            rewrite(old, TENANT)  # every record, and those of which it knows nothing
            shows_everything(new, documents)
            rewrite(new, TENANT)
            shows_what_it_knows(old, documents)
        nothing_was_called_tampering(new, both.twin.state.logs, both.state.parent / "second" / "logs")

    # It is taken back: this one alone, which goes on writing.
    with both.served(present) as old:
        shows_what_it_knows(old, documents)
        rewrite(old, TENANT)
        after = dialogue("rolled-back", perspectives=2, words=5)
        load(old, after)
        documents[after["id"]] = after
        shows_what_it_knows(old, documents)

    # And deployed again.
    with both.served(following) as new:
        shows_everything(new, documents)
        nothing_was_called_tampering(new, both.twin.state.logs)
