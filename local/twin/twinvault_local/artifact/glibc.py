"""Which processor a shared object is for and which glibc it needs, read from its bytes alone. PURE.

An ELF file lists the symbol versions that it needs of each library, such as ``GLIBC_2.34`` (Linux Standard Base Core
5.0, "Symbol Versioning", and elf(5)). pyelftools reads it.
"""

import io
import re
from collections.abc import Iterator

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

MAGIC = b"\x7fELF"

# Lambda's name of a processor to what an ELF header says of it: 64 bits, little-endian, and the machine.
_MACHINES = {"x86_64": (64, True, "EM_X86_64"), "arm64": (64, True, "EM_AARCH64")}
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)")

type Version = tuple[int, int]


class NotLoadableError(ValueError):
    """These bytes are no ELF file that Lambda's loader could take on this processor."""


def highest_glibc(data: bytes, *, architecture: str) -> Version:
    """Returns the newest glibc version that a shared object asks for; (0, 0) where it asks for none.

    Raises:
        NotLoadableError: the bytes are no ELF file for ``architecture`` (``x86_64`` or ``arm64``), or are cut short.
    """
    try:
        return max(_needed(ELFFile(io.BytesIO(data)), _MACHINES[architecture]), default=(0, 0))
    except (ELFError, ValueError) as error:
        raise NotLoadableError(f"not a complete ELF file for {architecture}: {error}") from error


def _needed(file: ELFFile, wanted: tuple[int, bool, str]) -> Iterator[Version]:
    machine = (file.elfclass, file.little_endian, file["e_machine"])
    if machine != wanted:
        raise ValueError(f"built for {machine}, not for {wanted}")
    for section in file.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            names = (version.name for _, versions in section.iter_versions() for version in versions)
            yield from ((int(found[1]), int(found[2])) for found in map(_GLIBC.fullmatch, names) if found)
