"""What someone who can write the keys table, and not delete marks, may try, against the real engine.

Each is named after what was once carried out, or is of its kind. The oracle: the exact state, or a refusal, at once and
by every reader; never another key, and never a tenant that seems to be new.
"""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes import FakeKms, Recorder
from tests.faults import Line
from tests.keys.samples import made, root_keys
from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World, make_world
from twinvault.errors import Conflict, Contention, IntegrityError, NotFound, Step
from twinvault.keys.overview import overview
from twinvault.records.spec import KindSpec
from twinvault.records.writing import Changes
from twinvault.scope import Scope

OTHER_KIND = KindSpec(
    "page",
    (),
)
TENANT = ("idx", "kek#000001", "register", "register-key")


# -- what is done to the world ----------------------------------------------------------------------------------------


def rows(world: World) -> dict[str, Any]:
    return {item["sk"]["S"]: item for item in world.items(world.tables.keys) if item["pk"]["S"] == "tenant#acme"}


def put_back(world: World, state: dict[str, Any], *names: str) -> None:
    """Puts rows back to how they were: those of them that were not there are deleted."""
    for name in names:
        if name in state:
            world.client.put_item(TableName=world.tables.keys, Item=state[name])
        else:
            delete(world, name)


def delete(world: World, *names: str) -> None:
    for name in names:
        world.client.delete_item(TableName=world.tables.keys, Key={"pk": {"S": "tenant#acme"}, "sk": {"S": name}})


def plant_mark(world: World, version: int) -> None:
    mark = {"sk": {"S": f"{version:020d}"}, "digest": {"B": bytes(32)}, "event": {"S": "planted"}}
    world.client.put_item(TableName=world.tables.marks, Item={"pk": {"S": "register#acme"}, **mark})


# -- who reads and writes ---------------------------------------------------------------------------------------------


def write(world: World, scope: Scope = SCOPE) -> None:
    world.partition(scope, LEDGER, world.activity()).write(puts(line(1)))


def read(world: World) -> Any:
    return world.partition(SCOPE, LEDGER, world.activity()).read()


def write_another_kind(world: World) -> None:
    partition = world.partition(Scope("acme", "page", "p1"), OTHER_KIND, world.activity())
    partition.write(lambda _: Changes({}, ()))


def find_index_key(world: World) -> Any:
    return world.keys.index_key("acme", observer=Recorder())


USES: dict[str, Callable[[World], Any]] = {
    "read a partition": read,
    "write a partition that is there": write,
    "begin a partition": lambda world: write(world, Scope("acme", "ledger", "p2")),
    "begin a partition of another kind": write_another_kind,
    "look for the index key": find_index_key,
    "make the tenant's keys": lambda world: world.begin("acme"),
    "rotate": lambda world: world.rotate(),
    "list the keys": lambda world: overview(world.keys, "acme", observer=world.activity()),
}


USES_OF_THE_INDEX_KEY = (find_index_key, USES["rotate"])


def require_refused(world: World, *, steps: set[Step] | None = None) -> None:
    """Every use, each in an environment of its own, is refused at once; nothing is made and nothing is mended."""
    before = rows(world), world.items(world.tables.marks)
    for name, use in USES.items():
        fresh = world.another_environment()
        with pytest.raises(IntegrityError) as refused:
            use(fresh)
        assert steps is None or refused.value.step in steps, name
    assert (rows(world), world.items(world.tables.marks)) == before


@pytest.fixture
def world(world: World) -> World:
    write(world)
    return world


# -- 1: the index key -------------------------------------------------------------------------------------------------


def test_the_index_key_is_deleted_and_another_kind_written_for_the_first_time(world: World) -> None:
    """A new index key was made: every dialogue was a 404, and the same id could be imported with other content."""
    delete(world, "idx")
    require_refused(world, steps={Step.KEY_ROWS})


def test_the_index_key_and_the_dek_rows_are_set_aside_for_the_length_of_one_import(world: World) -> None:
    delete(world, "idx", *(name for name in rows(world) if name.startswith("dek#")))
    require_refused(world, steps={Step.KEY_ROWS, Step.MISSING_KEY})


def test_every_key_row_is_set_aside_for_the_length_of_one_import(world: World) -> None:
    """The tenant looked new. Its marks say that it is not."""
    set_aside = rows(world)
    delete(world, *set_aside)
    require_refused(world, steps={Step.KEY_ROWS, Step.MISSING_KEY})
    put_back(world, set_aside, *set_aside)
    assert read(world.another_environment()) is not None


def test_two_authentic_index_keys_are_swapped(world: World) -> None:
    """Whichever stood there chose which history was served. Now only one is what the register means."""
    elsewhere = make_world(world.client, world.kms)
    elsewhere.begin("acme")
    [other] = [item for item in elsewhere.items(elsewhere.tables.keys) if item["sk"]["S"] == "idx"]
    world.client.put_item(TableName=world.tables.keys, Item=other)
    for use in USES_OF_THE_INDEX_KEY:
        with pytest.raises(IntegrityError):
            use(world.another_environment())
    assert read(world.another_environment()) is not None, "what needs no index key does not open one"


@pytest.mark.parametrize("names", [("idx", "kek#000001"), ("idx", "kek#000001", "register"), TENANT], ids=len)
def test_the_keys_of_another_birth_of_this_tenant_take_the_place_of_its_own(
    world: World, names: tuple[str, ...]
) -> None:
    """Another store's tables, or a backup: authentic rows of the same tenant, under the same root key."""
    elsewhere = make_world(world.client, world.kms)
    elsewhere.begin("acme")
    others = {item["sk"]["S"]: item for item in elsewhere.items(elsewhere.tables.keys)}
    put_back(world, others, *names)
    require_refused(world)


# -- 2: rotation undone -----------------------------------------------------------------------------------------------


def test_a_rotation_is_undone_row_by_row_and_together(world: World) -> None:
    before = rows(world)
    world.rotate()
    after = rows(world)
    changed = [name for name in after if after[name] != before.get(name)]
    assert sorted(changed) == ["idx", "kek#000002", "register"]
    for count in range(1, len(changed) + 1):
        for names in itertools.combinations(changed, count):
            put_back(world, before, *names)
            if names != ("idx",):  # that row holds the same key, under a KEK that is still alive
                require_refused(world)
            put_back(world, after, *names)
    assert read(world.another_environment()) is not None


def test_any_row_is_put_back_from_any_moment_to_any_other(world: World) -> None:
    moments = [rows(world)]
    for _ in range(2):
        world.rotate()
        moments.append(rows(world))
    now = moments[-1]
    for earlier in moments[:-1]:
        for name in sorted(now.keys() | earlier.keys()):
            if earlier.get(name) == now.get(name) or name == "idx":
                continue
            put_back(world, earlier, name)
            with pytest.raises(IntegrityError):
                read(world.another_environment())
            put_back(world, now, name)
    assert world.another_environment().rotate() == 4


@pytest.mark.parametrize("name", ["kek#999999", "kek#000002", "kek#000000"])
def test_a_planted_kek_row(world: World, name: str) -> None:
    """It made rotation answer 400, as the caller's fault, or 409 for ever."""
    planted = {**rows(world)["kek#000001"], "sk": {"S": name}}
    world.client.put_item(TableName=world.tables.keys, Item=planted)
    require_refused(world, steps={Step.KEY_ROWS})
    delete(world, name)
    assert world.another_environment().rotate() == 2


def test_a_kek_row_that_somebody_made_who_may_call_kms(world: World, kms: FakeKms) -> None:
    planted = made(root_keys(kms), "kek#000002").row.to_item()
    world.client.put_item(TableName=world.tables.keys, Item=planted)
    require_refused(world, steps={Step.KEY_ROWS})


def test_the_newest_kek_and_the_index_row_are_deleted(world: World) -> None:
    world.rotate()
    delete(world, "kek#000002", "idx")
    require_refused(world, steps={Step.KEY_ROWS})


def test_a_state_is_set_by_hand(world: World) -> None:
    world.client.put_item(TableName=world.tables.keys, Item=rows(world)["register"] | {"state": {"S": "revoked"}})
    require_refused(world)


def test_a_state_beside_the_index_key_closes_it(world: World) -> None:
    world.client.put_item(TableName=world.tables.keys, Item=rows(world)["idx"] | {"state": {"S": "revoked"}})
    for use in USES_OF_THE_INDEX_KEY:
        with pytest.raises(IntegrityError):
            use(world.another_environment())


def test_a_state_beside_a_kek_counts_for_nothing(world: World) -> None:
    item = rows(world)["kek#000001"] | {"state": {"S": "revoked"}}
    world.client.put_item(TableName=world.tables.keys, Item=item)
    assert read(world.another_environment()) is not None


# -- forks ------------------------------------------------------------------------------------------------------------


def test_the_place_of_the_next_mark_is_taken(world: World) -> None:
    """Never "others keep writing": nobody else wrote."""
    plant_mark(world, 2)
    require_refused(world, steps={Step.MARK})


def test_the_place_of_the_next_mark_is_taken_just_before_a_rotation_is_sent(
    world: World, faulty: World, line: Line
) -> None:
    def act(operation: str) -> None:
        if operation == "ExecuteTransaction":
            plant_mark(world, 2)

    line.before = act
    with pytest.raises(IntegrityError) as refused:
        faulty.rotate()
    assert refused.value.step is Step.MARK


@pytest.mark.parametrize("name", ["kek#000002", "idx"])
def test_a_row_of_the_rotation_is_planted_or_exchanged_just_before_it_is_sent(
    world: World, faulty: World, line: Line, name: str
) -> None:
    mine = {**rows(world)["kek#000001"], "sk": {"S": name}}

    def act(operation: str) -> None:
        if operation == "ExecuteTransaction":
            world.client.put_item(TableName=world.tables.keys, Item=mine)

    line.before = act
    with pytest.raises(IntegrityError):
        faulty.rotate()
    assert int(rows(world)["register"]["version"]["N"]) == 1


def test_a_register_is_put_back_just_before_a_rotation_is_sent(world: World, faulty: World, line: Line) -> None:
    before = rows(world)
    world.rotate()

    def act(operation: str) -> None:
        if operation == "ExecuteTransaction":
            put_back(world, before, "register")

    line.before = act
    with pytest.raises(IntegrityError):
        faulty.rotate()


# -- looks ------------------------------------------------------------------------------------------------------------


def test_tampering_is_told_by_one_bracketed_look_and_without_waiting(world: World, faulty: World, line: Line) -> None:
    delete(world, "idx")
    line.requests.clear()
    with pytest.raises(IntegrityError):
        find_index_key(faulty)
    assert [operation for operation, _ in line.requests] == [
        "Query",
        "Query",
        "TransactGetItems",
        "Query",
        "Query",
        "TransactGetItems",
    ]


@pytest.mark.parametrize("at", [0, 1], ids=["before the mark is read", "before the rows are read"])
def test_a_rotation_between_the_two_reads_of_a_look_is_no_tampering(
    world: World, faulty: World, line: Line, at: int
) -> None:
    left = [2 - at]

    def act(operation: str) -> None:
        left[0] -= operation == "Query"
        if left[0] == 0 and operation == "Query":
            left[0] = -1
            world.rotate()

    line.before = act
    assert find_index_key(faulty) is not None


def test_rotations_during_a_bracketed_look_are_no_tampering_either(world: World, faulty: World, line: Line) -> None:
    looks = [0]

    def act(operation: str) -> None:
        looks[0] += operation == "Query"
        # The mark of each of the first looks is already the next register's.
        if operation == "Query" and looks[0] in {2, 4, 6}:
            world.rotate()

    line.before = act
    assert find_index_key(faulty) is not None
    assert looks[0] == 8


def test_who_changes_another_row_at_each_look_is_told_at_once(world: World, faulty: World, line: Line) -> None:
    """That once gave 503s for ever: no two looks saw the same mismatch."""
    planted = [1]

    def act(operation: str) -> None:
        if operation == "Query":
            delete(world, f"kek#{planted[0]:06d}" if planted[0] > 1 else "nothing")
            planted[0] += 1
            item = {**rows(world)["kek#000001"], "sk": {"S": f"kek#{planted[0]:06d}"}}
            world.client.put_item(TableName=world.tables.keys, Item=item)

    line.before = act
    with pytest.raises(IntegrityError):
        find_index_key(faulty)


def test_thousands_of_planted_rows_cost_no_more_than_one(world: World, faulty: World, line: Line) -> None:
    template = rows(world)["kek#000001"]
    for number in range(2, 120):
        world.client.put_item(TableName=world.tables.keys, Item={**template, "sk": {"S": f"kek#{number:06d}"}})
    line.requests.clear()
    with pytest.raises(IntegrityError):
        find_index_key(faulty)
    assert {body.get("Limit") for operation, body in line.requests if operation == "Query"} == {1, 36}


def test_a_register_that_never_stands_still_is_contention(world: World, faulty: World, line: Line) -> None:
    object.__setattr__(faulty.keys.loader, "_patience", 0.5)

    def act(operation: str) -> None:
        if operation == "Query":
            try:
                world.rotate()
            except Conflict:
                pytest.fail("32 rotations are more than this look lasts")

    line.before = act
    with pytest.raises(Contention):
        find_index_key(faulty)


# -- other tenants, and tenants that are new --------------------------------------------------------------------------


def test_another_tenants_rows_and_marks_are_of_no_use(world: World) -> None:
    world.begin("bolt")
    for item in world.items(world.tables.keys):
        if item["pk"]["S"] == "tenant#bolt":
            moved = item | {"pk": {"S": "tenant#acme"}, "tenant_id": {"S": "acme"}}
            world.client.put_item(TableName=world.tables.keys, Item=moved)
    require_refused(world)


def test_a_new_tenant_of_whose_keys_somebody_planted_some(world: World) -> None:
    template = rows(world)
    for name in TENANT:
        item = template[name] | {"pk": {"S": "tenant#bolt"}, "tenant_id": {"S": "bolt"}}
        world.client.put_item(TableName=world.tables.keys, Item=item)
        with pytest.raises(IntegrityError):
            world.another_environment().begin("bolt")
        key = {"pk": {"S": "tenant#bolt"}, "sk": {"S": name}}
        world.client.delete_item(TableName=world.tables.keys, Key=key)
    world.begin("bolt")


def test_a_mark_planted_for_a_tenant_that_is_new(world: World) -> None:
    mark = {"sk": {"S": f"{1:020d}"}, "digest": {"B": bytes(32)}, "event": {"S": "planted"}}
    world.client.put_item(TableName=world.tables.marks, Item={"pk": {"S": "register#bolt"}, **mark})
    with pytest.raises(IntegrityError):
        world.begin("bolt")


def test_a_tenant_without_keys_is_new_and_has_nothing_to_rotate(world: World) -> None:
    assert world.keys.index_key("bolt", observer=Recorder()) is None
    with pytest.raises(NotFound):
        world.rotate("bolt")
