"""One seed, one order of keys. RFC 5869 (HKDF); the labels are ours."""

from pathlib import Path

import pytest

from twinvault_kms.errors import SeedError
from twinvault_kms.seed import Seed, load_or_create_seed, load_seed, material_id

ROOT = bytes(31) + b"*"


def test_the_same_seed_gives_the_same_keys_in_the_same_order():
    one, two = Seed(ROOT), Seed(ROOT)
    assert [one.key_id(number) for number in range(1, 4)] == [two.key_id(number) for number in range(1, 4)]
    assert one.material(number=1, version=1, length=32) == two.material(number=1, version=1, length=32)


def test_the_derivation_never_changes():
    """Whoever changes a label loses every key that a seed ever gave."""
    seed = Seed(ROOT)
    assert seed.key_id(1) == "3114282b-c7a6-4dcd-83b7-028d2cd61664"
    assert (
        seed.material(number=1, version=1, length=32).hex()
        == "bfe8f633657ef1abe8e1bf16581feba9c3b1c02bd9e2a4b1831082e969e4c6c3"
    )


def test_no_two_keys_or_versions_share_material():
    seed = Seed(ROOT)
    materials = {
        seed.material(number=number, version=version, length=32) for number in range(9) for version in range(9)
    }
    assert len(materials) == 81


def test_a_material_id_says_nothing_of_another_key():
    assert material_id(b"m" * 32, "one") != material_id(b"m" * 32, "two")


def test_a_seed_does_not_show_itself():
    assert ROOT.hex() not in repr(Seed(ROOT))


def test_a_new_seed_file_is_private_and_stays(tmp_path: Path):
    made = load_or_create_seed(tmp_path / "kms" / "seed", fresh=ROOT)
    again = load_or_create_seed(tmp_path / "kms" / "seed", fresh=bytes(32))
    assert made.fingerprint() == again.fingerprint() == Seed(ROOT).fingerprint()
    assert (tmp_path / "kms" / "seed").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        pytest.param("00" * 32, 0o644, id="readable by others"),
        pytest.param("00" * 31, 0o600, id="too short"),
        pytest.param("zz" * 32, 0o600, id="not hexadecimal"),
        pytest.param("", 0o600, id="empty"),
    ],
)
def test_a_seed_file_against_the_rules_is_refused(tmp_path: Path, content: str, mode: int):
    path = tmp_path / "seed"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(SeedError) as caught:
        load_seed(path)
    assert caught.value.next_step
    assert not content or content not in str(caught.value)


def test_a_seed_file_that_is_missing_is_refused(tmp_path: Path):
    with pytest.raises(SeedError):
        load_seed(tmp_path / "none")
