"""Which root keys wrap something of anybody's: asked of the whole keys table, without a key."""

import json

import pytest

from tests.fakes import FakeKms
from tests.keys.test_epochs import do
from tests.stores import World, make_world
from twinvault import roots
from twinvault.dynamodb.table import Table
from twinvault.keys.roots import RootKeyRows, RootKeySurvey, roots_in_use


@pytest.fixture
def moved(world: World, kms: FakeKms) -> World:
    """Two tenants under the first root key, one of which has a newer epoch under a second."""
    for tenant in ("acme", "others"):
        world.begin(tenant)
    kms.roots["root-2"] = bytes(32)
    newer = make_world(world.client, kms, world.tables, roots=("root-2", "root-1"))
    newer.rotate("acme")
    return newer


def survey(world: World) -> RootKeySurvey:
    return roots_in_use(world.vault.key_table)


def oldest(world: World, root: str) -> str:
    rows = world.items(world.tables.keys)
    return min(row["created_at"]["S"] for row in rows if row.get("root_key_id") == {"S": root})


def test_every_row_of_every_tenant_is_counted(moved: World) -> None:
    assert survey(moved) == RootKeySurvey(
        [
            RootKeyRows("root-1", 2, 2, 2, ["acme", "others"], oldest(moved, "root-1")),
            RootKeyRows("root-2", 1, 0, 1, ["acme"], oldest(moved, "root-2")),
        ],
        tenants=2,
        unreadable=0,
    )


def test_a_root_key_is_unused_only_when_no_tenants_keys_are_under_it(moved: World) -> None:
    done = do(moved, lambda one: one.rewrap_root())
    assert done.unused == ("root-1",), "so it is said of one tenant"
    assert {one.root_key_id for one in survey(moved).root_keys} == {"root-1", "root-2"}, "and of all it is not so"
    do(moved, lambda one: one.rewrap_root(), tenant="others")
    assert [(one.root_key_id, one.keks, one.register_keys) for one in survey(moved).root_keys] == [("root-2", 3, 2)]


def test_a_row_that_names_no_root_key_is_said(moved: World) -> None:
    table = moved.tables.keys
    row = next(row for row in moved.items(table) if row["sk"]["S"] == "kek#000002")
    moved.client.put_item(TableName=table, Item={name: row[name] for name in row if name != "root_key_id"})
    assert survey(moved).unreadable == 1


def test_rows_of_no_tenant_and_of_other_keys_are_passed_over(moved: World) -> None:
    before = survey(moved)
    for pk, sk in (("work", "acme"), ("tenant#A", "kek#000001"), ("tenant#acme", "kek#1"), ("tenant#acme", "dek#x")):
        item = {"pk": {"S": pk}, "sk": {"S": sk}, "root_key_id": {"S": "root-9"}, "created_at": {"S": "2000"}}
        moved.client.put_item(TableName=moved.tables.keys, Item=item)
    assert survey(moved) == before


def test_the_module_prints_what_it_found_or_why_it_cannot(
    moved: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinvault.roots.boto3.client", lambda _: moved.client)
    assert roots.main(["--keys", moved.tables.keys]) == roots.OK
    assert [one["root_key_id"] for one in json.loads(capsys.readouterr().out)["root_keys"]] == ["root-1", "root-2"]
    assert roots.main(["--keys", "not-there"]) == roots.UNAVAILABLE
    assert "ResourceNotFoundException" in capsys.readouterr().err


def test_the_whole_table_is_read_page_by_page(moved: World) -> None:
    table = moved.vault.key_table
    assert isinstance(table, Table)
    for number in range(30):
        moved.begin(f"t{number}")
    assert survey(moved).tenants == 32
