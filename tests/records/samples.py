"""A kind of another team's: a ledger with lines and notes."""

import re
from typing import TYPE_CHECKING, Any

from twinvault.records.changes import Changes
from twinvault.records.partition import Snapshot
from twinvault.records.record import Draft
from twinvault.records.spec import FLAG, NULLABLE, NUMBER, TEXT, EntitySpec, KindSpec, head_spec
from twinvault.records.writing import WholePlan
from twinvault.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

LINE = EntitySpec(
    "line",
    re.compile(r"line#[0-9]{4}"),
    {"amount": NUMBER, "paid": FLAG | NULLABLE, "currency": TEXT | NULLABLE},
    frozenset({"payee", "memo"}),
)
NOTE = EntitySpec("note", re.compile(r"note#[0-9]{4}"), {}, frozenset({"text"}))
LEDGER = KindSpec(
    "ledger",
    (LINE, NOTE),
    head_spec({"title": TEXT, "list_kind": TEXT, "list_status": TEXT, "list_at": TEXT}, frozenset({"owner"})),
)
SCOPE = Scope("acme", "ledger", "p1")
HEAD_FIELDS = {"title": "Spring", "list_kind": "ledger", "list_status": "open", "list_at": "2026", "owner": "Ada"}


def line(number: int = 1, **fields: Any) -> Draft:
    return Draft("line", f"line#{number:04d}", {"amount": 5, "payee": "Bo", **fields})


def puts(*drafts: Draft, **head: Any) -> WholePlan:
    """A plan that writes these drafts whatever is there."""

    def plan(_before: Snapshot | None) -> Changes:
        return Changes({**HEAD_FIELDS, **head}, drafts)

    return plan


def counted(item: Any) -> int:
    """An item's size as DynamoDB counts it: names and values in UTF-8, numbers by two digits a byte.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    sizes: dict[str, Callable[[Any], int]] = {
        "S": lambda text: len(text.encode()),
        "B": len,
        "N": lambda text: len(text) // 2 + 2,
    }
    return sum(
        len(name) + sizes.get(kind, lambda _: 1)(content)
        for name, value in item.items()
        for kind, content in value.items()
    )
