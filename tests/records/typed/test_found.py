"""Typed records that are found by a sealed field, in whatever partition."""

import json
from datetime import date
from typing import Annotated, Any

import pytest

from tests.records.typed.samples import Sealed
from tests.stores import World
from twinvault.acting import Acting
from twinvault.errors import InvalidInput, Undeclared
from twinvault.records.blind import Blind, casefold_nfc
from twinvault.records.record import Draft
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.markers import Clear, Searchable
from twinvault.records.typed.record import Record
from twinvault.scope import Scope


class Club(Record, sk="head"):
    title: Searchable[str]


class Person(Record, sk="person#{number}"):
    number: Clear[int]
    email: Annotated[str | None, Blind(slot=1, normalize=casefold_nfc)] = None
    born: Annotated[date | None, Blind(slot=3)] = None
    note: str = ""


CLUB = Kind("club", [Person], head=Club)


def act(world: World) -> Acting:
    return Acting(world.vault, world.activity())


@pytest.fixture
def filled(world: World) -> World:
    """Two clubs; Ada is in both, under two spellings of one address."""
    act(world).partition(CLUB, "north").put(Club(title="North"), Person(number=1, email="Ada@x.example"))
    ada = Person(number=2, email="ada@x.example", born=date(1990, 1, 2), note="secret")
    act(world).partition(CLUB, "south").put(Club(title="South"), ada, Person(number=3))
    return world


def test_the_marks_are_the_specs_searchable_fields() -> None:
    assert Person.__declared__.spec.searchable.keys() == {"email", "born"}
    assert Person.__declared__.spec.sealed == {"email", "born", "note"}
    assert Club.__declared__.spec.searchable == {"title": Blind(slot=1)}
    assert CLUB.spec.head.searchable == {"title": Blind(slot=1)}


def test_records_are_found_by_a_value_as_their_type_has_it(filled: World) -> None:
    found = act(filled).find(CLUB, Person, email="ADA@X.EXAMPLE")
    assert {(scope.partition, one.number) for scope, one in zip(found.scopes, found, strict=True)} == {
        ("north", 1),
        ("south", 2),
    }
    assert act(filled).find(CLUB, Person, born=date(1990, 1, 2)) == [
        Person(number=2, email="ada@x.example", born=date(1990, 1, 2), note="secret")
    ]
    (club,) = act(filled).find(CLUB, Club, title="South")
    assert (club.title, club.stored.version) == ("South", 1)
    assert act(filled).find(CLUB, Person, email="nobody") == []


def test_a_typed_and_an_untyped_question_find_the_same(filled: World) -> None:
    untyped = act(filled).find(CLUB.spec, "person", born="1990-01-02")
    assert [(one.scope, one.record.sk) for one in untyped.records] == [(Scope("acme", "club", "south"), "person#2")]


def test_a_partition_is_indexed_anew_and_gets_a_new_key_as_an_untyped_one_does(filled: World) -> None:
    """Records of a release in which nobody could be found by an address."""

    class Unfound(Record, sk="person#{number}"):
        number: Clear[int]
        email: str | None = None

    act(filled).partition(Kind("club", [Unfound], head=Club), "east").put(Unfound(number=9, email="di@x.example"))
    east = act(filled).partition(CLUB, "east")
    assert act(filled).find(CLUB, Person, email="di@x.example") == []
    assert (east.reindex(), east.reindex()) == (1, 0)
    assert (east.rewrite().written, east.rewrite(force=True, most_writes=1).written) == (0, 1)
    assert [one.number for one in act(filled).find(CLUB, Person, email="di@x.example")] == [9]
    assert east.new_dek().version == 4


def test_pages_follow_one_another(filled: World) -> None:
    first = act(filled).find(CLUB, Person, email="ada@x.example", limit=1)
    then = act(filled).find(CLUB, Person, email="ada@x.example", limit=1, cursor=first.cursor)
    assert sorted(one.number for one in (*first, *then)) == [1, 2]


@pytest.mark.parametrize(
    ("entity", "by", "field"),
    [
        pytest.param(Person, {"mail": "x"}, "mail", id="no such field"),
        pytest.param(Person, {"note": "x"}, "note", id="a field that is not searchable"),
        pytest.param(Person, {"number": 1}, "number", id="a clear field"),
        pytest.param(Person, {"born": "1990-01-02"}, "born", id="a value of another type"),
        pytest.param(Person, {"email": None}, "email", id="null"),
        pytest.param("person", {"email": "x"}, "entity", id="a name for a type"),
    ],
)
def test_a_wrong_question_names_what_is_wrong(world: World, entity: Any, by: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        act(world).find(CLUB, entity, **by)
    assert refused.value.field == field


def test_a_type_of_another_kind_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="Sealed is none of its record types"):
        act(world).find(CLUB, Sealed, text="x")
    with pytest.raises(InvalidInput, match="must be a record type of a `Kind`"):
        act(world).find(CLUB.spec, Person, email="x")  # type: ignore[call-overload]  # to see that it is refused


def test_what_was_found_and_does_not_convert_is_undeclared_and_hides_no_other(filled: World) -> None:
    act(filled).partition(CLUB.spec, "north").put(Draft("person", "person#4", {"number": 5, "email": "cy"}))
    act(filled).partition(CLUB, "south").put(Person(number=6, email="cy"))
    found = act(filled).find(CLUB, Person, email="cy")
    assert [one.number for one in found] == [6]
    assert [scope.partition for scope in found.scopes] == ["south"]
    (refused,) = found.refused
    assert isinstance(refused.error, Undeclared)
    assert refused.error.names == ("sk",)
    assert (refused.scope, refused.sk) == (Scope("acme", "club", "north"), "person#4")
    entries = [json.loads(item["entry"]["S"]) for item in filled.items(filled.tables.audit)]
    assert [entry["problem"] for entry in entries if entry["outcome"] == "failure"] == ["undeclared"]


@pytest.mark.parametrize(
    "hints",
    [
        pytest.param({"a": Searchable[str], "b": Searchable[str]}, id="one slot twice"),
        pytest.param({"a": Clear[Searchable[str]]}, id="clear and searchable"),
        pytest.param({"a": Searchable[str] | None}, id="a mark within a type"),
        pytest.param({"limit": Searchable[str]}, id="a word of find"),
    ],
)
def test_marks_that_contradict_one_another_are_refused(hints: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        type("Odd", (Record,), {"__annotations__": hints, "__module__": __name__}, sk="odd")
