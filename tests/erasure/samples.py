"""A partition to be erased, and what is asked of it."""

from itertools import batched
from typing import Any

from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World
from twinvault.audit.activity import Activity
from twinvault.erasure.act import Eraser
from twinvault.erasure.facts import Erased
from twinvault.records.record import Draft
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope


def partition(world: World, scope: Scope = SCOPE, *, activity: Activity | None = None) -> PartitionStore:
    return world.partition(scope, LEDGER, activity or world.activity(scope.tenant))


def filled(world: World, scope: Scope = SCOPE, *, lines: int = 3) -> World:
    """A world with a partition of some lines and a note."""
    note = Draft("note", "note#0001", {"text": "hush"})
    for part in batched([note, *(line(number) for number in range(1, lines + 1))], 90, strict=False):
        partition(world, scope).write(puts(*part))
    return world


def erase(world: World, scope: Scope = SCOPE, *, activity: Activity | None = None) -> Erased:
    return Eraser(world.vault).erase_partition(scope, LEDGER, activity=activity or world.activity(scope.tenant))


def key_rows(world: World) -> dict[str, dict[str, Any]]:
    return {item["sk"]["S"]: item for item in world.items(world.tables.keys)}
