"""The artifact as the stacks see it: its hash, and that its machine code is for the processor that the stage names."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from twinvault_cdk.stage import Stage, StageError

# e_machine of an ELF header, two bytes at offset 18 (System V ABI, "ELF Header", and its supplements for the two).
_MACHINES = {62: "x86_64", 183: "arm64"}
_MAGIC, _HEADER_BYTES = b"\x7fELF", 20


def sha256(path: Path, *, stage: Stage) -> str:
    """Returns the artifact's own hash in hex: after a deploy, Lambda's CodeSha256 must equal it.

    Raises:
        StageError: there is no artifact, or it has code for another processor than the stage's: every cold start would
            end at the import of it.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise StageError(f"There is no artifact at {path}. Type: make build") from None
    try:
        for name, machine in _machines(data):
            if machine != stage.architecture:
                raise StageError(
                    f"{path} is of {machine} ({name}), and the architecture of stage {stage.name} is"
                    f" {stage.architecture}. Type: make build STAGE={stage.name}"
                )
    except zipfile.BadZipFile:
        raise StageError(f"{path} is no zip. Type: make build") from None
    return hashlib.sha256(data).hexdigest()


def _machines(data: bytes) -> Iterator[tuple[str, str]]:
    """Yields each shared object in the zip and the processor that it is for."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if ".so" not in PurePosixPath(entry.filename).suffixes:
                continue
            with archive.open(entry) as file:
                header = file.read(_HEADER_BYTES)
            if header.startswith(_MAGIC):
                number = int.from_bytes(header[18:20], "little")
                yield entry.filename, _MACHINES.get(number, f"machine {number}")
