"""The image of the local KMS and the issuer, named by what goes into it: built once for each change of that."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
NAME = "twinvault-local"
DOCKERFILE = "local/Dockerfile"
# What local/Dockerfile copies.
INPUTS = (
    "requirements/engines.txt",
    "local/twinvault_local/__init__.py",
    "local/twinvault_local/errors.py",
    "local/twinvault_local/files.py",
    "local/twinvault_local/ports.py",
    "local/twinvault_local/issuer.py",
    "local/twinvault_local/kms",
)


def tag() -> str:
    """The image's full name for the sources as they are."""
    digest = hashlib.sha256()
    for path in _files():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)}\0{len(content)}\0".encode() + content)
    return f"{NAME}:{digest.hexdigest()[:12]}"


def _files() -> Iterator[Path]:
    for name in (DOCKERFILE, ".dockerignore", *INPUTS):
        path = ROOT / name
        if path.is_file():
            yield path
        else:
            yield from sorted(one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts)
