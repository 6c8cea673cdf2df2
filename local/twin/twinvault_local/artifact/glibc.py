"""Which glibc a shared object needs, read from its bytes alone. PURE: bytes in, a version out.

An ELF file lists the symbol versions that it needs of each library in its section of type SHT_GNU_verneed: a chain of
Verneed entries (one per library), each with a chain of Vernaux entries (one per version, such as ``GLIBC_2.34``).
Source: Linux Standard Base Core 5.0, "Symbol Versioning", and elf(5).
"""

import re
import struct
from collections.abc import Iterator

MAGIC = b"\x7fELF"

_64_BIT_LITTLE_ENDIAN = b"\x02\x01"
_X86_64 = 62
_SHT_GNU_VERNEED = 0x6FFFFFFE
_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_VERNEED = struct.Struct("<HHIII")
_VERNAUX = struct.Struct("<IHHII")
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")

type Version = tuple[int, int]


class NotLoadableError(ValueError):
    """These bytes are no x86-64 ELF file that Lambda's loader could take."""


def highest_glibc(data: bytes) -> Version:
    """Returns the newest glibc version that a shared object asks for; (0, 0) where it asks for none.

    Raises:
        NotLoadableError: the bytes are no 64-bit little-endian x86-64 ELF file, or are cut short.
    """
    try:
        return max(_needed(data), default=(0, 0))
    except (struct.error, IndexError, ValueError) as error:
        raise NotLoadableError(f"not a complete x86-64 ELF file: {error}") from error


def _needed(data: bytes) -> Iterator[Version]:
    if data[:4] != MAGIC or data[4:6] != _64_BIT_LITTLE_ENDIAN:
        raise ValueError("no 64-bit little-endian ELF header")
    (machine,) = struct.unpack_from("<H", data, 18)
    if machine != _X86_64:
        raise ValueError(f"built for machine {machine}, not for x86-64 ({_X86_64})")
    sections = list(_sections(data))
    for kind, offset, link, entries in sections:
        if kind == _SHT_GNU_VERNEED:
            strings = sections[link][1]
            yield from _versions(data, at=offset, libraries=entries, strings=strings)


def _sections(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yields (type, offset, link, info) of each section."""
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    for number in range(count):
        _, kind, _, _, offset, _, link, info, _, _ = _SECTION_HEADER.unpack_from(data, table + number * size)
        yield kind, offset, link, info


def _versions(data: bytes, *, at: int, libraries: int, strings: int) -> Iterator[Version]:
    for _ in range(libraries):
        _, count, _, first, following = _VERNEED.unpack_from(data, at)
        aux = at + first
        for _ in range(count):
            _, _, _, name, next_aux = _VERNAUX.unpack_from(data, aux)
            start = strings + name
            if match := _GLIBC.fullmatch(data[start : data.index(b"\0", start)]):
                yield int(match[1]), int(match[2])
            aux += next_aux
        at += following
