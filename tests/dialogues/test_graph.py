"""Which refs may be, and what follows from them."""

import pytest

from dialogues.graph import describe, ref_rule
from dialogues.lifecycles import FIRST_STATUS, STATUSES, fits
from tests.dialogues.samples import SMALL, changed
from twinvault.errors import TooLarge

KINDS = "PRTEC"


@pytest.mark.parametrize("kind", ["support", "oppose", "question", "depend"])
def test_four_types_take_any_target(kind: str) -> None:
    assert all(ref_rule(kind, f"{s}0001", f"{t}0001") is None for s in KINDS for t in KINDS)


@pytest.mark.parametrize("kind", ["resolve", "reopen", "address"])
def test_three_types_take_only_a_tension(kind: str) -> None:
    for target in KINDS:
        assert (ref_rule(kind, "P0001", f"{target}0001") is None) == (target == "T")


def test_refine_stays_within_its_kind() -> None:
    for source in KINDS:
        for target in KINDS:
            assert (ref_rule("refine", f"{source}0001", f"{target}0101") is None) == (source == target)


def test_edges_are_seen_from_both_ends() -> None:
    edges = describe(SMALL)["edges"]
    assert edges["T0001"] == {"from": [{"type": "address", "id": "R0101"}]}
    assert edges["P0101"] == {"to": [{"type": "refine", "id": "P0001"}]}


def test_a_verdict_rests_on_what_stood_when_it_was_given() -> None:
    assert describe(SMALL)["verdicts"]["final"] == {
        "tensions_resolved": ["T0001"],
        "tensions_open": [],
        "recommendations_adopted": ["R0101"],
        "evidence_confirmed": [],
        "claims_adopted": [],
    }
    early = changed(("verdicts", 0, "round"), 0)
    early["recommendations"][0]["adopted_in_verdict"] = "later"
    assert describe(early)["verdicts"]["final"]["recommendations_adopted"] == []


def test_a_verdict_rests_on_its_own_recommendations_whatever_their_status_and_on_those_of_its_round() -> None:
    recommendations = [
        {"id": "R0001", "status": "proposed", "adopted_in_verdict": "b"},
        {"id": "R0002", "status": "adopted"},
        {"id": "R0301", "status": "adopted", "adopted_in_verdict": "a"},
        {"id": "R0302", "status": "adopted", "adopted_in_verdict": None},
    ]
    verdicts = [{"id": "a", "round": 1}, {"id": "b", "round": 1}, {"id": "c"}]
    found = describe({"recommendations": recommendations, "verdicts": verdicts})["verdicts"]
    assert {name: one["recommendations_adopted"] for name, one in found.items()} == {
        "a": ["R0002", "R0301"],
        "b": ["R0001", "R0002"],
        "c": ["R0002", "R0301", "R0302"],
    }


def test_many_verdicts_over_many_items_are_refused_and_not_written_out() -> None:
    """Each lists what stood before it: 2 MiB of both would be a graph of gigabytes."""
    tensions = [{"id": f"T{n // 99:02d}{n % 99 + 1:02d}", "status": "open"} for n in range(1_000)]
    document = {"tensions": tensions, "verdicts": [{"id": f"v{n}"} for n in range(100)]}
    assert len(describe(document)["verdicts"]) == 100
    document["verdicts"].append({"id": "one more"})
    with pytest.raises(TooLarge):
        describe(document)


def test_a_dialogue_without_anything_has_an_empty_graph() -> None:
    assert describe({"id": "x"})["edges"] == {}


@pytest.mark.parametrize("kind", STATUSES)
def test_a_status_without_events_is_taken_as_it_is(kind: str) -> None:
    assert all(fits(kind, status, []) for status in STATUSES[kind])


@pytest.mark.parametrize(
    ("kind", "status", "events", "fit"),
    [
        pytest.param("perspectives", "open", ["created"], True, id="created and open"),
        pytest.param("perspectives", "refined", ["created"], False, id="refined by nothing"),
        pytest.param("perspectives", "open", ["created", "refined"], False, id="open after it was refined"),
        pytest.param("perspectives", "merged", ["refined", "merged"], True, id="merged last"),
        pytest.param("perspectives", "open", ["noted"], True, id="events that are no change of status"),
        pytest.param("perspectives", "refined", ["refined", "noted"], True, id="a note after the last change"),
        pytest.param("perspectives", "open", ["resolved"], True, id="another kind's status is no change"),
        pytest.param("tensions", "reopened", ["created", "resolved", "reopened"], True, id="reopened"),
        pytest.param("tensions", "open", ["resolved", "reopened"], True, id="reopened, said as open"),
        pytest.param("tensions", "resolved", ["resolved", "reopened"], False, id="resolved before it was reopened"),
        pytest.param("claims", "asserted", ["created"], True, id="a claim that is only asserted"),
    ],
)
def test_a_status_must_be_what_its_events_leave(kind: str, status: str, events: list[str], *, fit: bool) -> None:
    assert fits(kind, status, [{"type": name} for name in events]) is fit


def test_every_kind_begins_with_a_status_of_its_own() -> None:
    assert all(FIRST_STATUS[kind] in STATUSES[kind] for kind in STATUSES)
