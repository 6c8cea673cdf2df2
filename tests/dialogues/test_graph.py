"""Which refs may be, and what follows from them."""

import pytest

from dialogues.graph import graph_of, ref_rule
from tests.dialogues.samples import SMALL, changed
from twinvault.errors import TooLarge

KINDS = "PRTEC"


@pytest.mark.parametrize("kind", ["support", "oppose", "question", "depend"])
def test_four_types_take_any_target(kind: str) -> None:
    assert all(ref_rule(kind, f"{s}0001", target=f"{t}0001") is None for s in KINDS for t in KINDS)


@pytest.mark.parametrize("kind", ["resolve", "reopen", "address"])
def test_three_types_take_only_a_tension(kind: str) -> None:
    for target in KINDS:
        assert (ref_rule(kind, "P0001", target=f"{target}0001") is None) == (target == "T")


def test_refine_stays_within_its_kind() -> None:
    for source in KINDS:
        for target in KINDS:
            assert (ref_rule("refine", f"{source}0001", target=f"{target}0101") is None) == (source == target)


def test_edges_are_seen_from_both_ends() -> None:
    edges = graph_of(SMALL)["edges"]
    assert edges["T0001"] == {"from": [{"type": "address", "id": "R0101"}]}
    assert edges["P0101"] == {"to": [{"type": "refine", "id": "P0001"}]}


def test_a_verdict_rests_on_what_stood_when_it_was_given() -> None:
    assert graph_of(SMALL)["verdicts"]["final"] == {
        "tensions_resolved": ["T0001"],
        "tensions_open": [],
        "recommendations_adopted": ["R0101"],
        "evidence_confirmed": [],
        "claims_adopted": [],
    }
    early = changed(("verdicts", 0, "round"), 0)
    early["recommendations"][0]["adopted_in_verdict"] = "later"
    assert graph_of(early)["verdicts"]["final"]["recommendations_adopted"] == []


def test_a_verdict_rests_on_its_own_recommendations_whatever_their_status_and_on_those_of_its_round() -> None:
    recommendations = [
        {"id": "R0001", "status": "proposed", "adopted_in_verdict": "b"},
        {"id": "R0002", "status": "adopted"},
        {"id": "R0301", "status": "adopted", "adopted_in_verdict": "a"},
        {"id": "R0302", "status": "adopted", "adopted_in_verdict": None},
    ]
    verdicts = [{"id": "a", "round": 1}, {"id": "b", "round": 1}, {"id": "c"}]
    found = graph_of({"recommendations": recommendations, "verdicts": verdicts})["verdicts"]
    assert {name: one["recommendations_adopted"] for name, one in found.items()} == {
        "a": ["R0002", "R0301"],
        "b": ["R0001", "R0002"],
        "c": ["R0002", "R0301", "R0302"],
    }


def test_many_verdicts_over_many_items_are_refused_and_not_written_out() -> None:
    """Each lists what stood before it: 2 MiB of both would be a graph of gigabytes."""
    tensions = [{"id": f"T{n // 99:02d}{n % 99 + 1:02d}", "status": "open"} for n in range(1_000)]
    document = {"tensions": tensions, "verdicts": [{"id": f"v{n}"} for n in range(100)]}
    assert len(graph_of(document)["verdicts"]) == 100
    document["verdicts"].append({"id": "one more"})
    with pytest.raises(TooLarge):
        graph_of(document)


def test_a_dialogue_without_anything_has_an_empty_graph() -> None:
    assert graph_of({"id": "x"})["edges"] == {}
