"""The images: that of gate, local KMS and issuer, built once for each change of what goes into it, and Lambda's own."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from twinvault_local.machine.checkout import ROOT

NAME = "twinvault-local"
LAMBDA = "public.ecr.aws/lambda/python:3.13"
"""AWS's image of the functions' runtime. By its tag, for Lambda too follows the runtime's patches by itself; `up` says
which one it was."""
DOCKERFILE = "local/twin/Dockerfile"
# What the Dockerfile copies.
INPUTS = (
    "requirements/engines.txt",
    "local/durable/twinvault_durable",
    "local/gate/twinvault_gate",
    "local/iam/twinvault_iam",
    "local/kms/twinvault_kms",
    "local/serving/twinvault_serving",
    "local/twin/twinvault_local/__init__.py",
    "local/twin/twinvault_local/issuer.py",
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
