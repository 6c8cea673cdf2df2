"""The one artifact: ``build/functions.zip``, the bytes that Lambda runs and that the twin runs.

The zip's root is the contents of ``functions/`` beside the wheels of ``requirements/runtime.txt``, each module beside
what it compiles to. It is the same byte for byte whatever the folder, the clock and the umask: entries are sorted,
times and modes are fixed, nothing in it says where it was built, and every wheel is chosen by its hash. Its compressed
bytes are zlib's: an interpreter that is linked against another deflate (zlib-ng) makes a zip of the same contents with
another hash.
"""

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import twinvault_durable as durable
from twinvault_local.artifact import compiling, packing, wheels
from twinvault_local.errors import BuildError
from twinvault_local.machine.progress import Progress

LARGEST = 18_000_000


def build(root: Path, out: Path, *, python: Path, progress: Progress, architecture: str = "x86_64") -> str:
    """Builds the artifact of the checkout at ``root`` as the file ``out`` and returns its sha256 in hex.

    Its compiled code is for ``architecture``, whatever this machine is; the default is Lambda's own.

    ``python`` is an interpreter in which uv is installed. ``out`` appears whole or not at all.

    Raises:
        BuildError: the wheels could not be installed, one of them would not load in Lambda, or the zip is too large.
    """
    lock, cache = root / "requirements" / "runtime.txt", root / ".cache"
    kept = wheels.ensure(lock, cache, architecture=architecture, python=python, progress=progress)
    own, theirs = dict(_own_files(root / "functions")), packing.names(kept)
    if taken := own.keys() & theirs:
        raise BuildError(f"functions/{min(taken)} has the name of a file that a wheel brings.")
    progress(f"Zipping {len(own) + len(theirs)} files")
    packed = packing.pack(of_functions(own), kept=kept)
    if len(packed) > LARGEST:
        raise BuildError(f"The artifact has {len(packed):,} bytes; at most {LARGEST:,} are allowed.")
    out.parent.mkdir(parents=True, exist_ok=True)
    durable.write(out, packed, mode=0o644)
    return sha256(out)


def unpack(zip_path: Path, into: Path) -> Path:
    """Unpacks the artifact to ``into/<its sha256>/`` and returns that folder.

    The folder appears whole or not at all, and holds exactly the zip's bytes: one in which a file was changed, added or
    removed since is replaced.
    """
    data = zip_path.read_bytes()  # once: a build may put another zip there meanwhile
    target = into / hashlib.sha256(data).hexdigest()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if _is_intact(archive, target):
            return target
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into, prefix=".unpack-") as scratch:
            fresh = Path(scratch, "fresh")
            archive.extractall(fresh)  # our own zip, and extractall strips what would leave the folder
            fresh.chmod(0o755)
            if target.exists():
                target.rename(Path(scratch, "stale"))
            try:
                fresh.rename(target)
            except OSError:
                # Another process was faster; what counts is what stands there now.
                if not _is_intact(archive, target):
                    raise
    return target


def sha256(path: Path) -> str:
    """Returns the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_functions(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Returns what the artifact has of these files of functions/: those that are packed, and what they compile to.

    Raises:
        BuildError: this is not the interpreter that Lambda runs.
    """
    return compiling.with_compiled(
        {name: content for name, content in files.items() if _is_packed(PurePosixPath(name))}
    )


def _own_files(functions: Path) -> Iterator[tuple[str, bytes]]:
    """Yields our own source."""
    for name in wheels.files_below(functions):
        if _is_packed(name):
            yield str(name), (functions / name).read_bytes()


def _is_packed(name: PurePosixPath) -> bool:
    """Says whether the artifact has this file of functions/: everything but caches, hidden files and what is unread."""
    return name.suffix not in wheels.UNREAD_SUFFIXES and not any(p == "__pycache__" or p[0] == "." for p in name.parts)


def _is_intact(archive: zipfile.ZipFile, folder: Path) -> bool:
    infos = archive.infolist()
    present = {str(name) for name in wheels.files_below(folder)}
    if present != {info.filename for info in infos}:
        return False
    return all((folder / info.filename).read_bytes() == archive.read(info) for info in infos)
