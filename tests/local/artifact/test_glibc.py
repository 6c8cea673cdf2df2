"""The glibc reader: real shared objects, and files that were tampered with or cut."""

import struct
import sys
import sysconfig
from pathlib import Path

import pytest

from twinvault_local.artifact import glibc


def highest_glibc(data: bytes) -> glibc.Version:
    return glibc.highest_glibc(data, architecture="x86_64")


def real_shared_object() -> bytes:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    (found, *_) = sorted(Path(sys.prefix).rglob(f"_cffi_backend{suffix}"))
    return found.read_bytes()


def test_a_real_shared_object_names_a_plausible_glibc():
    assert (2, 2) <= highest_glibc(real_shared_object()) < (3, 0)


def test_a_shared_object_of_one_processor_is_refused_for_the_other():
    with pytest.raises(glibc.NotLoadableError, match=r"for arm64: built for .*EM_X86_64.*EM_AARCH64"):
        glibc.highest_glibc(real_shared_object(), architecture="arm64")


def test_a_newer_version_in_the_symbol_table_is_seen():
    data = real_shared_object()
    newest = "GLIBC_{}.{}".format(*highest_glibc(data)).encode()
    forged = data.replace(newest + b"\0", b"GLIBC_2.99"[: len(newest)].ljust(len(newest), b"9") + b"\0")
    assert highest_glibc(forged) > (2, 34)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x7fELF", id="magic alone"),
        pytest.param(b"#!/bin/sh\n", id="a script"),
        pytest.param(b"\x7fELF\x01\x01" + bytes(60), id="32 bits"),
        pytest.param(b"\x7fELF\x02\x02" + bytes(60), id="big endian"),
        pytest.param(b"\x7fELF\x02\x01" + bytes(12) + struct.pack("<H", 183) + bytes(60), id="arm64"),
    ],
)
def test_bytes_that_are_no_x86_64_elf_file_are_refused(data):
    with pytest.raises(glibc.NotLoadableError):
        highest_glibc(data)


def test_a_cut_file_is_refused_wherever_it_is_cut():
    data = real_shared_object()
    for end in range(0, len(data) - 1, len(data) // 50):
        with pytest.raises(glibc.NotLoadableError):
            highest_glibc(data[:end])
