"""docs/maintenance.md says what the code does: its lines drive a kind of one's own, and find what was refused."""

import json
import re
import time
from pathlib import Path

import pytest

import twinvault
from tests.stores import World
from twinvault import Clear, Kind, Record

PAGE = (Path(__file__).parents[2] / "docs" / "maintenance.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


class Person(Record, sk="person#{number:04d}"):
    number: Clear[int]
    name: str


CLUB = Kind("club", [Person])


@pytest.fixture
def filled(world: World) -> World:
    with world.vault.acting(tenant="acme", principal="u-17", action="club.fill") as acting:
        for name in ("north", "south"):
            acting.partition(CLUB, name).put(Person(number=1, name="Ada"), Person(number=2, name="Bo"))
    return world


def drive(world: World) -> None:
    names = {name: getattr(twinvault, name) for name in twinvault.__all__}
    lines = next(block for block in CODE if '.begin("rewrite", "club")' in block)
    exec(lines, {**names, "CLUB": CLUB, "vault": world.vault, "time": time})  # noqa: S102  # the page's own lines


def test_the_lines_on_the_page_drive_a_kind_of_ones_own(filled: World, capsys: pytest.CaptureFixture[str]) -> None:
    drive(filled)
    assert capsys.readouterr().out == "done Counts(partitions=2, rewritten=4, skipped=0, failed=0)\n"


def test_the_lines_on_the_page_find_what_was_refused(filled: World, capsys: pytest.CaptureFixture[str]) -> None:
    key = {"pk": {"S": "tenant#acme#club#south"}, "sk": {"S": "person#0002"}}
    filled.client.delete_item(TableName=filled.tables.records, Key=key)
    drive(filled)
    assert "failed=1" in capsys.readouterr().out
    lines = next(block for block in CODE if "paginate" in block)
    exec(lines, {"json": json, "dynamodb": filled.client, "tables": filled.tables})  # noqa: S102  # the page's own lines
    (line,) = capsys.readouterr().out.splitlines()
    assert "integrity" in line
    assert "'dek#club#south#000001'" in line
