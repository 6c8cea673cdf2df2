"""Imports in steps, side by side, and for two tenants; all over the real store."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dialogues.canonical_json import canonical
from dialogues.writing import Dialogues
from tests.dialogues.samples import changed, dialogues, long, small
from tests.stores import World
from twinvault.dynamodb.transaction import Result, Statement
from twinvault.errors import Conflict, Incomplete, InvalidInput, NotFound

LIMIT = 95  # records of one transaction


class Killed(BaseException):
    """The worker is gone: nothing after this line of it runs."""


def stop_after(world: World, transactions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kills the worker when it would begin the transaction after this many; the tenant has its first keys by then."""
    world.begin()
    transactor = world.transactor
    execute: Callable[..., Result] = type(transactor).execute
    done = 0

    def counted(self: Any, statements: list[Statement], *, deadline: float) -> Result:
        nonlocal done
        if self is transactor and len(statements) > 1:
            if done == transactions:
                raise Killed
            done += 1
        return execute(self, statements, deadline=deadline)

    monkeypatch.setattr(type(transactor), "execute", counted)


@pytest.mark.parametrize("transactions", [0, 1, 2])
def test_an_import_that_stops_leaves_nothing_or_what_the_next_completes(
    world: World, transactions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = long(2 * LIMIT + 10)
    with monkeypatch.context() as patch:
        stop_after(world, transactions, patch)
        with pytest.raises(Killed):
            dialogues(world).import_document(document)
    other = world.another_environment()
    assert len(world.items()) == (transactions * LIMIT + 1 if transactions else 0)
    with pytest.raises(Incomplete if transactions else NotFound):
        dialogues(other).export("long")
    with pytest.raises(Incomplete if transactions else NotFound):
        dialogues(other).read("long")
    listed = dialogues(other).list(status=None, limit=10, cursor=None).items
    assert [one["state"] for one in listed] == (["importing"] if transactions else [])
    done = dialogues(other).import_document(document)
    assert (done.result, done.transactions) == ("created", 3 - transactions)
    assert canonical(dialogues(world).export("long")) == canonical(document)
    assert [one["state"] for one in dialogues(world).list(status="open", limit=10, cursor=None).items] == ["complete"]
    assert dialogues(world).list(status="importing", limit=10, cursor=None).items == []


def test_another_file_cannot_complete_an_unfinished_import(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        stop_after(world, 1, patch)
        with pytest.raises(Killed):
            dialogues(world).import_document(long(150))
    before = world.items()
    for other in (long(150, text="x"), long(5), {**long(150), "title": "Other"}):
        with pytest.raises(Conflict) as refused:
            dialogues(world).import_document(other)
        assert refused.value.field == "id"
    assert world.items() == before


def test_another_file_that_begins_alike_cannot_complete_it_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What differs may lie in the part that was not written yet, or in the head alone."""
    with monkeypatch.context() as patch:
        stop_after(world, 1, patch)
        with pytest.raises(Killed):
            dialogues(world).import_document(long(150))
    for other in (long(151), {**long(150), "status": "converged"}, {**long(150), "total_rounds": 5}):
        with pytest.raises(Conflict):
            dialogues(world).import_document(other)
    assert dialogues(world).import_document(long(150)).result == "created"


def test_the_same_file_again_writes_nothing(world: World) -> None:
    here = dialogues(world)
    assert here.import_document(small()).transactions == 1
    before, entries = world.items(), len(world.items(world.tables.audit))
    again = here.import_document(small())
    assert (again.result, again.transactions) == ("unchanged", 0)
    assert world.items() == before
    assert len(world.items(world.tables.audit)) == entries + 1  # what was read to find that out is recorded


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(small(title="Other"), id="a title"),
        pytest.param(small(calibrated=None), id="null for false"),
        pytest.param(small(calibrated=...), id="absent for false"),
        pytest.param(small(total_rounds=3), id="a number of the head"),
        pytest.param(changed(("verdicts", 0, "confidence"), 1.0), id="1.0 for 1"),
        pytest.param(changed(("experts",), list(reversed(small()["experts"]))), id="another order"),
        pytest.param(changed(("tensions", 0, "origin"), ...), id="absent for null"),
    ],
)
def test_other_content_is_a_conflict_and_changes_nothing(world: World, other: dict[str, Any]) -> None:
    dialogues(world).import_document(small())
    before = world.items()
    with pytest.raises(Conflict):
        dialogues(world).import_document(other)
    assert world.items() == before


def test_fields_in_another_order_are_the_same_file(world: World) -> None:
    dialogues(world).import_document(small())
    assert dialogues(world).import_document(dict(reversed(small().items()))).result == "unchanged"


def _all_at_once(work: list[Callable[[], Any]]) -> list[Any]:
    barrier = threading.Barrier(len(work))

    def run(one: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return one()

    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(run, one) for one in work]]


def test_one_file_imported_by_many_at_once_is_there_once(world: World) -> None:
    """Each in an environment of its own, beginning with a tenant that has no keys at all."""
    document = long(150)
    worlds = [world.another_environment() for _ in range(5)]
    done = _all_at_once([lambda w=w: dialogues(w).import_document(document) for w in worlds])  # type: ignore[misc]
    assert any(one.result == "created" for one in done)
    assert sum(one.transactions for one in done) == 2
    assert canonical(dialogues(world).export("long")) == canonical(document)
    assert len([item for item in world.items(world.tables.keys) if item["sk"]["S"].startswith("dek#")]) == 1


def test_many_files_imported_at_once_are_all_there(world: World) -> None:
    worlds = [world.another_environment() for _ in range(3)]
    files = [small(id=f"file {number}") for number in range(9)]
    _all_at_once([lambda w=worlds[n % 3], f=f: dialogues(w).import_document(f) for n, f in enumerate(files)])  # type: ignore[misc]
    for file in files:
        assert canonical(dialogues(world).export(file["id"])) == canonical(file)
    assert len(dialogues(world).list(status=None, limit=50, cursor=None).items) == 9
    assert len([item for item in world.items(world.tables.keys) if item["sk"]["S"].startswith("kek#")]) == 1


def test_many_threads_of_one_environment_begin_a_tenant_together(world: World) -> None:
    """Readers that find no keys must not make a writer beside them believe that its keys were taken away."""

    def read() -> None:
        with pytest.raises((NotFound, Incomplete)):
            dialogues(world).export("nothing")

    files = [small(id=f"file {number}") for number in range(4)]
    _all_at_once([*[lambda f=f: dialogues(world).import_document(f) for f in files], *[read] * 4])  # type: ignore[misc]
    assert len(dialogues(world).list(status=None, limit=50, cursor=None).items) == 4


def test_two_files_of_one_id_at_once_end_as_one_of_them_whole(world: World) -> None:
    one, other = long(150, text="one"), long(150, text="other")

    def attempt(here: Dialogues, document: dict[str, Any]) -> bool:
        try:
            here.import_document(document)
        except Conflict:
            return False
        return True

    worlds = [world.another_environment() for _ in range(4)]
    files = [one, other, one, other]
    won = _all_at_once([lambda w=w, f=f: attempt(dialogues(w), f) for w, f in zip(worlds, files, strict=True)])  # type: ignore[misc]
    assert any(won)
    assert canonical(dialogues(world).export("long")) in {canonical(one), canonical(other)}


def test_a_tenant_sees_none_of_anothers_nor_that_they_exist(world: World) -> None:
    dialogues(world, "acme").import_document(small())
    bolt = dialogues(world, "bolt")
    for ask in (bolt.export, bolt.read):
        with pytest.raises(NotFound) as theirs:
            ask(small()["id"])
        with pytest.raises(NotFound) as nothing:
            ask("never existed")
        assert str(theirs.value) == str(nothing.value)
    assert bolt.list(status=None, limit=50, cursor=None).items == ()
    assert bolt.import_document(small(title="Theirs")).result == "created"
    assert dialogues(world, "acme").export(small()["id"])["title"] == small()["title"]
    assert {item["tenant_id"]["S"] for item in world.items(world.tables.keys)} == {"acme", "bolt"}


def test_reading_makes_no_keys(world: World) -> None:
    with pytest.raises(NotFound):
        dialogues(world).export("nothing")
    assert dialogues(world).list(status=None, limit=5, cursor=None).items == ()
    assert world.items(world.tables.keys) == []


def test_a_list_is_paged_newest_first_and_its_cursors_are_its_own(world: World) -> None:
    here = dialogues(world)
    for number in range(5):
        here.import_document(small(id=str(number), status="open"))
    pages, cursor = list[list[str]](), None
    while True:
        page = here.list(status="open", limit=2, cursor=cursor)
        pages.append([one["id"] for one in page.items])
        cursor = page.cursor
        if cursor is None:
            break
    assert [one for page in pages for one in page] == ["4", "3", "2", "1", "0"]
    first = here.list(status="open", limit=2, cursor=None).cursor
    assert first is not None
    dialogues(world, "bolt").import_document(small())
    for tenant, status in (("acme", "converged"), ("acme", None), ("bolt", "open"), ("nobody", "open")):
        with pytest.raises(InvalidInput) as refused:
            dialogues(world, tenant).list(status=status, limit=2, cursor=first)
        assert refused.value.field == "cursor"


@pytest.mark.parametrize("status", ["done", "", "OPEN", "tension"])
def test_an_unknown_status_is_refused(world: World, status: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        dialogues(world).list(status=status, limit=5, cursor=None)
    assert refused.value.field == "status"


def test_nothing_sealed_and_no_id_stands_in_any_table(world: World) -> None:
    mark = "Kumquat"
    document = small(id=f"{mark} id", title=mark, question=mark, output_dir=mark, date=mark)
    for item in (document["perspectives"][0], document["tensions"][0], document["verdicts"][0]):
        item.update(dict.fromkeys(item.keys() & {"label", "content", "description", "recommendation"}, mark))
    document["experts"][0] |= {"role": mark, "focus": mark, "scores": {mark: 1}, "raw_content": mark}
    document["perspectives"][0]["events"][0] |= {"by": [mark], "reason": mark}
    here = dialogues(world)
    here.import_document(document)
    here.read(document["id"])
    here.list(status=None, limit=5, cursor=None)
    for table in (world.tables.records, world.tables.keys, world.tables.audit):
        assert mark.lower() not in repr(world.items(table)).lower()
        assert "thermometer" not in repr(world.items(table))
