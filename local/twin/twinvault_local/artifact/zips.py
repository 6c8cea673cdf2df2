"""Zip files whose every byte is decided here, so that compressed entries can be kept and put together again.

Source: PKWARE's APPNOTE, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16 (its end). Within its
limits without ZIP64: 65,535 entries and 4 GB.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION, _UNIX, _DEFLATED, _UTF8 = 20, 3, 8, 0x800
_TIME, _DATE = 0, 0x21  # 1980-01-01 00:00, the format's earliest
_MODE = 0o100644


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, compressed."""

    name: str
    crc: int
    size: int
    compressed: bytes = field(repr=False)


def deflate(name: str, content: bytes) -> Entry:
    """The file of this name and content, compressed as well as zlib can."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Entry(name, zlib.crc32(content), len(content), compressor.compress(content) + compressor.flush())


def pack(entries: Iterable[Entry]) -> bytes:
    """A zip of these entries, sorted by name, with fixed times and modes: the same entries, the same bytes."""
    body, directory, count = io.BytesIO(), io.BytesIO(), 0
    for entry in sorted(entries, key=lambda one: one.name):
        name = entry.name.encode()
        flags = 0 if entry.name.isascii() else _UTF8
        common = (_VERSION, flags, _DEFLATED, _TIME, _DATE, entry.crc, len(entry.compressed), entry.size, len(name), 0)
        made_by = _UNIX << 8 | _VERSION
        directory.write(_CENTRAL.pack(b"PK\1\2", made_by, *common, 0, 0, 0, _MODE << 16, body.tell()) + name)
        body.write(_LOCAL.pack(b"PK\3\4", *common) + name + entry.compressed)
        count += 1
    start, length = body.tell(), directory.tell()
    return body.getvalue() + directory.getvalue() + _END.pack(b"PK\5\6", 0, 0, count, count, length, start, 0)


def unpack(packed: bytes) -> list[Entry]:
    """The entries of a zip that `pack` made, still compressed."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        infos = archive.infolist()
    found = []
    for info in infos:
        begin = info.header_offset + _LOCAL.size + len(info.filename.encode())
        compressed = packed[begin : begin + info.compress_size]
        found.append(Entry(info.filename, info.CRC, info.file_size, compressed))
    return found
