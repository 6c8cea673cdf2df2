"""Zips whose bytes follow from their files alone: sorted, of fixed times and modes; the standard library writes them.

Compressing all wheels takes seconds, so they are kept as such a zip and its entries are copied as they are.
"""

import copy
import io
import zipfile
from collections.abc import Mapping

_MODE = 0o100644


def pack(files: Mapping[str, bytes], *, kept: bytes = b"") -> bytes:
    """Returns the zip of these files, by their names, and of the entries of ``kept``, which ``pack`` made."""
    entries = {entry.filename: entry for entry in _entries(kept)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted({*files, *entries}):
            if name in files:
                archive.writestr(_entry(name), files[name], zipfile.ZIP_DEFLATED, compresslevel=9)
            else:
                _copy(entries[name], kept, file, archive)
    return file.getvalue()


def names(packed: bytes) -> set[str]:
    """Returns the names of the files in a zip."""
    return {entry.filename for entry in _entries(packed)}


def _entries(packed: bytes) -> list[zipfile.ZipInfo]:
    if not packed:
        return []
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return archive.infolist()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980-01-01 00:00, the format's earliest
    entry.external_attr = _MODE << 16
    return entry


def _copy(entry: zipfile.ZipInfo, kept: bytes, file: io.BytesIO, archive: zipfile.ZipFile) -> None:
    """``zipfile`` has no call for it: what its own writing leaves behind is left here; tests compare the bytes."""
    placed = copy.copy(entry)
    placed.header_offset = file.seek(archive.start_dir)
    file.write(kept[entry.header_offset :][: len(entry.FileHeader()) + entry.compress_size])
    archive.filelist.append(placed)
    archive.NameToInfo[placed.filename] = placed
    archive.start_dir = file.tell()
