"""A kind whose people are found by what is sealed, and what tests of blind indexes do behind the store's back."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests.fakes import Recorder
from tests.stores import World, now
from twinvault.acting import Acting
from twinvault.dynamodb.marks import Mark, mark_item, register_mark_key
from twinvault.keys.sealed import seal_register
from twinvault.records.blind import Blind, casefold_nfc
from twinvault.records.finding import FoundPage
from twinvault.records.record import Draft
from twinvault.records.spec import TEXT, EntitySpec, KindSpec, head_spec
from twinvault.scope import Scope

EMAIL = Blind(slot=1, normalize=casefold_nfc)
PERSON = EntitySpec(
    "person",
    re.compile(r"person#[0-9]{4}"),
    {"state": TEXT},
    frozenset({"email", "phone", "number", "note"}),
    {"email": EMAIL, "phone": Blind(slot=2, bits=5), "number": Blind(slot=3)},
)
GUEST = EntitySpec("guest", re.compile(r"guest#[0-9]{4}"), {}, frozenset({"email"}), {"email": EMAIL})
HEAD = head_spec({"state": TEXT}, frozenset({"title"}), searchable={"title": Blind(slot=3, normalize=casefold_nfc)})
CLUB = KindSpec("club", (PERSON, GUEST), HEAD)
CREW = KindSpec("crew", (PERSON,))
ADA = "Ada@Example.com"


def person(number: int = 1, /, **fields: Any) -> Draft:
    return Draft("person", f"person#{number:04d}", {"state": "in", "email": ADA, **fields})


@contextmanager
def acting(world: World, tenant: str = "acme", *, action: str = "club.test") -> Iterator[Acting]:
    with world.vault.acting(tenant=tenant, principal="u-1", action=action) as one:
        yield one


def put(world: World, partition: str, *drafts: Draft, tenant: str = "acme", kind: KindSpec = CLUB) -> None:
    with acting(world, tenant) as one:
        one.partition(kind, partition).put(*drafts)


def find(
    world: World, entity: str = "person", *, tenant: str = "acme", kind: KindSpec = CLUB, **asked: Any
) -> list[tuple[str, str]]:
    """Partition and sort key of all that is found, page after page, in order."""
    found: list[tuple[str, str]] = []
    cursor = None
    while True:
        page = find_page(world, entity, tenant=tenant, kind=kind, cursor=cursor, **asked)
        found += places(page)
        if page.cursor is None:
            return sorted(found)
        cursor = page.cursor


def find_page(
    world: World, entity: str = "person", *, tenant: str = "acme", kind: KindSpec = CLUB, **asked: Any
) -> FoundPage:
    with acting(world, tenant, action="club.find") as one:
        return one.find(kind, entity, **asked)


def places(page: FoundPage) -> list[tuple[str, str]]:
    return [(one.scope.partition, one.record.sk) for one in page.records]


def stored(world: World, partition: str, sk: str = "person#0001", *, kind: str = "club") -> dict[str, Any]:
    """A row as DynamoDB holds it."""
    key = {"pk": {"S": Scope("acme", kind, partition).pk}, "sk": {"S": sk}}
    item: dict[str, Any] = world.client.get_item(TableName=world.tables.records, Key=key)["Item"]
    return item


def plant(world: World, item: dict[str, Any], **change: Any) -> None:
    """Puts a row behind the store's back."""
    world.client.put_item(TableName=world.tables.records, Item=item | change)


def renew(world: World, tenant: str = "acme") -> World:
    """The tenant's blind indexes in their next generation, as another environment then sees them.

    The register as its own key's holder would seal it, and its mark: renewal is not built yet.
    """
    found = world.keys.tenant(tenant, observer=Recorder(), fresh=True)
    assert found
    index = replace(found.register.index, generation=found.register.index.generation + 1)
    register = replace(found.register, index=index)
    written = found.written.again(now())
    key = world.keys.register_key(found, observer=Recorder())
    salt, nonce = os.urandom(32), os.urandom(12)
    item, digest = seal_register(register, tenant=tenant, key=key, written=written, salt=salt, nonce=nonce)
    mark = mark_item(register_mark_key(tenant), Mark(written.version, digest, register.last_event))
    world.client.put_item(TableName=world.tables.keys, Item=item)
    world.client.put_item(TableName=world.tables.marks, Item=mark)
    return world.another_environment()
