"""The one artifact: ``build/functions.zip``, the bytes that Lambda runs and that the twin runs.

The zip's root is the contents of ``functions/`` beside the wheels of ``requirements/runtime.txt``. It is the same byte
for byte whatever the folder, the clock and the umask: entries are sorted, times and modes are fixed, nothing in it says
where it was built, and every wheel is chosen by its hash. Its compressed bytes are zlib's: an interpreter that is
linked against another deflate (zlib-ng) makes a zip of the same contents with another hash.

``python -m twinvault_local.artifact`` is what ``make build`` calls.
"""

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from twinvault_local import glibc
from twinvault_local.errors import BuildError, TwinError

type Progress = Callable[[str], None]

PYTHON_VERSION = "3.13"
# Lambda's python3.13 stands on Amazon Linux 2023, whose glibc is 2.34 (AWS Lambda Developer Guide, "Lambda runtimes").
# Wheels are taken for an older one, so that the check below never has to refuse what the lock file chose.
PLATFORM = "x86_64-manylinux_2_28"
NEWEST_GLIBC = (2, 34)
LARGEST = 15_000_000

# botocore describes some 400 services in 100 MB; two are called. The files beside the services' folders are what any
# client reads when it is made (endpoints, partitions, retries, defaults).
_SERVICES = frozenset({"dynamodb", "kms"})
_SERVICE_DATA = (("botocore", "data"), ("boto3", "data"))
# What the installer writes for itself (RECORD and its kin name this machine's choices), and what no interpreter reads.
_INSTALLERS_OWN = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
_UNREAD_SUFFIXES = frozenset({".pyc", ".pyi", ".h", ".c", ".typed"})
_UNREAD_FOLDERS = frozenset({"__pycache__", "tests", "sboms"})

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's earliest time
_MODE = 0o100644
_UNIX = 3


def build(root: Path, out: Path, *, python: Path, progress: Progress) -> str:
    """Builds the artifact of the checkout at ``root`` as the file ``out`` and returns its sha256 in hex.

    ``python`` is an interpreter in which uv is installed. ``out`` appears whole or not at all.

    Raises:
        BuildError: the wheels could not be installed, one of them would not load in Lambda, or the zip is too large.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".artifact-") as folder:
        wheels = Path(folder, "wheels")
        progress("Installing the hash-locked wheels of requirements/runtime.txt")
        _install(root / "requirements" / "runtime.txt", wheels, python=python)
        entries = dict(_wheel_entries(wheels))
        for name, path in _own_entries(root / "functions"):
            if name in entries:
                raise BuildError(f"functions/{name} has the name of a file that a wheel brings.")
            entries[name] = path
        progress(f"Zipping {len(entries)} files")
        draft = Path(folder, "functions.zip")
        _write(draft, entries)
        if draft.stat().st_size > LARGEST:
            raise BuildError(f"The artifact has {draft.stat().st_size:,} bytes; at most {LARGEST:,} are allowed.")
        draft.replace(out)
    return sha256(out)


def unpack(zip_path: Path, into: Path) -> Path:
    """Unpacks the artifact to ``into/<its sha256>/`` and returns that folder.

    The folder appears whole or not at all, and holds exactly the zip's bytes: one in which a file was changed, added or
    removed since is replaced. The caches that interpreters leave there are no reason to: they speed up the next start.
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


def _install(lock: Path, into: Path, *, python: Path) -> None:
    command = [str(python), "-m", "uv", "pip", "install", "--quiet", "--target", str(into)]
    command += ["--python-version", PYTHON_VERSION, "--python-platform", PLATFORM, "--only-binary", ":all:"]
    # The machine's own certificates, as pip does: behind a company's proxy no others will do.
    command += ["--system-certs", "--require-hashes", "--no-deps", "--link-mode", "copy", "--requirements", str(lock)]
    # The cache alone first: a rebuild after a change of our own code needs no network.
    for extra in (["--offline"], []):
        shutil.rmtree(into, ignore_errors=True)
        try:
            run = subprocess.run([*command, *extra], capture_output=True, text=True, check=False)
        except OSError as error:
            raise BuildError(f"{python} cannot be started: {error.strerror}.", next_step="make setup") from error
        if run.returncode == 0:
            return
    raise BuildError(
        f"The wheels of {lock.name} could not be installed:\n{run.stderr.strip()}",
        next_step="Check the network, then type: make build",
    )


def _files(folder: Path) -> Iterator[PurePosixPath]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield PurePosixPath(path.relative_to(folder).as_posix())


def _own_entries(functions: Path) -> Iterator[tuple[str, Path]]:
    """Yields our own source: everything below functions/ but caches and hidden files."""
    for name in _files(functions):
        if name.suffix not in _UNREAD_SUFFIXES and not any(p == "__pycache__" or p[0] == "." for p in name.parts):
            yield str(name), functions / name


def _wheel_entries(wheels: Path) -> Iterator[tuple[str, Path]]:
    for name in _files(wheels):
        if _is_needed(name):
            path = wheels / name
            _refuse_what_lambda_cannot_load(name, path)
            yield str(name), path


def _is_needed(name: PurePosixPath) -> bool:
    """Says whether the handlers, or the wheels' licences, could miss this file of a wheel."""
    parts = name.parts
    if len(parts) == 1 and name.suffix not in {".py", ".so"}:
        return False  # the installer's lock file
    if parts[0] == "bin" or name.suffix in _UNREAD_SUFFIXES or _UNREAD_FOLDERS.intersection(parts[:-1]):
        return False
    if parts[0].endswith(".dist-info"):
        return parts[-1] not in _INSTALLERS_OWN
    if parts[:2] in _SERVICE_DATA and len(parts) > 3:  # noqa: PLR2004  # package/data/service/...
        return parts[2] in _SERVICES and not name.name.startswith("examples-")
    return parts[:2] != ("boto3", "examples")


def _refuse_what_lambda_cannot_load(name: PurePosixPath, path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(glibc.MAGIC)) != glibc.MAGIC and ".so" not in name.suffixes:
            return
    try:
        needed = glibc.highest_glibc(path.read_bytes())
    except glibc.NotLoadableError as error:
        raise BuildError(f"{name} would not load in Lambda: {error}.") from error
    if needed > NEWEST_GLIBC:
        has, needs = (".".join(map(str, version)) for version in (NEWEST_GLIBC, needed))
        raise BuildError(f"{name} would not load in Lambda: it needs glibc {needs}, the runtime has {has}.")


def _write(path: Path, entries: dict[str, Path]) -> None:
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = _UNIX
            info.external_attr = _MODE << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entries[name].read_bytes(), compresslevel=9)


def _is_intact(archive: zipfile.ZipFile, folder: Path) -> bool:
    infos = archive.infolist()
    present = {str(name) for name in _files(folder) if "__pycache__" not in name.parts}
    if present != {info.filename for info in infos}:
        return False
    return all((folder / info.filename).read_bytes() == archive.read(info) for info in infos)


def main(arguments: list[str] | None = None) -> int:
    """Builds the artifact of this checkout, tells its hash and its size, and returns the exit code."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(
        prog="python -m twinvault_local.artifact", description="Build the Lambda artifact."
    )
    parser.add_argument("--root", type=Path, default=root, help="the checkout to build from (default: this one)")
    parser.add_argument("--out", type=Path, help="the zip to write (default: build/functions.zip below the root)")
    options = parser.parse_args(arguments)
    out: Path = options.out or options.root / "build" / "functions.zip"
    try:
        digest = build(options.root, out, python=Path(sys.executable), progress=_say)
    except TwinError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(f"{os.path.relpath(out)}  {out.stat().st_size / 1e6:.1f} MB  sha256 {digest}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
