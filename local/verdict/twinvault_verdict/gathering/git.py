"""What git says of the checkout: its commit, what is not it, the last release, and what files held at a commit.

A clean `git status` is not enough: it says nothing of files that are marked as unchanged, or that this machine alone
ignores. Sources: git-status(1), git-ls-files(1), git-tag(1), git-archive(1).
"""

import io
import os
import subprocess
import tarfile
from pathlib import Path

from twinvault_verdict.errors import GatheringError
from twinvault_verdict.facts import LastRelease
from twinvault_verdict.gathering import formats

# Neither a watcher nor a cache may answer in the files' place.
_PLAIN = ("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false")
_RELEASES = "v[0-9]*"


def commit(root: Path) -> str:
    """The commit that the work tree says it is, in hex.

    Raises:
        GatheringError: this is no git checkout, or it has no commit.
    """
    return _git(root, "rev-parse", "HEAD").decode().strip()


def changes(root: Path) -> tuple[str, ...]:
    """The paths of the work tree that are not the commit: changed, added, taken away, or hidden from git status."""
    status = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    found = {entry[3:] for entry in _split(status)}
    # Lower case: assumed unchanged; S: left out of the work tree.
    flagged = _split(_git(root, "ls-files", "-v", "-z"))
    found |= {f"{entry[2:]} (hidden from git status)" for entry in flagged if entry[0].islower() or entry[0] == "S"}
    # What the committed .gitignore does not name, whatever else this machine ignores.
    others = set(_split(_git(root, "ls-files", "--others", "--exclude-per-directory=.gitignore", "-z")))
    return tuple(sorted(found | {f"{name} (ignored by this machine alone)" for name in others - found}))


def is_shallow(root: Path) -> bool:
    """Whether this clone has a part of the history, and so of the tags, alone."""
    return _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true"


def last_release(root: Path) -> LastRelease | None:
    """The highest release before this commit, as its tag has it; None where there is none."""
    options = ("--merged", "HEAD", "--no-contains", "HEAD", "--sort=-version:refname", "--list", _RELEASES)
    tags = _git(root, "tag", *options).decode().split()
    if not tags:
        return None
    made = _git(root, "rev-parse", f"{tags[0]}^{{commit}}").decode().strip()
    vectors = {
        name: content for name, content in files_at(root, made, formats.VECTORS).items() if name.endswith(".json")
    }
    return LastRelease(
        tag=tags[0],
        commit=made,
        format=formats.number(_git(root, "show", f"{made}:{formats.FILE}")),
        vectors={name.removeprefix(f"{formats.VECTORS}/"): content for name, content in vectors.items()},
    )


def files_at(root: Path, commit: str, folder: str) -> dict[str, bytes]:
    """Every file below a folder, by its path from the root, as a commit has it."""
    packed = _git(root, "archive", "--format=tar", commit, folder)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        read = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in read.items() if file is not None}


def _git(root: Path, *arguments: str) -> bytes:
    # GIT_DIR and its like would answer for another checkout; a hook that commits sets them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(["git", *_PLAIN, *arguments], cwd=root, env=environment, capture_output=True, check=False)
    except OSError as error:
        raise GatheringError(f"git cannot be started: {error.strerror}.", next_step="Install git.") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise GatheringError(f"git {arguments[0]}: {' '.join(said)}", next_step="A verdict is about a git checkout.")
    return done.stdout


def _split(answer: bytes) -> list[str]:
    return [entry for entry in answer.decode(errors="surrogateescape").split("\0") if entry]
