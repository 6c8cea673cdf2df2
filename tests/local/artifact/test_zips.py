"""Zips put together from compressed entries are the zips that anyone reads."""

import io
import zipfile

from twinvault_local.artifact import zips

FILES = {"b/c.py": b"print()\n" * 500, "a.txt": b"", "é.txt": "ü".encode()}


def packed(files: dict[str, bytes]) -> bytes:
    return zips.pack(zips.deflate(name, content) for name, content in files.items())


def test_what_is_packed_is_read_by_others() -> None:
    with zipfile.ZipFile(io.BytesIO(packed(FILES))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert archive.namelist() == sorted(FILES)


def test_it_is_what_the_standard_library_would_write() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(FILES.items()):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=9)
    assert packed(FILES) == file.getvalue()


def test_entries_that_were_kept_compressed_make_the_same_zip() -> None:
    some = dict(list(FILES.items())[:2])
    rest = [zips.deflate(name, content) for name, content in list(FILES.items())[2:]]
    assert zips.pack([*zips.unpack(packed(some)), *rest]) == packed(FILES)


def test_the_order_of_entries_changes_nothing() -> None:
    assert packed(dict(reversed(FILES.items()))) == packed(FILES)


def test_a_zip_of_nothing_is_one() -> None:
    assert zips.unpack(packed({})) == []
