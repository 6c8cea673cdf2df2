"""A partition to be erased, and what is asked of it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import batched, count
from typing import Any

from tests.maintenance.samples import Killed
from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World, make_client, make_world
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


@contextmanager
def killed_at(world: World, call: int, *, when: str, aws: dict[str, Any]) -> Iterator[World]:
    """Another environment, killed at this call of DynamoDB's, of whatever operation; `when`: botocore's event."""
    client = make_client(world.client.meta.endpoint_url, aws)
    calls, lock = count(1), threading.Lock()

    def die(**_: object) -> None:
        with lock:
            if next(calls) >= call:
                raise Killed

    client.meta.events.register(f"{when}.dynamodb.*", die)
    try:
        yield make_world(client, world.kms, world.tables)
    finally:
        client.close()


def at_once[T](worlds: Sequence[World], act: Callable[[World], T]) -> list[T]:
    """What each of these comes to, all begun at the same moment."""
    start = threading.Barrier(len(worlds))

    def run(one: World) -> T:
        start.wait()
        return act(one)

    with ThreadPoolExecutor(len(worlds)) as pool:
        return list(pool.map(run, worlds))
