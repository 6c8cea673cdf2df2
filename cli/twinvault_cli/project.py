"""A project of one's own, written from the example: its files under another name, and the wheels that it locks."""

import hashlib
import keyword
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from twinvault_cli.errors import UsageError

EXAMPLE = "clinic"
NEEDED = frozenset(
    {"twinvault", "twinvault-cdk", "twinvault-cli", "twinvault-http", "twinvault-local", "twinvault-testing"}
)
"""Wheels without which a project can neither be tested nor deployed; the other ones are what these need."""

_NAME = re.compile(r"(?=.{1,20}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RULE = "NAME: must be 1 to 20 characters of a-z, 0-9 and single '-', a letter first"
_TAKEN = frozenset({"app", "constructs", "jwt", "boto3", "botocore", "cryptography", "msgspec", "tests", "urllib3"})
_WHEEL = re.compile(r"(?P<name>twinvault[a-z_]*)-(?P<version>[0-9][^-]*)-py3-none-any\.whl")

# What is made by using the example, and is no part of it.
_MADE = frozenset({".venv", ".cache", "build", "cdk.out", "wheels", "node_modules", "__pycache__"})
_MADE_ENDINGS = (".pyc", "_cache")
_IN_THE_ARTIFACT = frozenset({"twinvault", "twinvault-http"})
LOCKS = ("requirements/wheels.txt", "requirements/wheels-dev.txt")
"""Of our wheels, those that the artifact carries, and the others."""

FIND_PYTHON = "scripts/python"
"""Of our checkout, and of each project: a name on PATH may be a shim that runs nothing."""
_NOT_IGNORED = ("wheels/\n", "requirements/wheels*.txt\n")  # a project of one's own commits them

# The example's name where it is a package, and where it is what things are called; in prose it stays what it is.
_PACKAGE = re.compile(
    rf"\b{EXAMPLE}(?=/|\.(?:handlers|patients|permissions|records|requests)\b)|(?<=functions/){EXAMPLE}\b"
)
_CALLED = re.compile(
    rf'(?<="){EXAMPLE}(?=")|\b{EXAMPLE}(?=-dev\b|-prod\b|:read\b|:write\b|\.example\.com)|(?<=^# ){EXAMPLE}$',
    re.MULTILINE,
)


def files_of(example: Path, name: str) -> dict[str, str]:
    """The project's files by their paths, with `name` in place of the example's.

    Raises:
        UsageError: it cannot be called so, or there is no example.
    """
    package = name.replace("-", "_")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{_RULE}.")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names | _TAKEN or package.startswith("twinvault"):
        raise UsageError(f"NAME: {name} is the name of a module that the project needs, or a word of Python's.")
    if not (example / "app.py").is_file():
        raise UsageError("There is no example to write it from: this command works in a checkout of Twinvault.")
    written = {
        _path(path, package): _renamed(str(path), (example / path).read_text(encoding="utf-8"), name=name)
        for path in sorted(_paths(example))
    }
    return written | {FIND_PYTHON: (example.parents[1] / FIND_PYTHON).read_text(encoding="utf-8")}


def locks_of(wheels: Path) -> tuple[list[Path], dict[str, str]]:
    """Our wheels in a folder, and the requirements files that lock them by hash.

    Raises:
        UsageError: one is missing, or two are of one name.
    """
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted(wheels.glob("*.whl")):
        if match := _WHEEL.fullmatch(path.name):
            name = match["name"].replace("_", "-")
            if name in found:
                raise UsageError(f"{wheels} holds two wheels of {name}.", next_step="Remove the older one.")
            found[name] = match["version"], path
    if missing := sorted(NEEDED - found.keys()):
        raise UsageError(f"{wheels} holds no wheel of {', '.join(missing)}.", next_step="Build them: make wheels")
    lines = {
        name: f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        for name, (version, path) in sorted(found.items())
    }
    deployed, others = (
        "".join(line for name, line in lines.items() if (name in _IN_THE_ARTIFACT) is wanted)
        for wanted in (True, False)
    )
    return [path for _, path in found.values()], dict(zip(LOCKS, (deployed, others), strict=True))


def write(target: Path, files: Mapping[str, str], *, wheels: list[Path]) -> None:
    """Writes a project, whole or not at all.

    Raises:
        UsageError: something is there already.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is there already.", next_step="Name another folder with --into.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as scratch:
        made = Path(scratch, "project")
        for name, content in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        (made / "wheels").mkdir()
        for wheel in wheels:
            shutil.copy(wheel, made / "wheels")
        made.rename(target)  # an empty folder gives way


def _paths(example: Path) -> Iterator[PurePosixPath]:
    for path in example.rglob("*"):
        name = PurePosixPath(path.relative_to(example).as_posix())
        made = any(
            part in _MADE or part.startswith(".twinvault") or part.endswith(_MADE_ENDINGS) for part in name.parts
        )
        if path.is_file() and not made and str(name) not in LOCKS:
            yield name


def _path(path: PurePosixPath, package: str) -> str:
    return str(PurePosixPath(*(package if part == EXAMPLE else part for part in path.parts)))


def _renamed(path: str, text: str, *, name: str) -> str:
    if path == ".gitignore":
        for line in _NOT_IGNORED:
            text = text.replace(line, "")
    return _CALLED.sub(name, _PACKAGE.sub(name.replace("-", "_"), text))
