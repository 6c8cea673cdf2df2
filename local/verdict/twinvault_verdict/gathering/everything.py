"""All facts of one checkout, for one stage."""

import hashlib
import json
import platform
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from twinvault_verdict import evidence
from twinvault_verdict.errors import EvidenceError, GatheringError
from twinvault_verdict.evidence import Evidence, Subject
from twinvault_verdict.facts import Contents, Gathered, Json
from twinvault_verdict.gathering import formats, git, templates

ARTIFACT, BILL, EVIDENCE, VERDICT = "build/functions.zip", "build/functions.cdx.json", "build/evidence", "build/verdict"
TESTED = "dev"  # the stage that the tests and the twin run
_DERIVED = ".test-result.json"
_FUNCTIONS = "functions/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """What only the code that builds the artifact knows."""

    engines: Callable[[], Mapping[str, str]]  # what the tests run on
    packed: Callable[[Mapping[str, bytes]], Mapping[str, bytes]]  # what the artifact has of these files of functions/
    locked: Callable[[], Mapping[str, str]]  # the files of the locked wheels, and the sha256 of each


def subject(root: Path, *, engines: Mapping[str, str]) -> Subject:
    """What a test that runs now in this checkout is about.

    Raises:
        GatheringError: this is no git checkout.
    """
    return Subject(
        artifact_sha256=digest_of(root / ARTIFACT),
        commit=git.commit(root),
        tree_clean=not git.changes(root),
        engines=engines,
        place=f"{platform.node()}:{root}",
    )


def gather(root: Path, stage: str, *, building: Building, previous: Path | None = None) -> Gathered:
    """All facts, as they are now.

    Raises:
        GatheringError: git or a file of the checkout is not there, or not of its form.
        Whatever `building` raises.
    """
    stages = _stages(root)
    with ThreadPoolExecutor(2) as pool:
        made = {
            name: pool.submit(
                templates.synthesize, root, name, into=root / VERDICT / name, region=_region(stages.get(name, {}))
            )
            for name in dict.fromkeys((TESTED, stage))
        }
        about = subject(root, engines=building.engines())
        contents = read_contents(root, about.commit, building)
        synthesized = {name: one.result() for name, one in made.items()}
    vectors = {path.name: path.read_bytes() for path in sorted((root / formats.VECTORS).glob("*.json"))}
    return Gathered(
        stage=stage,
        now=datetime.now(UTC).replace(microsecond=0),
        about=about,
        changes=git.changes(root),
        contents=contents,
        evidence=read_evidence(root),
        skips=_text(root, "tests/skips.txt"),
        page=_text(root, "docs/differences.md"),
        tested=synthesized[TESTED],
        asked=synthesized[stage],
        allowed=_text(root, "tests/stacks/differences.txt"),
        stages=stages,
        format=formats.number((root / formats.FILE).read_bytes()),
        vectors=vectors,
        release=git.last_release(root),
        history_complete=not git.is_shallow(root),
        previous_sha256=digest_of(previous) if previous else "",
        lock=_text(root, "requirements/runtime.txt"),
        bill=(root / BILL).read_bytes() if (root / BILL).is_file() else b"",
    )


def read_evidence(root: Path) -> dict[str, Evidence | EvidenceError]:
    """Every evidence file there is, by name; in place of one that is none, why it is none."""
    found: dict[str, Evidence | EvidenceError] = {}
    for path in sorted((root / EVIDENCE).glob("*.json")):
        if not path.name.endswith(_DERIVED):
            try:
                found[path.stem] = evidence.read(path.stem, path.read_bytes())
            except EvidenceError as error:
                found[path.stem] = error
    return found


def digest_of(path: Path) -> str:
    """The sha256 of a file in hex, and nothing where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def read_contents(root: Path, commit: str, building: Building) -> Contents | None:
    """What the checkout's artifact holds, and what it may hold; None where there is none."""
    if not (root / ARTIFACT).is_file():
        return None
    try:
        with zipfile.ZipFile(root / ARTIFACT) as archive:
            found = {name: _sha256(archive.read(name)) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError):
        found = {}  # not a zip any more, or one that was damaged: nothing that it should hold is in it
    sources = git.files_at(root, commit, _FUNCTIONS).items()
    ours = building.packed({name.removeprefix(_FUNCTIONS): content for name, content in sources})
    committed = {name: _sha256(content) for name, content in ours.items()}
    return Contents(found=found, committed=committed, locked=building.locked())


def _stages(root: Path) -> Mapping[str, Mapping[str, Json]]:
    try:
        stages: Mapping[str, Mapping[str, Json]] = json.loads(_text(root, "cdk.json"))["context"]["stages"]
    except (ValueError, KeyError, TypeError):
        raise GatheringError("cdk.json has no context.stages.", next_step="docs/deploy.md, step 2") from None
    return stages


def _region(values: Mapping[str, Json]) -> str:
    return str(values.get("region", "eu-central-1"))


def _text(root: Path, name: str) -> str:
    try:
        return (root / name).read_text(encoding="utf-8")
    except OSError as error:
        raise GatheringError(f"{name} cannot be read: {error.strerror}.", next_step=f"git checkout {name}") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
