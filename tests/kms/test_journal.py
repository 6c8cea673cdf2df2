"""The store: what was acknowledged is there again; what is damaged is refused."""

import json
from pathlib import Path

import pytest

from twinvault_kms.errors import SeedError, StoreDamagedError, StoreLockedError
from twinvault_kms.journal import Journal
from twinvault_kms.model import Alias, Counter, DropEntity, Grant, Key, KeyOrigin, Material, MaterialState, PutEntity
from twinvault_kms.seed import Seed

SEED = Seed(bytes(32))
KEY = Key(
    key_id="12345678-1234-4234-8234-123456789012",
    account="000000000000",
    region="eu-central-1",
    number=1,
    created=1.5,
    spec="SYMMETRIC_DEFAULT",
    usage="ENCRYPT_DECRYPT",
    origin=KeyOrigin.EXTERNAL,
    policy="{}",
    materials=(
        Material("aa" * 32, version=1, state=MaterialState.CURRENT, derived=False, sealed=b"\x00\xff", valid_to=9.0),
        Material("bb" * 32, version=2, state=MaterialState.PENDING_ROTATION, derived=True, description="next"),
    ),
    tags=(("team", "a"), ("empty", "")),
    rotation_days=365,
    next_rotation=7.25,
)
ALIAS = Alias("000000000000", "eu-central-1", "alias/a", KEY.key_id, created=1.0, updated=2.0)
GRANT = Grant(
    grant_id="cc" * 32,
    key_id=KEY.key_id,
    created=3.0,
    issuing_account="arn:aws:iam::000000000000:root",
    operations=("Decrypt", "Encrypt"),
    grantee="arn:aws:iam::000000000000:role/x",
    context_subset=(("a", "b"),),
    context_equals=(),
)


def _filled(folder: Path) -> None:
    journal = Journal(folder, seed=SEED)
    journal.append([PutEntity(Counter(keys=1)), PutEntity(KEY)])
    journal.append([PutEntity(ALIAS)])
    journal.append([PutEntity(GRANT)])
    journal.close()


def test_a_store_opens_with_all_that_was_written(tmp_path: Path):
    _filled(tmp_path)
    journal = Journal(tmp_path, seed=SEED)
    assert journal.catalog.entities() == [Counter(keys=1), KEY, ALIAS, GRANT]
    assert journal.catalog.grants_on(KEY).whole() == (GRANT.grant_id,)
    journal.close()


def test_a_key_takes_its_aliases_and_grants_with_it(tmp_path: Path):
    _filled(tmp_path)
    journal = Journal(tmp_path, seed=SEED)
    journal.append([DropEntity(KEY)])
    journal.close()
    reopened = Journal(tmp_path, seed=SEED)
    assert reopened.catalog.entities() == [Counter(keys=1)]
    reopened.close()


@pytest.mark.parametrize("kept", [1, 7, 9, 40, -1])
def test_a_torn_last_record_is_cut_off(tmp_path: Path, kept: int):
    _filled(tmp_path)
    path = tmp_path / "journal"
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    path.write_bytes(whole[:last] + whole[last:][:kept])
    journal = Journal(tmp_path, seed=SEED)
    assert journal.catalog.entities() == [Counter(keys=1), KEY, ALIAS]
    journal.append([PutEntity(GRANT)])
    journal.close()
    reopened = Journal(tmp_path, seed=SEED)
    assert reopened.catalog.entities() == [Counter(keys=1), KEY, ALIAS, GRANT]
    reopened.close()


def test_every_cut_leaves_a_store_that_opens(tmp_path: Path):
    _filled(tmp_path)
    path = tmp_path / "journal"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(first, len(whole), 37):
        path.write_bytes(whole[:size])
        Journal(tmp_path, seed=SEED).close()


def test_a_changed_record_that_others_follow_is_damage(tmp_path: Path):
    _filled(tmp_path)
    path = tmp_path / "journal"
    path.write_bytes(path.read_bytes().replace(b"alias/a", b"alias/b", 1))
    with pytest.raises(StoreDamagedError) as caught:
        Journal(tmp_path, seed=SEED)
    assert "snapshot import" in caught.value.next_step


def test_a_file_without_a_single_record_is_damage_and_no_new_store(tmp_path: Path):
    (tmp_path / "journal").write_bytes(b"something else\n")
    with pytest.raises(StoreDamagedError):
        Journal(tmp_path, seed=SEED)
    assert (tmp_path / "journal").read_bytes() == b"something else\n"


def test_another_seed_does_not_open_the_store(tmp_path: Path):
    _filled(tmp_path)
    with pytest.raises(SeedError):
        Journal(tmp_path, seed=Seed(b"x" * 32))


def test_two_processes_do_not_share_a_store(tmp_path: Path):
    journal = Journal(tmp_path, seed=SEED)
    with pytest.raises(StoreLockedError):
        Journal(tmp_path, seed=SEED)
    journal.close()
    Journal(tmp_path, seed=SEED).close()


def test_a_long_journal_is_rewritten_at_the_next_opening(tmp_path: Path):
    journal = Journal(tmp_path, seed=SEED)
    for number in range(1_100):
        journal.catalog.apply([PutEntity(Counter(keys=number))])
    journal.append([PutEntity(KEY)])
    journal.close()
    path = tmp_path / "journal"
    padded = path.read_bytes()
    path.write_bytes(padded + padded.splitlines(keepends=True)[-1] * 1_100)
    Journal(tmp_path, seed=SEED).close()
    assert len(path.read_bytes().splitlines()) == 3
    reopened = Journal(tmp_path, seed=SEED)
    assert reopened.catalog.keys[KEY.key_id] == KEY
    reopened.close()


def test_the_store_is_for_its_owner_alone(tmp_path: Path):
    _filled(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()} == {0o600}


def test_a_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk, at the one place where it can be feigned: fsync."""
    journal = Journal(tmp_path, seed=SEED)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            journal.append([PutEntity(KEY)])
    assert journal.catalog.keys == {}
    journal.append([PutEntity(Counter(keys=5))])
    journal.close()
    reopened = Journal(tmp_path, seed=SEED)
    assert reopened.catalog.entities() == [Counter(keys=5)]
    reopened.close()


def test_each_record_is_one_line_of_json_after_its_checksum(tmp_path: Path):
    _filled(tmp_path)
    lines = (tmp_path / "journal").read_bytes().splitlines()
    assert [sorted(json.loads(line[9:])) for line in lines][:2] == [["format", "seed"], ["changes"]]
