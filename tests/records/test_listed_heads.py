"""A head without its list fields is refused where its kind declares them: no list would ever find the partition."""

import re

import pytest

from tests.records.clubs import acting
from tests.stores import World
from twinvault import TEXT, Draft, EntitySpec, InvalidInput, KindSpec, PartitionStore, head_spec
from twinvault.records.changes import Changes

LIST = {"list_kind": TEXT, "list_status": TEXT, "list_at": TEXT}
LINE = EntitySpec("line", re.compile("line"))
LISTED = KindSpec("listed", [LINE], head_spec(LIST))
FIELDS = {"list_kind": "listed", "list_status": "open", "list_at": "2026-11-30T09:00:00Z"}


@pytest.mark.parametrize("absent", sorted(LIST))
def test_a_head_that_lacks_one_is_refused_and_the_field_named(absent: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^head\.{absent}: is declared and absent") as refused:
        LISTED.require_listed({name: value for name, value in FIELDS.items() if name != absent})
    assert refused.value.field == absent


def test_a_default_is_a_value_and_a_kind_without_a_list_needs_none() -> None:
    LISTED.require_listed(FIELDS)
    KindSpec("plain", [LINE]).require_listed({})
    defaults = {"list_kind": "listed"}
    KindSpec("listed", [LINE], head_spec(LIST, defaults=defaults)).require_listed({**FIELDS, "list_kind": "x"})
    without = {name: value for name, value in FIELDS.items() if name != "list_kind"}
    KindSpec("listed", [LINE], head_spec(LIST, defaults=defaults)).require_listed(without)


def test_no_write_makes_such_a_head(world: World) -> None:
    """As a new head, and as a plan; a head that is there already stays as it is."""
    with acting(world) as one:
        _writes(one.partition(LISTED, "a"))


def _writes(store: PartitionStore) -> None:
    for write in (
        lambda: store.put(Draft("line", "line", {}), head={"list_kind": "listed"}),
        lambda: store.write(lambda _: Changes(head={}, put=[Draft("line", "line", {})])),
    ):
        with pytest.raises(InvalidInput, match=r"^head\.list_"):
            write()
    assert store.read() is None
    store.put(Draft("line", "line", {}), head=FIELDS)
    store.put(Draft("line", "line", {}))
    with pytest.raises(InvalidInput, match=r"^head\.list_at"):
        store.update("head", {}, remove=["list_at"])
