"""Zips put together from kept entries and new files are the zips that the standard library writes."""

import io
import zipfile
from pathlib import Path

import pytest

from twinvault_local.artifact import packing

FILES = {
    "b/c.py": Path(zipfile.__file__).read_bytes(),  # long enough for the level of compression to matter
    "a.txt": b"",
    "é.txt": "ü".encode(),
    f"z/{'g' * 200}": bytes(100_000),
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for number, content in enumerate(FILES.values()):
        (tmp_path / str(number)).write_bytes(content)
    return {name: tmp_path / str(number) for number, name in enumerate(FILES)}


def test_what_is_packed_is_read_by_others(files: dict[str, Path]) -> None:
    with zipfile.ZipFile(io.BytesIO(packing.pack(files))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert archive.namelist() == sorted(FILES)


def test_entries_that_were_kept_make_the_zip_that_the_standard_library_writes(files: dict[str, Path]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in sorted(FILES.items()):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content, compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)
    whole = packing.pack(files)
    assert whole == file.getvalue()
    for number in range(len(files) + 1):
        kept = packing.pack(dict(list(files.items())[:number]))
        assert packing.pack(dict(list(files.items())[number:]), kept=kept) == whole


def test_a_newer_file_stands_in_the_place_of_a_kept_one(files: dict[str, Path], tmp_path: Path) -> None:
    kept = packing.pack(files)
    (tmp_path / "newer").write_bytes(b"newer")
    packed = packing.pack({"a.txt": tmp_path / "newer"}, kept=kept)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES | {"a.txt": b"newer"}


def test_the_order_of_files_changes_nothing(files: dict[str, Path]) -> None:
    assert packing.pack(dict(reversed(files.items()))) == packing.pack(files)


def test_a_zip_of_nothing_is_one() -> None:
    assert packing.names(packing.pack({})) == set()
