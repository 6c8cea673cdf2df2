"""Evidence: one JSON file that says what was tried on which artifact, and how it went.

Its form: ``name``; ``artifact_sha256``, ``commit``, ``tree_clean``, ``engines`` and ``place``, which say what it is
about; ``at`` (RFC 3339); ``passed``; ``details``, of each name's own form; and ``seal``, the sha256 of all the others
as canonical JSON. The seal finds a file that was edited, cut or mixed of two. It keeps nobody out who can run this
code: what makes evidence worth something to others is who signs the verdict on it (docs/adr/0016).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import twinvault_durable as durable
from twinvault_verdict.errors import EvidenceError

SEAL = "seal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What something was tried on, and where."""

    artifact_sha256: str  # of build/functions.zip, in hex
    commit: str  # of the work tree, in hex
    tree_clean: bool  # whether the work tree was that commit, before and after
    engines: Mapping[str, str]  # each program that the tests ran on, and its version
    place: str  # machine and checkout: evidence from elsewhere says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One evidence file, as it was written."""

    name: str
    about: Subject
    at: datetime  # with its offset
    passed: bool
    details: Mapping[str, Any]
    sha256: str  # of the file's bytes, in hex


def write(folder: Path, name: str, *, about: Subject, at: datetime, passed: bool, details: Mapping[str, Any]) -> Path:
    """Write ``folder/name.json`` in place of an earlier one and return its path. ``at`` must have an offset."""
    path = folder / f"{name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    durable.write(path, to_bytes(name, about=about, at=at, passed=passed, details=details), mode=0o644)
    return path


def to_bytes(name: str, *, about: Subject, at: datetime, passed: bool, details: Mapping[str, Any]) -> bytes:
    """The file's bytes, sealed."""
    content = {"name": name, **asdict(about), "at": at.isoformat(), "passed": passed, "details": details}
    return json.dumps({**content, SEAL: _seal(content)}, indent=1, sort_keys=True).encode() + b"\n"


def read(name: str, content: bytes) -> Evidence:
    """The evidence that the bytes of ``name.json`` are.

    Raises:
        EvidenceError: they are not what ``write`` wrote under this name.
    """
    try:
        found = json.loads(content)
        seal = found.pop(SEAL)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EvidenceError(f"{name}.json is not evidence: it has not the form that the tests write.") from None
    if seal != _seal(found):
        raise EvidenceError(f"{name}.json was changed after it was written: its seal does not fit what it says.")
    if found.get("name") != name:
        raise EvidenceError(f"{name}.json is evidence of another name, {found.get('name')!r}.")
    try:
        about = Subject(**{field.name: found[field.name] for field in fields(Subject)})
        at, passed, details = datetime.fromisoformat(found["at"]), found["passed"], found["details"]
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"{name}.json is not evidence: {error} is missing or of another form.") from None
    if at.tzinfo is None or not isinstance(passed, bool) or not isinstance(details, dict):
        raise EvidenceError(f"{name}.json is not evidence: at, passed or details is of another form.")
    digest = hashlib.sha256(content).hexdigest()
    return Evidence(name=name, about=about, at=at, passed=passed, details=details, sha256=digest)


def _seal(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
