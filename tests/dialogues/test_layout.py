"""Bad documents: each is refused with the field and the rule, before anything is written."""

import copy
from typing import Any

import pytest

from dialogues.importing import plan_import
from tests.dialogues.samples import SMALL, changed, dialogues, small
from tests.stores import World
from twinvault.errors import TooLarge, Unprocessable

_EVENT = {"type": "created"}


def crowd(*, items: int, events: int = 0) -> dict[str, Any]:
    """A dialogue of so many tensions, each with so many events."""
    history = {"events": [_EVENT] * events} if events else {}
    ids = (f"T{number // 99:02d}{number % 99 + 1:02d}" for number in range(items))
    return {
        "id": "crowd",
        "title": "A crowd",
        "status": "open",
        "tensions": [{"id": one, "label": "x", "status": "open", **history} for one in ids],
    }


def case(path: tuple[str | int, ...], value: Any, field: str, says: str, *, id: str) -> Any:  # noqa: A002  # as pytest.param has it
    return pytest.param(changed(path, value), field, says, id=id)


BAD = [
    case(("extra",), 1, "extra", "is not a field of the layout", id="an unknown field"),
    case(("experts", 1, "extra"), 1, "experts[1].extra", "is not a field", id="an unknown field of an expert"),
    case(("perspectives", 0, "origin", "x"), 1, "perspectives[0].origin.x", "is not a field", id="one of an origin"),
    case(("id",), ..., "id", "is required", id="no id"),
    case(("id",), "", "id", "at least 1 character", id="an empty id"),
    case(("id",), "x" * 257, "id", "at most 256", id="a long id"),
    case(("id",), 7, "id", "valid string", id="a number as id"),
    case(("title",), None, "title", "valid string", id="null where it may not be"),
    case(("status",), "done", "status", "'open'", id="an unknown status"),
    case(("calibrated",), 1, "calibrated", "boolean", id="a number for a truth value"),
    case(("calibrated",), "true", "calibrated", "boolean", id="text for a truth value"),
    case(("total_alignment",), "415", "total_alignment", "number", id="text for a number"),
    case(("total_alignment",), True, "total_alignment", "number", id="a truth value for a number"),
    case(("total_alignment",), 1e200, "total_alignment", "1E-130", id="a number too large for DynamoDB"),
    case(("total_alignment",), 1e-200, "total_alignment", "1E-130", id="a number too small for DynamoDB"),
    case(("total_alignment",), 10**40 + 1, "total_alignment", "38", id="a number of too many digits"),
    case(("total_alignment",), 10**400, "total_alignment", "", id="an integer that is no float"),
    case(("total_rounds",), 101, "total_rounds", "less than or equal to 100", id="too many rounds"),
    case(("total_rounds",), 1.0, "total_rounds", "valid integer", id="a float for an integer"),
    case(("experts",), None, "experts", "valid list", id="null for a list"),
    case(("experts",), {}, "experts", "valid list", id="an object for a list"),
    case(("experts", 0), "ada", "experts[0]", "", id="text for an object"),
    case(("experts", 0, "slug"), "Ada", "experts[0].slug", "pattern", id="a slug in capitals"),
    case(("experts", 0, "slug"), "ada\n", "experts[0].slug", "pattern", id="a slug with a line feed"),
    case(("experts", 0, "slug"), "a#b", "experts[0].slug", "pattern", id="a slug with a hash"),
    case(("experts", 0, "slug"), "-a", "experts[0].slug", "pattern", id="a slug that begins with a hyphen"),
    case(("experts", 0, "slug"), "a" * 64, "experts[0].slug", "pattern", id="a slug of 64 characters"),
    case(("experts", 0, "slug"), ..., "experts[0].slug", "is required", id="no slug"),
    case(("experts", 0, "role"), ..., "experts[0].role", "is required", id="no role"),
    case(("experts", 0, "tier"), ..., "experts[0].tier", "is required", id="no tier"),
    case(("experts", 0, "source"), ..., "experts[0].source", "is required", id="no source"),
    case(("experts", 0, "tier"), "", "experts[0].tier", "at least 1", id="an empty tier"),
    case(("experts", 0, "tier"), "x" * 65, "experts[0].tier", "at most 64", id="a long tier"),
    case(("experts", 0, "scores"), [1], "experts[0].scores", "dict", id="a list of scores"),
    case(("experts", 0, "scores", "0"), "3", "experts[0].scores.0", "number", id="a score in text"),
    case(("experts", 0, "first_round"), 100, "experts[0].first_round", "99", id="a first round of 100"),
    case(("experts", 1, "slug"), "ada", "experts[1]", "is there already, as experts[0]", id="a slug twice"),
    case(("rounds", 1, "round"), 0, "rounds[1]", "is there already", id="a round twice"),
    case(("rounds", 1, "round"), -1, "rounds[1].round", "0", id="a round before the first"),
    case(("perspectives", 0, "id"), "P00001", "perspectives[0].id", "two of sequence", id="five digits"),
    case(("perspectives", 0, "id"), "P0100", "perspectives[0].id", "two of sequence", id="sequence 00"),
    case(("perspectives", 0, "id"), "T0001", "perspectives[0].id", "its kind's letter", id="another kind's letter"),
    case(("perspectives", 0, "id"), "p0001", "perspectives[0].id", "its kind's letter", id="a small letter"),
    case(("perspectives", 0, "id"), "P\u06600001", "perspectives[0].id", "digits", id="a digit of another script"),
    case(("perspectives", 0, "id"), "P0001\n", "perspectives[0].id", "digits", id="a line feed after an id"),
    case(("perspectives", 1, "id"), "P0001", "perspectives[1]", "as perspectives[0]", id="an id twice"),
    case(("perspectives", 0, "label"), ..., "perspectives[0].label", "is required", id="no label"),
    case(("perspectives", 0, "status"), "resolved", "perspectives[0].status", "'open'", id="another kind's status"),
    case(("perspectives", 0, "status"), "open", "perspectives[0].status", "events", id="a status its events deny"),
    case(("perspectives", 0, "content"), 5, "perspectives[0].content", "string", id="a number as content"),
    case(
        ("perspectives", 0, "description"), "", "perspectives[0].description", "not a field", id="another kind's field"
    ),
    case(("perspectives", 0, "origin", "round"), 1.5, "perspectives[0].origin.round", "integer", id="half a round"),
    case(("perspectives", 0, "events"), None, "perspectives[0].events", "list", id="null for events"),
    case(("perspectives", 1, "events"), [_EVENT] * 100, "perspectives[1].events", "99", id="a hundred events"),
    case(("perspectives", 0, "events", 0, "type"), "Made!", "perspectives[0].events[0].type", "pattern", id="an event"),
    case(("tensions", 0, "content"), "x", "tensions[0].content", "not a field", id="content of a tension"),
    case(("moves", 0, "seq"), 0, "moves[0].seq", "1", id="a move's place 00"),
    case(("moves", 0, "expert"), "A B", "moves[0].expert", "pattern", id="a move by nobody"),
    case(("refs", 0, "target"), "T0099", "refs[0].target", "no item with this id", id="a ref to nothing"),
    case(("refs", 0, "source"), "final", "refs[0].source", "no item with this id", id="a ref from a verdict"),
    case(("refs", 0, "target"), "P0001", "refs[0]", "must have a tension", id="address of a perspective"),
    case(("refs", 1, "target"), "T0001", "refs[1]", "own kind", id="refine across kinds"),
    case(("refs", 0, "type"), "cite", "refs[0].type", "'support'", id="an unknown type of ref"),
    case(("refs", 1), SMALL["refs"][0], "refs[1]", "is there already, as refs[0]", id="a ref twice"),
    case(("verdicts", 0, "id"), "Final!", "verdicts[0].id", "pattern", id="a verdict's id"),
    case(("verdicts", 0, "type"), "last", "verdicts[0].type", "'interim'", id="an unknown type of verdict"),
    case(("verdicts", 0, "confidence"), [1], "verdicts[0].confidence", "", id="a list as confidence"),
    case(("verdicts", 0, "confidence"), 1e300, "verdicts[0].confidence", "1E-130", id="a confidence beyond DynamoDB"),
    case(("verdicts",), [SMALL["verdicts"][0]] * 2, "verdicts[1]", "is there already", id="a verdict twice"),
]


@pytest.mark.parametrize(("document", "field", "says"), BAD)
def test_a_bad_document_is_refused_by_field_and_rule(document: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        plan_import(document)
    assert refused.value.field == field
    assert refused.value.message.startswith(f"{field}: ")
    assert says in refused.value.message


def test_the_small_dialogue_is_good() -> None:
    plan = plan_import(small())
    assert len(plan.drafts) == 1 + 2 + 2 + (2 + 2) + 1 + 1 + 1 + 1 + 1 + 2 + 1


def test_further_findings_are_told_at_once() -> None:
    with pytest.raises(Unprocessable) as refused:
        plan_import(small(title=1, status="x", experts=[{}]))
    fields = {refused.value.field, *(field for field, _ in refused.value.others)}
    assert {"title", "status", "experts[0].slug"} <= fields


def test_no_finding_quotes_a_value() -> None:
    secret = "the-secret-word"  # what must not be quoted
    paths = [("title",), ("status",), ("experts", 0, "slug"), ("perspectives", 0, "id"), ("refs", 0, "target")]
    for path in paths:
        for value in ([secret], {"a": secret}, secret * 100):
            if path == ("title",) and isinstance(value, str):
                continue
            with pytest.raises(Unprocessable) as refused:
                plan_import(changed(path, value))
            assert secret not in repr((refused.value.message, refused.value.others))


def test_findings_stay_small_whatever_the_names() -> None:
    scores = {f"{number}{'x' * 50_000}": "no" for number in range(30)}
    with pytest.raises(Unprocessable) as refused:
        plan_import(changed(("experts", 0, "scores"), scores))
    assert len(repr((refused.value.message, refused.value.others))) < 10_000


def test_planning_does_not_change_the_document() -> None:
    document = small()
    before = copy.deepcopy(document)
    plan_import(document)
    assert document == before


def test_a_plan_depends_on_the_document_alone() -> None:
    """The same file must give the same sort keys at every attempt, or an unfinished import could not be completed."""
    assert plan_import(small()).drafts == plan_import(small()).drafts


def test_what_is_refused_is_not_stored(world: World) -> None:
    with pytest.raises(Unprocessable):
        dialogues(world).import_document(small(title=None))
    with pytest.raises(TooLarge) as refused:
        dialogues(world).import_document(changed(("perspectives", 1, "content"), "x" * 410_000))
    assert refused.value.field == "perspectives[1]"
    assert "400 KiB" in refused.value.message
    assert world.items() == []


@pytest.mark.parametrize(
    ("document", "field", "limit"),
    [
        pytest.param(crowd(items=4_999, events=1), "", "", id="10,000 records"),
        pytest.param(crowd(items=5_000, events=1), "tensions[4999]", "10000 records", id="10,002 records"),
        pytest.param(crowd(items=50, events=99), "", "", id="4,950 events"),
        pytest.param(crowd(items=51, events=99), "tensions[50].events", "5000 events", id="5,049 events"),
        pytest.param(
            crowd(items=9_000) | {"moves": [{"round": 0, "expert": "ada", "seq": 1, "type": "x"}] * 999},
            "moves[998]",
            "10000 records",
            id="10,001 records of two kinds",
        ),
    ],
)
def test_a_dialogue_has_at_most_10000_records_and_5000_events(
    world: World, document: dict[str, Any], field: str, limit: str
) -> None:
    if not field:
        assert plan_import(document).drafts
        return
    with pytest.raises(TooLarge) as refused:
        dialogues(world).import_document(document)
    assert (refused.value.field, world.items()) == (field, [])
    assert refused.value.message.startswith(f"{field}: over the limit of {limit} in one dialogue")


def test_the_largest_record_that_fits_is_stored_and_one_byte_of_padding_more_is_not(world: World) -> None:
    """Padding grows in steps, so the largest text is found by bisection and then proven against DynamoDB itself."""

    def attempt(size: int) -> bool:
        document = {"id": str(size), "title": "t", "question": "x" * size, "status": "open"}
        try:
            dialogues(world).import_document(document)
        except TooLarge:
            return False
        return True

    low, high = 300_000, 410_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if attempt(middle) else (low, middle)
    assert low > 380_000


def test_a_document_that_grows_as_canonical_json_is_refused_where_it_could_not_be_exported() -> None:
    """`1e15` is written with 4 characters and comes out with 18."""
    plan_import(changed(("perspectives", 0, "references"), [1e15] * 100_000))
    with pytest.raises(TooLarge) as refused:
        plan_import(changed(("perspectives", 0, "references"), [1e15] * 120_000))
    assert refused.value.field == "body"
