"""What may be split asks no more of a partition at once than it takes: seen on the statements that are sent.

A DynamoDB partition takes 1,000 write units in a second, and a transaction pays two for each KiB begun of a row.
"""

import base64
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.dialogues.samples import dialogues
from tests.faults import Line
from tests.records.clubs import CLUB, acting, person, put
from tests.records.samples import counted
from tests.records.test_reindexing import PLAIN
from tests.stores import World
from twinvault.records.batches import BATCH_UNITS, PARTITION_UNITS, write_units
from twinvault.records.store import PartitionStore

_NAMES = re.compile(r"(?:'|SET \"|AND \"|WHERE \")([a-z_0-9]+)['\"]")


def paid(line: Line, table: str) -> list[int]:
    """The write units that each transaction asked of a table."""
    return [
        sum(write_units(counted(_row(one))) for one in body["TransactStatements"] if f'"{table}"' in one["Statement"])
        for body in line.sent()
    ]


def _row(statement: dict[str, Any]) -> dict[str, Any]:
    """What a statement makes of its row, for its size: an UPDATE names the commitment twice."""
    parameters = statement.get("Parameters", [])
    values = [{"B": base64.b64decode(one["B"])} if "B" in one else one for one in parameters]
    return dict(zip(_NAMES.findall(statement["Statement"]), values, strict=True))


@pytest.fixture
def sent(line: Line) -> list[float]:
    """When each transaction was sent."""
    times: list[float] = []
    line.before = lambda operation: times.append(time.monotonic()) if operation == "ExecuteTransaction" else None
    return times


def require_paced(units: list[int], sent: list[float], *, began: float) -> None:
    """Each transaction within what one may ask for, and none before the partition has had time for those before it."""
    assert len([one for one in units if one]) > 3
    assert max(units) <= BATCH_UNITS
    for number, when in enumerate(sent):
        assert when - began >= sum(units[:number]) / PARTITION_UNITS


def test_an_import_is_cut_and_paced(faulty: World, line: Line, sent: list[float]) -> None:
    texts = [{"id": f"P00{n:02d}", "label": "x", "content": "x" * 21_000, "status": "open"} for n in range(1, 61)]
    began = time.monotonic()
    done = dialogues(faulty).import_document({"id": "a", "title": "t", "status": "open", "perspectives": texts})
    units = paid(line, faulty.tables.records)
    assert (done.result, done.stored) == ("created", 62)
    assert sum(units) > 2_000
    require_paced(units, sent, began=began)


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda club: club.rewrite(force=True).written, id="rewrite"),
        pytest.param(lambda club: club.reindex(), id="reindex"),
    ],
)
def test_what_is_sealed_anew_is_cut_and_paced(
    world: World, faulty: World, line: Line, sent: list[float], work: Callable[[PartitionStore], int]
) -> None:
    people = [person(number, note="x" * 21_000) for number in range(1, 61)]
    for number in range(0, 60, 20):
        put(world, "north", *people[number : number + 20], kind=PLAIN)
    began = time.monotonic()
    with acting(faulty) as one:
        assert work(one.partition(CLUB, "north")) == 60
    require_paced(paid(line, faulty.tables.records), sent, began=began)


def test_a_record_that_is_over_it_by_itself_is_written_by_itself(faulty: World, line: Line, sent: list[float]) -> None:
    texts = [{"id": f"P00{n:02d}", "label": "x", "content": "x" * 350_000, "status": "open"} for n in (1, 2)]
    dialogues(faulty).import_document({"id": "a", "title": "t", "status": "open", "perspectives": texts})
    units = [one for one in paid(line, faulty.tables.records) if one > BATCH_UNITS]
    assert len(units) == 2
    assert max(units) < 800
