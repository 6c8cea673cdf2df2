"""Records that an older declaration wrote, under the declaration of today: read, changed, and read again whole."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from tests.stores import World, now
from twinvault.errors import InvalidInput, Undeclared
from twinvault.maintenance.jobs import JobStep, Rewrite
from twinvault.records.blind import Blind
from twinvault.records.changes import Changes
from twinvault.records.partition import Snapshot
from twinvault.records.record import Draft
from twinvault.records.rewriting import Rewritten
from twinvault.records.spec import FLAG, NULLABLE, NUMBER, SEALED, TEXT, EntitySpec, KindSpec, head_spec
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope

SCOPE = Scope("acme", "ledger", "p1")
SK = re.compile("line#[0-9]{4}")
OLD_CLEAR = {"amount": NUMBER, "currency": TEXT, "paid": FLAG | NULLABLE}
OLD_SEALED = frozenset({"payee", "memo"})
OLD_FIELDS = {"amount": 0.5, "currency": "EUR", "paid": None, "payee": "Bo", "memo": ["a", {"b": 1}]}
OLD_READ = {**OLD_FIELDS, "amount": Decimal("0.5")}


def kind_of(line: EntitySpec, head: EntitySpec | None = None) -> KindSpec:
    return KindSpec("ledger", [line], head or head_spec({"title": TEXT}, frozenset({"owner"})))


RETIRED = {"currency": TEXT, "paid": FLAG | NULLABLE, "memo": SEALED}


OLD = kind_of(EntitySpec("line", SK, OLD_CLEAR, OLD_SEALED))


def partition(world: World, kind: KindSpec) -> PartitionStore:
    return world.another_environment().partition(SCOPE, kind, world.activity())


def read(world: World, kind: KindSpec) -> Snapshot:
    found = partition(world, kind).read()
    assert found is not None
    return found


def write(world: World, kind: KindSpec, *drafts: Draft, **head: Any) -> None:
    fields = {"title": "Spring", "owner": "Ada", **head}
    partition(world, kind).write(lambda _: Changes(fields, drafts))


def written_before(world: World, *numbers: int, **fields: Any) -> None:
    """What the older release left."""
    write(world, OLD, *(Draft("line", f"line#{number:04d}", {**OLD_FIELDS, **fields}) for number in numbers or (1, 2)))


def attributes(world: World, sk: str = "line#0001") -> set[str]:
    """The kind's own clear attributes of a stored row."""
    item = next(item for item in world.items() if item["sk"]["S"] == sk)
    return item.keys() & {*OLD_CLEAR, *OLD_SEALED, "note", "remark", "value", "title", "name", "owner"}


@dataclass(frozen=True)
class Change:
    """What became of the declaration, as `EntitySpec` takes it, and what it makes of an old record.

    `bare` is the same declaration without a word of what was before.
    """

    clear: dict[str, frozenset[str]]
    sealed: frozenset[str]
    history: dict[str, Any]
    read: dict[str, Any]
    retired: frozenset[str] = frozenset()
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> KindSpec:
        return kind_of(EntitySpec("line", SK, self.clear, self.sealed, **self.history, defaults=self.defaults))

    @property
    def bare(self) -> KindSpec:
        return kind_of(EntitySpec("line", SK, self.clear, self.sealed))


def without(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}


CHANGES = [
    pytest.param(
        Change(
            without(OLD_CLEAR, "paid"),
            OLD_SEALED,
            {"retired": {"paid": FLAG | NULLABLE}},
            OLD_READ,
            frozenset({"paid"}),
        ),
        id="a clear field retired",
    ),
    pytest.param(
        Change(OLD_CLEAR, frozenset({"payee"}), {"retired": {"memo": SEALED}}, OLD_READ, frozenset({"memo"})),
        id="a sealed field retired",
    ),
    pytest.param(
        Change(
            {**without(OLD_CLEAR, "amount"), "value": NUMBER},
            OLD_SEALED,
            {"was": {"value": "amount"}},
            {**without(OLD_READ, "amount"), "value": Decimal("0.5")},
        ),
        id="a clear field renamed",
    ),
    pytest.param(
        Change(
            OLD_CLEAR,
            frozenset({"payee", "remark"}),
            {"was": {"remark": ["note", "memo"]}},
            {**without(OLD_READ, "memo"), "remark": OLD_FIELDS["memo"]},
        ),
        id="a sealed field renamed, and again",
    ),
    pytest.param(
        Change(
            {**OLD_CLEAR, "value": NUMBER},
            OLD_SEALED | {"note"},
            {},
            {**OLD_READ, "value": 3, "note": [1]},
            defaults={"value": 3.0, "note": [1]},
        ),
        id="defaults",
    ),
    pytest.param(
        Change(
            without(OLD_CLEAR, "amount", "currency", "paid"),
            OLD_SEALED | {"amount", "currency", "paid"},
            {"moved": OLD_CLEAR},
            {**OLD_READ, "amount": 0.5},
        ),
        id="clear fields sealed",
    ),
    pytest.param(
        Change({**OLD_CLEAR, "payee": TEXT}, frozenset({"memo"}), {"moved": {"payee": SEALED}}, OLD_READ),
        id="a sealed field put in the clear",
    ),
    pytest.param(
        Change(
            without(OLD_CLEAR, "currency"),
            OLD_SEALED | {"note"},
            {"was": {"note": "currency"}, "moved": {"note": TEXT}},
            {**without(OLD_READ, "currency"), "note": "EUR"},
        ),
        id="a clear field renamed and sealed",
    ),
]


@pytest.mark.parametrize("change", CHANGES)
def test_an_old_record_is_read_as_it_is_declared_now(world: World, change: Change) -> None:
    written_before(world)
    found = read(world, change.kind).records["line#0001"]
    assert found.fields == change.read
    assert (found.retired, found.outdated) == (change.retired, True)
    assert found.kept == without(change.read, *change.retired)
    assert partition(world, change.kind).get("line#0001") == found


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_that_is_written_again_holds_nothing_of_the_older_declaration(world: World, change: Change) -> None:
    written_before(world)
    old = read(world, change.kind).records["line#0001"]
    put = partition(world, change.kind).put(Draft("line", "line#0001", old.kept)).records["line#0001"]
    found = read(world, change.kind).records
    assert found["line#0001"] == put
    assert (put.fields, put.retired, put.outdated) == (old.kept, frozenset(), False)
    assert found["line#0002"].outdated
    assert attributes(world) == change.clear.keys() & old.kept.keys()
    assert partition(world, change.bare).get("line#0001") == put


@pytest.mark.parametrize("change", [one for one in CHANGES if one.id != "defaults"])
def test_an_old_record_does_not_open_where_the_change_is_not_declared(world: World, change: Change) -> None:
    written_before(world)
    with pytest.raises(Undeclared):
        partition(world, change.bare).read()


@pytest.mark.parametrize("change", CHANGES)
def test_a_rewrite_leaves_no_record_of_the_older_declaration(world: World, change: Change) -> None:
    written_before(world)
    assert partition(world, change.kind).rewrite() == Rewritten(2, 2, 0)
    found = read(world, change.bare)
    kept = without(change.read, *change.retired)
    assert [record.fields for record in found.records.values()] == [kept, kept]
    assert partition(world, change.kind).rewrite() == Rewritten(2, 0, 0)
    assert read(world, change.kind) == found


def test_a_rewrite_that_was_stopped_goes_on_where_it_was(world: World) -> None:
    written_before(world, *range(1, 96))
    written_before(world, *range(96, 191))
    kind = kind_of(EntitySpec("line", SK, OLD_CLEAR, frozenset({"payee"}), retired={"memo": SEALED}))
    created = {sk: record.created_at for sk, record in read(world, kind).records.items()}
    assert partition(world, kind).rewrite(most_writes=0) == Rewritten(190, 0, 190)
    assert partition(world, kind).rewrite(most_writes=1) == Rewritten(190, 95, 95)
    write(world, kind, Draft("line", "line#0190", without(OLD_FIELDS, "memo")))
    assert partition(world, kind).rewrite() == Rewritten(190, 94, 0)
    found = read(world, kind).records
    assert {sk: record.created_at for sk, record in found.items()} == created
    assert not any(record.outdated for record in found.values())


def test_a_forced_rewrite_seals_everything_anew_under_the_newest_key(world: World) -> None:
    written_before(world)
    partition(world, OLD).new_dek()
    assert partition(world, OLD).rewrite() == Rewritten(2, 0, 0)
    assert partition(world, OLD).rewrite(force=True) == Rewritten(2, 2, 0)
    assert {record.key_id for record in read(world, OLD).records.values()} == {"dek#ledger#p1#000002"}
    assert world.partition(Scope("acme", "ledger", "p2"), OLD, world.activity()).rewrite(force=True) == Rewritten(
        0, 0, 0
    )


def test_a_head_is_read_kept_and_rewritten_as_it_is_declared_now(world: World) -> None:
    written_before(world)
    head = head_spec(
        {"name": TEXT}, frozenset({"phase"}), was={"name": "title"}, retired={"owner": SEALED}, defaults={"phase": 1}
    )
    kind = kind_of(EntitySpec("line", SK, OLD_CLEAR, OLD_SEALED), head)
    found = read(world, kind).head
    assert found.fields == {"name": "Spring", "owner": "Ada", "phase": 1}
    assert (found.kept, found.outdated) == ({"name": "Spring", "phase": 1}, True)
    assert partition(world, kind).rewrite() == Rewritten(2, 0, 0)
    bare = kind_of(EntitySpec("line", SK, OLD_CLEAR, OLD_SEALED), head_spec({"name": TEXT}, frozenset({"phase"})))
    assert read(world, bare).head.fields == {"name": "Spring", "phase": 1}
    assert attributes(world, "head") == {"name"}


def test_a_put_beside_an_old_head_leaves_the_heads_retired_fields_behind(world: World) -> None:
    written_before(world)
    kind = kind_of(EntitySpec("line", SK, OLD_CLEAR, OLD_SEALED), head_spec({"title": TEXT}, retired={"owner": SEALED}))
    partition(world, kind).put(Draft("line", "line#0003", OLD_FIELDS))
    assert read(world, kind).head.fields == {"title": "Spring"}


def test_a_renamed_field_can_go_back_so_that_two_releases_may_run_beside_each_other(world: World) -> None:
    """First a release that reads both and writes the old name, then one that reads both and writes the new one."""
    first = kind_of(EntitySpec("line", SK, OLD_CLEAR, OLD_SEALED, was={"memo": "remark"}))
    then = kind_of(EntitySpec("line", SK, OLD_CLEAR, frozenset({"payee", "remark"}), was={"remark": "memo"}))
    written_before(world, 1)
    write(world, then, Draft("line", "line#0002", {"remark": "new"}))
    write(world, first, Draft("line", "line#0003", {"memo": "old"}))
    assert [record.fields["memo"] for record in read(world, first).records.values()] == [
        OLD_FIELDS["memo"],
        "new",
        "old",
    ]
    assert [record.fields["remark"] for record in read(world, then).records.values()] == [
        OLD_FIELDS["memo"],
        "new",
        "old",
    ]


NOTE = EntitySpec("note", re.compile("note#[0-9]"), {"colour": TEXT}, frozenset({"text"}))


def test_records_of_a_retired_entity_are_read_and_no_longer_written(world: World) -> None:
    both = KindSpec("ledger", [*OLD.entities, NOTE], OLD.head)
    retired = KindSpec("ledger", OLD.entities, OLD.head, retired=[NOTE])
    write(world, both, Draft("note", "note#1", {"colour": "red", "text": "a"}))
    assert read(world, retired).records["note#1"].fields == {"colour": "red", "text": "a"}
    for number in (1, 2):
        with pytest.raises(InvalidInput, match="entity 'note' is retired") as refused:
            partition(world, retired).put(Draft("note", f"note#{number}", {"text": "b"}))
        assert refused.value.field == "entity"
    write(world, retired, Draft("line", "line#0001", OLD_FIELDS))
    assert list(read(world, retired).records) == ["line#0001", "note#1"]
    with pytest.raises(Undeclared):
        read(world, OLD)
    partition(world, retired).delete("note#1")
    assert list(read(world, OLD).records) == ["line#0001"]


def test_an_update_carries_on_what_is_declared_and_leaves_retired_fields_behind(world: World) -> None:
    written_before(world, 1)
    line = EntitySpec(
        "line",
        SK,
        {"value": NUMBER},
        frozenset({"payee"}),
        was={"value": "amount"},
        retired=RETIRED,
        defaults={"payee": ""},
    )
    head = head_spec(retired={"title": TEXT}, was={"holder": "owner"}, sealed=frozenset({"holder"}))
    kind = kind_of(line, head)
    partition(world, kind).update("line#0001", {"payee": "Cy"})
    partition(world, kind).update("head", {"holder": "Eve"})
    found = read(
        world, kind_of(EntitySpec("line", SK, line.clear, line.sealed), head_spec(sealed=frozenset({"holder"})))
    )
    assert found.records["line#0001"].fields == {"value": Decimal("0.5"), "payee": "Cy"}
    assert found.head.fields == {"holder": "Eve"}
    assert attributes(world) == {"value"}
    partition(world, kind).update("line#0001", {}, remove=["payee"])
    assert read(world, kind).records["line#0001"].fields == {"value": Decimal("0.5"), "payee": ""}
    with pytest.raises(InvalidInput, match=r"^line\.memo: is retired"):
        partition(world, kind).update("line#0001", {"memo": 1})


def test_what_became_searchable_by_a_change_is_found_by_it(world: World) -> None:
    """A default, a clear field that is sealed now, and the records of a retired entity."""
    written_before(world, 1)
    searchable = {"phase": Blind(slot=1), "currency": Blind(slot=2)}
    line = EntitySpec(
        "line",
        SK,
        without(OLD_CLEAR, "currency"),
        OLD_SEALED | {"phase", "currency"},
        searchable,
        moved={"currency": TEXT},
        defaults={"phase": "new"},
    )
    kind = kind_of(line)
    write(world, kind, Draft("line", "line#0002", {}))
    assert found(world, kind, phase="new") == ["line#0002"]
    assert found(world, kind, currency="EUR") == []
    assert partition(world, kind).reindex() == 1
    assert found(world, kind, currency="EUR") == ["line#0001"]
    retired = KindSpec("ledger", [], kind.head, retired=[line])
    assert found(world, retired, phase="new") == ["line#0001", "line#0002"]
    renewed = EntitySpec("line", SK, line.clear, line.sealed, {"phase": Blind(slot=3)})
    assert partition(world, KindSpec("ledger", [], kind.head, retired=[renewed])).reindex() == 2


def found(world: World, kind: KindSpec, **by: str) -> list[str]:
    with world.another_environment().vault.acting(tenant="acme", principal="u-1", action="test") as acting:
        return sorted(one.record.sk for one in acting.find(kind, "line", **by).records)


@pytest.mark.parametrize("as_long_work", [False, True], ids=["at once", "as long work"])
def test_a_rewrite_reaches_records_of_a_retired_entity(world: World, *, as_long_work: bool) -> None:
    write(world, KindSpec("ledger", [NOTE], OLD.head), Draft("note", "note#1", {"colour": "red", "text": "a"}))
    note = EntitySpec("note", NOTE.sk, {}, frozenset({"text", "colour"}), moved={"colour": TEXT})
    kind = KindSpec("ledger", [], head_spec({"title": TEXT}, retired={"owner": SEALED}), retired=[note])
    if as_long_work:
        assert Rewrite().step(partition(world, kind), since=now(), is_over=lambda: False) == JobStep(rewritten=1)
    else:
        assert partition(world, kind).rewrite() == Rewritten(1, 1, 0)
    item = next(item for item in world.items() if item["sk"]["S"] == "note#1")
    assert "colour" not in item
    assert read(world, kind).records["note#1"].fields == {"colour": "red", "text": "a"}


def test_two_values_for_one_field_are_undeclared_and_both_are_named(world: World) -> None:
    """They were two fields to whoever wrote them; which is meant cannot be told."""
    written_before(world, 1)
    renamed = kind_of(EntitySpec("line", SK, OLD_CLEAR, frozenset({"payee"}), was={"payee": "memo"}))
    with pytest.raises(Undeclared) as refused:
        read(world, renamed)
    assert refused.value.names == ("memo", "payee")
    both = kind_of(
        EntitySpec(
            "line", SK, without(OLD_CLEAR, "currency"), OLD_SEALED, was={"memo": "currency"}, moved={"memo": TEXT}
        )
    )
    with pytest.raises(Undeclared) as refused:
        read(world, both)
    assert refused.value.names == ("currency", "memo")


@pytest.mark.parametrize(
    "memo", [["a"], 1, None, "", "\U0001f600" * 300], ids=["a list", "a number", "null", "empty", "long"]
)
def test_a_sealed_value_that_cannot_stand_in_the_clear_is_undeclared_and_named(world: World, memo: Any) -> None:
    written_before(world, 1, memo=memo)
    clear = {**OLD_CLEAR, "list_kind": TEXT, "list_status": TEXT, "list_at": TEXT}
    kind = kind_of(
        EntitySpec("line", SK, clear, frozenset({"payee"}), was={"list_at": "memo"}, moved={"list_at": SEALED})
    )
    with pytest.raises(Undeclared) as refused:
        read(world, kind)
    assert refused.value.names == ("memo",)


def test_a_clear_number_that_json_does_not_hold_is_read_and_not_sealed(world: World) -> None:
    exact = Decimal("1.2345678901234567890123")
    written_before(world, 1, amount=exact)
    kind = kind_of(
        EntitySpec("line", SK, without(OLD_CLEAR, "amount"), OLD_SEALED | {"amount"}, moved={"amount": NUMBER})
    )
    assert read(world, kind).records["line#0001"].fields["amount"] == exact
    with pytest.raises(InvalidInput, match=r"line\.amount"):
        partition(world, kind).rewrite()


def test_what_is_absent_of_a_moved_retired_or_renamed_field_stays_absent(world: World) -> None:
    write(world, OLD, Draft("line", "line#0001", {"currency": "EUR"}))
    line = EntitySpec(
        "line",
        SK,
        {"currency": TEXT, "payee": TEXT},
        frozenset({"remark", "amount"}),
        retired={"paid": FLAG},
        was={"remark": "memo"},
        moved={"payee": SEALED, "amount": NUMBER},
    )
    found = read(world, kind_of(line)).records["line#0001"]
    assert (found.fields, found.outdated) == ({"currency": "EUR"}, False)


def test_a_default_is_a_value_of_its_own_in_every_record(world: World) -> None:
    written_before(world)
    default = ["a"]
    line = EntitySpec("line", SK, OLD_CLEAR, OLD_SEALED | {"tags"}, defaults={"tags": default})
    default.append("b")
    found = read(world, kind_of(line)).records
    found["line#0001"].fields["tags"].append("c")
    assert found["line#0002"].fields["tags"] == ["a"]
    assert kind_of(line).as_stored("line", {})["tags"] == ["a"]
    kind_of(line).as_stored("line", {})["tags"].append("d")
    assert kind_of(line).as_stored("line", {"amount": 1.0}) == {"amount": 1, "tags": ["a"]}
    put = partition(world, kind_of(line)).put(Draft("line", "line#0003", {})).records["line#0003"]
    assert put.fields == {"tags": ["a"]}
    changed = EntitySpec("line", SK, OLD_CLEAR, OLD_SEALED | {"tags"}, defaults={"tags": ["other"]})
    assert read(world, kind_of(changed)).records["line#0003"].fields == {"tags": ["a"]}
