"""What a verdict is made from, gathered before: the forms of the facts, and nothing that fetches them. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from twinvault_verdict.errors import EvidenceError
from twinvault_verdict.evidence import Evidence, Subject

type Json = Any
type StackTemplate = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the artifact holds, and what it may hold: each file's name, and the sha256 of its bytes in hex."""

    found: Mapping[str, str]
    committed: Mapping[str, str]  # what is packed of the commit's functions/: sources, and what they compile to
    locked: Mapping[str, str]  # those of the locked wheels, installed anew by their hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesis:
    """A stage's templates, as they were just synthesized."""

    stage: str
    templates: Mapping[str, StackTemplate] = field(default_factory=dict)  # by the stack's short name
    error: str = ""  # what the synthesis, cdk-nag included, says where it failed
    lint: tuple[str, ...] = ()  # what cfn-lint finds


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRelease:
    """What the last tag says of the format."""

    tag: str
    commit: str
    format: int
    vectors: Mapping[str, bytes]  # each file of tests/vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All facts about one checkout that a verdict rests on."""

    stage: str
    now: datetime
    about: Subject  # what evidence must be about: this artifact and commit, these engines, here
    changes: tuple[str, ...]  # what of the work tree is not the commit
    contents: Contents | None  # None: there is no artifact
    evidence: Mapping[str, Evidence | EvidenceError]  # by name; what is not there is not in it
    skips: str  # the text of tests/skips.txt
    page: str  # the text of docs/differences.md
    tested: Synthesis  # of the stage that the tests run
    asked: Synthesis  # of the stage that is judged
    allowed: str  # the text of tests/stacks/differences.txt
    stages: Mapping[str, Mapping[str, Json]]  # cdk.json's
    format: int  # the number in functions/twinvault/envelope/primitive.py
    vectors: Mapping[str, bytes]
    release: LastRelease | None
    history_complete: bool  # whether a tag that there is would be seen
    previous_sha256: str  # of the artifact that --previous named, or empty
    lock: str  # the text of requirements/runtime.txt
    bill: bytes  # the bill of materials beside the artifact, or nothing
