"""The wheels of requirements/runtime.txt as the artifact carries them: installed, without ballast, compressed once.

They change with the lock file alone, so they are kept compressed in the checkout's cache: a build after a change of our
own code compresses our own code. What is kept is named by its own hash, and not used when damaged.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import twinvault_durable as durable
from twinvault_local.artifact import compiling, glibc, packing
from twinvault_local.errors import BuildError
from twinvault_local.machine import locks
from twinvault_local.machine.progress import Progress

PYTHON_VERSION = "3.13"
# Lambda's python3.13 stands on Amazon Linux 2023, whose glibc is 2.34 (AWS Lambda Developer Guide, "Lambda runtimes").
# Wheels are taken for an older one, so that the check below never has to refuse what the lock file chose.
PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
NEWEST_GLIBC = (2, 34)

# botocore describes some 400 services in 100 MB; two are called. The files beside the services' folders are what any
# client reads when it is made (endpoints, partitions, retries, defaults).
_SERVICES = frozenset({"dynamodb", "kms"})
_SERVICE_DATA = (("botocore", "data"), ("boto3", "data"))
# What the installer writes for itself (RECORD and its kin name this machine's choices), and what no interpreter reads.
_INSTALLERS_OWN = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
UNREAD_SUFFIXES = frozenset({".pyc", ".pyi", ".h", ".c", ".typed"})
_UNREAD_FOLDERS = frozenset({"__pycache__", "tests", "sboms"})


def ensure(lock: Path, cache: Path, *, architecture: str, python: Path, progress: Progress) -> bytes:
    """The wheels that the lock file names as a zip, from ``cache`` or installed by ``python``, in which uv is.

    Those with compiled code are the ones for ``architecture``, whatever this machine is.

    Raises:
        BuildError: they could not be installed, or one of them would not load in Lambda.
    """
    # The rules of these modules decide too, and the interpreter that compiles: they are part of the name.
    rules = b"".join(Path(one).read_bytes() for one in (__file__, packing.__file__, compiling.__file__))
    locked = b"".join(one.read_bytes() for one in _locks(lock))
    digest = hashlib.sha256(locked + rules + sys.version.encode()).hexdigest()[:12]
    kept = cache / f"wheels-{architecture}-{digest}"
    with locks.held(cache / "wheels.lock", wait=True):
        if (packed := _intact(kept)) is None:
            progress(f"Installing the hash-locked wheels of {lock.parent.name}/{lock.name} for {architecture}")
            packed = _made(lock, cache, architecture=architecture, python=python)
            _keep(packed, kept)
    return packed


def _intact(kept: Path) -> bytes | None:
    for path in kept.glob("*.zip"):
        packed = path.read_bytes()
        if hashlib.sha256(packed).hexdigest() == path.stem:
            return packed
    return None


def _keep(packed: bytes, kept: Path) -> None:
    for stale in kept.parent.glob(f"{kept.name.rpartition('-')[0]}-*"):
        shutil.rmtree(stale)
    kept.mkdir()
    durable.write(kept / f"{hashlib.sha256(packed).hexdigest()}.zip", packed, mode=0o644)


def _made(lock: Path, cache: Path, *, architecture: str, python: Path) -> bytes:
    with tempfile.TemporaryDirectory(dir=cache, prefix=".installing-") as folder:
        installed = Path(folder, "wheels")
        _install(lock, installed, architecture=architecture, python=python)
        return packing.pack(compiling.with_compiled(dict(_entries(installed, architecture))))


def installed_anew(lock: Path, cache: Path, *, architecture: str, python: Path) -> dict[str, str]:
    """Each file that the artifact carries of the lock file's wheels, and its sha256 in hex, without what was kept.

    The installer takes a wheel only if its hash is in the lock file, so that these are the locked wheels' own bytes,
    and what their modules compile to here and now.

    Raises:
        BuildError: they could not be installed, or one of them would not load in Lambda.
    """
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".installing-") as folder:
        installed = Path(folder, "wheels")
        _install(lock, installed, architecture=architecture, python=python)
        files = compiling.with_compiled(dict(_entries(installed, architecture)))
        return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def files_below(folder: Path) -> Iterator[PurePosixPath]:
    """Yields the path of every file, relative to the folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield PurePosixPath(path.relative_to(folder).as_posix())


def _install(lock: Path, into: Path, *, architecture: str, python: Path) -> None:
    command = [str(python), "-m", "uv", "pip", "install", "--quiet", "--target", str(into)]
    command += ["--python-version", PYTHON_VERSION, "--python-platform", PLATFORMS[architecture]]
    command += ["--only-binary", ":all:"]
    # The machine's own certificates, as pip does: behind a company's proxy no others will do.
    command += ["--system-certs", "--require-hashes", "--no-deps", "--link-mode", "copy"]
    for one in _locks(lock):
        command += ["--requirements", str(one)]
    if (own := lock.parents[1] / "wheels").is_dir():
        command += ["--find-links", str(own)]
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


def _locks(lock: Path) -> list[Path]:
    """The lock file, and beside it that of the wheels which lie in the project's own folder ``wheels/``."""
    own = lock.with_name("wheels.txt")
    return [lock, own] if own.is_file() else [lock]


def _entries(wheels: Path, architecture: str) -> Iterator[tuple[str, bytes]]:
    for name in files_below(wheels):
        if _is_needed(name):
            path = wheels / name
            _refuse_what_lambda_cannot_load(name, path, architecture=architecture)
            yield str(name), path.read_bytes()


def _is_needed(name: PurePosixPath) -> bool:
    """Says whether the handlers, or the wheels' licences, could miss this file of a wheel."""
    parts = name.parts
    if len(parts) == 1 and name.suffix not in {".py", ".so"}:
        return False  # the installer's lock file
    if parts[0] == "bin" or name.suffix in UNREAD_SUFFIXES or _UNREAD_FOLDERS.intersection(parts[:-1]):
        return False
    if parts[0].endswith(".dist-info"):
        return parts[-1] not in _INSTALLERS_OWN
    if parts[:2] in _SERVICE_DATA and len(parts) > 3:  # noqa: PLR2004  # package/data/service/...
        return parts[2] in _SERVICES and not name.name.startswith("examples-")
    return parts[:2] != ("boto3", "examples")


def _refuse_what_lambda_cannot_load(name: PurePosixPath, path: Path, *, architecture: str) -> None:
    with path.open("rb") as file:
        if file.read(len(glibc.MAGIC)) != glibc.MAGIC and ".so" not in name.suffixes:
            return
    try:
        needed = glibc.highest_glibc(path.read_bytes(), architecture=architecture)
    except glibc.NotLoadableError as error:
        raise BuildError(f"{name} would not load in Lambda: {error}.") from error
    if needed > NEWEST_GLIBC:
        has, needs = (".".join(map(str, version)) for version in (NEWEST_GLIBC, needed))
        raise BuildError(f"{name} would not load in Lambda: it needs glibc {needs}, the runtime has {has}.")
