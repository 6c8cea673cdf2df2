"""A tenant's keys made without any engine: rows as a Query would find them, and their mark."""

import os
import re
from dataclasses import dataclass, replace
from typing import Any

from tests.fakes import FakeKms, Recorder
from twinvault.dynamodb.marks import Mark
from twinvault.dynamodb.transaction import Statement
from twinvault.envelope import Label
from twinvault.envelope.item import text_of
from twinvault.keys.planning import Made, PlannedChange, Planner
from twinvault.keys.root import RootKeys
from twinvault.keys.rows import REGISTER_KEY, NamedKey, kek_name
from twinvault.keys.sealed import unwrap
from twinvault.keys.tenant import Tenant, look_over, open_tenant

NOW, LATER = "2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z"
EVENT, NEXT_EVENT = "0193587d-2a00-7000-8000-000000000001", "0193587d-2a00-7000-8000-000000000002"
STORE = "test"
ROOT = "root-1"
PLANNER = Planner(keys="keys", marks="marks", randomness=os.urandom)


@dataclass(frozen=True)
class Keys:
    """What a tenant's rows and mark are, and the plaintext keys in them."""

    rows: dict[str, Any]
    mark: Mark
    root: RootKeys
    keks: dict[str, NamedKey]

    @property
    def items(self) -> list[Any]:
        return [self.rows[name] for name in sorted(self.rows)]

    def open(self, tenant: str = "acme") -> Tenant:
        rows = look_over(self.items, self.mark, tenant=tenant)
        assert rows is not None
        return open_tenant(rows, self.root.unwrap(rows.register_key, observer=Recorder()))

    def with_row(self, name: str, row: Any) -> "Keys":
        """The same with a row in place of what stands there; None: without."""
        rows = {**self.rows, name: row}
        return replace(self, rows={key: value for key, value in rows.items() if value is not None})


def root_keys(kms: FakeKms | None = None) -> RootKeys:
    return RootKeys(kms or FakeKms(), store=STORE, root_key_ids=(ROOT,), randomness=os.urandom)


def made(root: RootKeys, name: str, *, tenant: str = "acme", now: str = NOW) -> Made:
    return Made(*root.make(name, tenant=tenant, now=now, observer=Recorder()))


def new_tenant(root: RootKeys, *, tenant: str = "acme") -> Keys:
    register_key, first = made(root, REGISTER_KEY, tenant=tenant), made(root, kek_name(1), tenant=tenant)
    plan = PLANNER.birth(register_key, first, now=NOW, event_id=EVENT)
    return Keys(_rows(plan), _mark(plan), root, {first.key.name: first.key})


def index_of(keys: Keys, tenant: str = "acme") -> NamedKey:
    """The index key in these rows."""
    row = keys.open(tenant).rows.index
    return unwrap(row, kek=keys.keks[row.wrapped_under], label=Label.INDEX)


def rotated(keys: Keys, *, tenant: str = "acme") -> Keys:
    """One epoch more, as the transaction of a rotation leaves the rows."""
    before, index, root = keys.open(tenant), index_of(keys, tenant), keys.root
    register_key = root.unwrap(before.rows.register_key, observer=Recorder())
    one = made(root, kek_name(before.register.newest + 1), tenant=tenant, now=LATER)
    plan = PLANNER.epoch(before, one, index=index, register_key=register_key, now=LATER, event_id=NEXT_EVENT)
    return Keys({**keys.rows, **_rows(plan)}, _mark(plan), root, {**keys.keks, one.key.name: one.key})


def _rows(plan: PlannedChange) -> dict[str, Any]:
    return {text_of(row, "sk"): row for row in map(_item, plan.statements[:-1])}


def _item(statement: Statement) -> dict[str, Any]:
    """What an INSERT or UPDATE of ours leaves."""
    if statement.text.startswith("INSERT"):
        return dict(zip(re.findall(r"'(\w+)': \?", statement.text), statement.parameters, strict=True))
    names = re.findall(r'SET "(\w+)"=\?', statement.text)
    *values, pk, sk, _commitment = statement.parameters
    return {**dict(zip(names, values, strict=True)), "pk": pk, "sk": sk}


def _mark(plan: PlannedChange) -> Mark:
    item = _item(plan.statements[-1])
    return Mark(int(item["sk"]["S"]), item["digest"]["B"], item["event"]["S"])
