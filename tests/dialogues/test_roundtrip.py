"""What is exported equals what was imported, after canonical JSON: for every document that the layout allows."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from dialogues.canonical_json import canonical
from dialogues.entities import DIALOGUE
from dialogues.exporting import export_document
from dialogues.importing import plan_import
from tests.dialogues.samples import ANY_NUMBER, SMALL, changed, dialogues, documents, long, small
from tests.stores import World
from twinvault.records.head import HeadState
from twinvault.records.partition import Snapshot
from twinvault.records.payload import decode_payload, encode_payload
from twinvault.records.record import Draft, StoredRecord
from twinvault.records.spec import HEAD
from twinvault_http.strict_json import parse

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "examples" / "dialogues").glob("*.json"))


def stored(document: dict[str, Any]) -> dict[str, Any]:
    """Through records and back without a store: what each draft will be read back as, in the order of sort keys."""
    plan = plan_import(document)

    def record(draft: Draft) -> StoredRecord:
        spec = DIALOGUE.head if draft.entity == HEAD else DIALOGUE.entity(draft.entity)
        assert spec is not None
        fields = DIALOGUE.as_stored(draft.entity, draft.fields)
        sealed = {name: value for name, value in fields.items() if name in spec.sealed}
        fields |= decode_payload(encode_payload(sealed, entity=spec.name))
        return StoredRecord(draft.entity, draft.sk, 1, "", "", fields, "", frozenset(), b"", b"")

    records = {draft.sk: record(draft) for _, draft in plan.drafts}
    head = record(Draft(HEAD, HEAD, plan.head))
    whole = Snapshot(head, HeadState(0, 0, b"", 1, 1, ""), dict(sorted(records.items())))
    return export_document(whole, pk="pk")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
def test_every_document_survives_its_records(document: dict[str, Any]) -> None:
    document = parse(json.dumps(document).encode())
    assert canonical(stored(document)) == canonical(document)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
def test_every_document_survives_the_store(world: World, document: dict[str, Any]) -> None:
    here = dialogues(world)
    document = parse(json.dumps(document).encode()) | {"id": f"id {len(world.items())}"}
    assert here.import_document(document).result == "created"
    assert canonical(here.export(document["id"])) == canonical(document)
    assert here.import_document(document).result == "unchanged"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("total_alignment",), 1.0, id="a whole number written with a point"),
        pytest.param(("total_alignment",), -0.0, id="minus zero"),
        pytest.param(("total_alignment",), 1e-7, id="a small number"),
        pytest.param(("total_alignment",), 10**37, id="a long integer"),
        pytest.param(("total_alignment",), 1e22, id="a float that is whole"),
        pytest.param(("title",), "a\x00b", id="NUL"),
        pytest.param(("title",), "", id="empty text"),
        pytest.param(("experts", 0, "total"), 7.0, id="a point in an expert's number"),
        pytest.param(("experts", 0, "scores"), {}, id="an empty object"),
        pytest.param(("experts", 0, "scores", "x"), 10**100, id="an integer that no float holds"),
        pytest.param(("verdicts", 0, "confidence"), "high", id="a confidence in words"),
        pytest.param(("verdicts", 0, "confidence"), 0.5, id="a confidence as a number"),
        pytest.param(("perspectives", 0, "origin", "contributors"), None, id="null in an origin"),
        pytest.param(("perspectives", 0, "origin"), {}, id="an empty origin"),
        pytest.param(("perspectives", 1, "events"), [], id="no events"),
        pytest.param(("rounds",), [], id="an empty list"),
        pytest.param(("created_at",), "yesterday", id="a time in words"),
    ],
)
def test_what_is_written_oddly_comes_back_as_it_was(path: tuple[str | int, ...], value: Any) -> None:
    document = changed(path, value)
    assert canonical(stored(document)) == canonical(document)


@settings(max_examples=100, deadline=None)
@given(ANY_NUMBER)
def test_a_sealed_number_comes_back_digit_for_digit(number: float) -> None:
    document = small(experts=[{"slug": "ada", "role": "", "tier": "Core", "source": "pool", "scores": {"0": number}}])
    assert canonical(stored(document)) == canonical(document)


def test_a_number_written_oddly_does_not_double_its_record(world: World) -> None:
    """Beside the fields stands only what differs: a long text must not be sealed twice for the sake of a `1.0`."""
    text = "x" * 250_000
    document = changed(("experts", 0), {**SMALL["experts"][0], "total": 1.0, "raw_content": text})
    document |= {"question": text, "total_alignment": 2.0}
    here = dialogues(world)
    here.import_document(document)
    assert canonical(here.export(document["id"])) == canonical(document)
    assert here.list(status=None, limit=10, cursor=None).items[0]["title"] == SMALL["title"]


def test_the_order_of_a_list_is_kept_though_records_are_sorted(world: World) -> None:
    document = long(12)
    document["perspectives"].reverse()
    here = dialogues(world)
    here.import_document(document)
    assert [item["id"] for item in here.export("long")["perspectives"]] == [i["id"] for i in document["perspectives"]]


def test_ninety_nine_events_keep_their_order() -> None:
    events = [{"type": "noted", "reason": str(number)} for number in range(99)]
    document = changed(("perspectives", 1, "events"), events)
    assert stored(document)["perspectives"][1]["events"] == events


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_survive_the_store(world: World, path: Path) -> None:
    document = parse(path.read_bytes())
    here = dialogues(world)
    here.import_document(document)
    assert canonical(here.export(document["id"])) == canonical(document)
