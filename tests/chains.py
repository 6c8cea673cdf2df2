"""The audit table as an auditor reads it: every chain verified, entry by entry."""

import json
from itertools import groupby
from typing import Any

from tests.stores import BEGINNING, World
from twinvault.audit.verify import verify_chain

type Chain = list[dict[str, Any]]


def rows(world: World) -> list[dict[str, Any]]:
    """All rows of the audit table, in order, but for the chains of what a test did to keys by itself."""
    items = [item for item in world.items(world.tables.audit) if BEGINNING not in item["entry"]["S"]]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def chains(world: World) -> dict[str, Chain]:
    """What the entries of each chain say, after the chain has been verified; each with its digest in hex."""
    found = {}
    for pk, items in groupby(rows(world), key=lambda item: item["pk"]["S"]):
        chain = list(items)
        verify_chain(chain)
        found[pk.removeprefix("chain#")] = [
            json.loads(item["entry"]["S"]) | {"digest": item["digest"]["B"].hex()} for item in chain
        ]
    return found


def entries(world: World) -> Chain:
    """All of them, in the order in which their activities began; those of one activity as they were written."""
    every = [entry for chain in chains(world).values() for entry in chain]
    return sorted(every, key=lambda entry: (entry["began"], entry["time"], entry.get("part", 1)))
