"""Zips put together from kept entries and new files are the zips that the standard library writes."""

import io
import zipfile
from pathlib import Path

from twinvault_local.artifact import packing

FILES = {
    "b/c.py": Path(zipfile.__file__).read_bytes(),  # long enough for the level of compression to matter
    "a.txt": b"",
    "é.txt": "ü".encode(),
    f"z/{'g' * 200}": bytes(100_000),
}


def test_what_is_packed_is_read_by_others() -> None:
    with zipfile.ZipFile(io.BytesIO(packing.pack(FILES))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert archive.namelist() == sorted(FILES)


def test_entries_that_were_kept_make_the_zip_that_the_standard_library_writes() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in sorted(FILES.items()):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content, compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)
    whole = packing.pack(FILES)
    assert whole == file.getvalue()
    for number in range(len(FILES) + 1):
        kept = packing.pack(dict(list(FILES.items())[:number]))
        assert packing.pack(dict(list(FILES.items())[number:]), kept=kept) == whole


def test_a_newer_file_stands_in_the_place_of_a_kept_one() -> None:
    kept = packing.pack(FILES)
    packed = packing.pack({"a.txt": b"newer"}, kept=kept)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES | {"a.txt": b"newer"}


def test_the_order_of_files_changes_nothing() -> None:
    assert packing.pack(dict(reversed(FILES.items()))) == packing.pack(FILES)


def test_a_zip_of_nothing_is_one() -> None:
    assert packing.names(packing.pack({})) == set()
