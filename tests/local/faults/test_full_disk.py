"""A disk that is full: before `up`, while it starts, while it serves. Nothing acknowledged is lost."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from houses import STOPPED, House, Templates

from twinvault_local.errors import DiskFullError, TwinError
from twinvault_local.machine import disk
from twinvault_local.provision import callers
from twinvault_local.provision.aws import dynamodb_client, kms_client

MB = 1_000_000


class Disk:
    """A file system of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.folder)], check=True)

    def fill(self) -> None:
        with (self.folder / "filler").open("wb", buffering=0) as file:
            for size in (MB, 4096):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue

    def drain(self) -> None:
        (self.folder / "filler").unlink()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={8 * MB}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def house(build: Callable[[Path, Templates], House], templates: Templates, small: Disk) -> Iterator[House]:
    made = build(small.folder, templates)
    yield made
    made.twin.down()


def test_up_on_a_full_disk_is_refused_before_anything_starts(house: House) -> None:
    with pytest.raises(DiskFullError, match="MB are free") as caught:
        house.up()
    assert "twinvault doctor" in caught.value.next_step
    assert house.services() == STOPPED
    assert not house.said


@pytest.mark.parametrize("step", ["starting DynamoDB", "made table", "starting the functions"])
def test_a_disk_that_fills_during_up_leaves_nothing_running_and_the_next_up_works(
    house: House, small: Disk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(disk, "NEEDED_BYTES", 0)
    filled = []

    def fill(said: str) -> None:
        if said.startswith(step):
            small.fill()
            filled.append(said)

    house.hears = fill
    with pytest.raises((TwinError, OSError)):
        house.up()
    assert filled, house.said
    assert house.services() == STOPPED
    house.hears = lambda _said: None
    small.drain()
    small.resize(64 * MB)
    facts = house.up()
    assert httpx.post(f"{facts.url}/things").status_code == 201


def test_a_disk_that_fills_while_it_serves_loses_nothing_that_was_acknowledged(
    house: House, small: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "NEEDED_BYTES", 0)
    small.resize(64 * MB)
    facts = house.up()
    who = {"region": facts.region, "caller": callers.read(house.state.callers, callers.OPERATOR)}
    dynamodb, kms = (
        dynamodb_client(facts.endpoints["dynamodb"], **who),
        kms_client(facts.endpoints["kms"], **who),
    )
    table, kept = facts.tables["records"], list[str]()

    def put(name: str) -> None:
        item: dict[str, Any] = {"pk": {"S": name}, "sk": {"S": "x"}, "content": {"B": b"x" * 20_000}}
        dynamodb.put_item(TableName=table, Item=item)
        kept.append(name)

    def put_many(count: int) -> None:
        for number in range(count):
            put(f"during-{number}")

    put("before")
    small.fill()
    with pytest.raises(ClientError):
        put_many(2000)
    with pytest.raises(ClientError):
        kms.create_key(Description="x" * 8000)
    assert httpx.post(f"{facts.url}/things").status_code == 201, "a log line that cannot be written fails no request"
    small.drain()
    put("after")
    kms.create_key()
    house.twin.down()
    house.up()
    for name in kept:
        found = dynamodb.get_item(TableName=table, Key={"pk": {"S": name}, "sk": {"S": "x"}}, ConsistentRead=True)
        assert found["Item"]["content"]["B"] == b"x" * 20_000
    dynamodb.close()
    kms.close()
