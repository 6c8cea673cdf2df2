"""The trust core: whatever is done to a tenant's rows and mark, they open as they were last written, or not at all."""

import itertools
import os
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import Recorder
from tests.keys.samples import EVENT, Keys, index_of, made, new_tenant, root_keys, rotated
from twinvault.dynamodb.marks import Mark
from twinvault.errors import IntegrityError, Step
from twinvault.keys.rows import REGISTER_KEY, NamedKey
from twinvault.keys.tenant import look_over, open_tenant, require_key

ROOT = root_keys()
ONE = new_tenant(ROOT)
TWO = rotated(ONE)
THREE = rotated(TWO)
OTHER = new_tenant(ROOT)
"""The same tenant's keys, made anew: as authentic as the first ones, and not the ones that were written."""


def refusal(keys: Keys) -> IntegrityError:
    with pytest.raises(IntegrityError) as refused:
        keys.open()
    return refused.value


def test_the_rows_as_they_were_written_open() -> None:
    assert [one.epoch for one in THREE.open().register.epochs] == [1, 2, 3]
    assert THREE.open().written.version == 3
    assert THREE.open().written.created_at == ONE.open().written.created_at
    assert index_of(ONE).key == index_of(THREE).key, "the index key never changes"
    found = THREE.open().kek("kek#000002")
    assert found is not None
    assert found[1].name == "kek#000002"


def test_no_row_and_no_mark_is_a_new_tenant_and_nothing_else_is() -> None:
    assert look_over([], None, tenant="acme") is None
    for items, mark in ((ONE.items, None), ([], ONE.mark)):
        with pytest.raises(IntegrityError):
            look_over(items, mark, tenant="acme")


@pytest.mark.parametrize("name", sorted(THREE.rows))
def test_a_row_that_was_taken_away(name: str) -> None:
    assert refusal(THREE.with_row(name, None)).step is Step.KEY_ROWS


@pytest.mark.parametrize("count", range(1, len(THREE.rows) + 1))
def test_any_rows_taken_away(count: int) -> None:
    for gone in itertools.combinations(THREE.rows, count):
        kept = {name: row for name, row in THREE.rows.items() if name not in gone}
        refusal(replace(THREE, rows=kept))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        pytest.param("kek#000004", {**TWO.rows["kek#000001"], "sk": {"S": "kek#000004"}}, id="the next epoch's"),
        pytest.param("kek#999999", {**TWO.rows["kek#000001"], "sk": {"S": "kek#999999"}}, id="the last epoch's"),
        pytest.param("kek#000000", {**TWO.rows["kek#000001"], "sk": {"S": "kek#000000"}}, id="epoch zero"),
        pytest.param("kek#1", {**TWO.rows["kek#000001"], "sk": {"S": "kek#1"}}, id="a name of another form"),
        pytest.param("idx#000001", {**TWO.rows["idx"], "sk": {"S": "idx#000001"}}, id="a second index key"),
        pytest.param("notes", {"pk": {"S": "tenant#acme"}, "sk": {"S": "notes"}}, id="something else"),
    ],
)
def test_a_row_that_was_planted(name: str, row: Any) -> None:
    assert refusal(THREE.with_row(name, row)).step is Step.KEY_ROWS


def test_an_epoch_of_its_own_that_somebody_planted() -> None:
    """Whoever may call GenerateDataKey can make an authentic row; only the register says which there are."""
    planted = made(ROOT, "kek#000004")
    assert refusal(THREE.with_row("kek#000004", planted.row.to_item())).step is Step.KEY_ROWS


@pytest.mark.parametrize(("now", "before"), [(TWO, ONE), (THREE, ONE), (THREE, TWO), (ONE, OTHER), (TWO, OTHER)])
def test_any_rows_put_back_to_an_earlier_state(now: Keys, before: Keys) -> None:
    """Every choice of rows from the earlier state, and of rows that only one of the two has left out or left in."""
    names = sorted(now.rows.keys() | before.rows.keys())
    for choice in itertools.product((now, before), repeat=len(names)):
        rows = {name: source.rows[name] for name, source in zip(names, choice, strict=True) if name in source.rows}
        mixed = replace(now, rows=rows)
        same = all(mixed.rows.get(name) == now.rows.get(name) for name in names if name != "idx")
        if same and "idx" in rows:
            # The index key's row may be an older one: it holds the same key, under a KEK that is still alive.
            assert mixed.open().register == now.open().register
        else:
            refusal(mixed)


def test_an_index_key_of_another_birth_is_not_the_one_that_the_register_means() -> None:
    swapped = ONE.with_row("idx", OTHER.rows["idx"])
    tenant = swapped.open()
    with pytest.raises(IntegrityError) as refused:
        require_key(index_of(OTHER), tenant.register.index.fingerprint, tenant="acme")
    assert refused.value.step is Step.FINGERPRINT


def test_a_key_that_is_the_one_is_let_through() -> None:
    assert require_key(index_of(ONE), ONE.open().register.index.fingerprint, tenant="acme") == index_of(ONE)
    with pytest.raises(IntegrityError):
        require_key(index_of(ONE), ONE.open().register.index.fingerprint, tenant="bolt")


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(None, id="none"),
        pytest.param(Mark(2, TWO.mark.digest, EVENT), id="of the version before"),
        pytest.param(Mark(4, os.urandom(32), EVENT), id="of a version that somebody took"),
        pytest.param(Mark(3, os.urandom(32), EVENT), id="of a fork"),
        pytest.param(Mark(4, THREE.mark.digest, EVENT), id="of this register and another version"),
    ],
)
def test_a_register_that_is_not_the_one_which_the_newest_mark_names(mark: Mark | None) -> None:
    assert refusal(replace(THREE, mark=mark)).step is Step.MARK


def test_the_mark_is_compared_before_any_key_is_used() -> None:
    with pytest.raises(IntegrityError) as refused:
        look_over(TWO.items, THREE.mark, tenant="acme")
    assert refused.value.step is Step.MARK


def every_attribute() -> list[Any]:
    return [
        pytest.param(name, attribute, id=f"{name} {attribute}")
        for name, row in sorted(TWO.rows.items())
        for attribute in row
    ]


HOSTILE: list[Any] = [
    None,
    "x",
    {},
    {"S": ""},
    {"S": "x"},
    {"S": "\ud800"},
    {"N": "7"},
    {"B": b"x" * 40},
    {"NULL": True},
]
FOR_PEOPLE = {"tenant_id", "entity_type", "version", "created_at", "updated_at"}
"""What rows that KMS wrapped say for people alone: nothing rests on it, and nothing vouches for it."""


@pytest.mark.parametrize(("name", "attribute"), every_attribute())
def test_any_attribute_of_any_row_edited_or_taken_away(name: str, attribute: str) -> None:
    row = TWO.rows[name]
    edited = [{**row, attribute: value} for value in HOSTILE if value != row[attribute]]
    edited.append({key: value for key, value in row.items() if key != attribute})
    for one in edited:
        broken = TWO.with_row(name, one)
        if name in {"register", "idx"}:
            with pytest.raises(IntegrityError):
                index_of(broken)
        elif attribute == "wrapped" and one.get("wrapped") == {"B": b"x" * 40}:
            with pytest.raises(IntegrityError):  # KMS says so
                ROOT.unwrap(
                    broken.open().rows.register_key if name == REGISTER_KEY else broken.open().rows.keks[int(name[4:])],
                    observer=Recorder(),
                )
        elif attribute not in FOR_PEOPLE:
            refusal(broken)


def test_an_attribute_too_many_in_the_register() -> None:
    refusal(TWO.with_row("register", {**TWO.rows["register"], "state": {"S": "active"}}))


@pytest.mark.parametrize("tenant", ["bolt", "acm", "acme2"])
def test_the_rows_of_one_tenant_are_no_others(tenant: str) -> None:
    with pytest.raises(IntegrityError):
        TWO.open(tenant)
    moved = {
        name: {**row, "pk": {"S": f"tenant#{tenant}"}, "tenant_id": {"S": tenant}} for name, row in TWO.rows.items()
    }
    with pytest.raises(IntegrityError):
        replace(TWO, rows=moved).open(tenant)


def test_a_row_twice() -> None:
    with pytest.raises(IntegrityError):
        look_over([*TWO.items, TWO.rows["idx"]], TWO.mark, tenant="acme")


def test_another_register_key_opens_no_register() -> None:
    rows = look_over(ONE.items, ONE.mark, tenant="acme")
    assert rows is not None
    for key in (NamedKey(REGISTER_KEY, os.urandom(32)), NamedKey(REGISTER_KEY, ONE.keks["kek#000001"].key)):
        with pytest.raises(IntegrityError) as refused:
            open_tenant(rows, key)
        assert refused.value.step is Step.COMMITMENT


def test_no_key_shows_in_a_repr() -> None:
    assert "wrapped" not in repr(ONE.open())
