"""Whether evidence is about what is judged: stale, edited or foreign evidence is no evidence. PURE."""

from collections.abc import Iterator
from datetime import timedelta

from twinvault_verdict.checks.result import Reason, named, short
from twinvault_verdict.errors import EvidenceError
from twinvault_verdict.evidence import Evidence, Subject
from twinvault_verdict.facts import Gathered

_CLOCKS = timedelta(minutes=5)  # by which two machines' clocks may differ

# The parity suite says of either target what answered it; which versions the twin's are, the commit says.
_IN_OTHER_WORDS = frozenset({"parity-twin"})

COMMANDS = {
    "suite": "make test",
    "kms-conformance": "make test",
    "differences": "make test",
    "iam": "make test",
    "either-way": "make either-way",
    "parity-twin": "make parity",
    "docker": "make test-docker",
}
"""Which command makes which evidence."""


def command(name: str) -> str:
    """The command that makes this evidence."""
    return COMMANDS.get(name, f"Run the parity suite against AWS: it writes build/evidence/{name}.json")


def have(facts: Gathered, name: str, *, here: bool = True) -> tuple[Evidence | None, tuple[Reason, ...]]:
    """The evidence of this name, if there is any, and what is wrong with it.

    ``here``: it must be of this machine, this checkout and these engines too.
    """
    found = facts.evidence.get(name)
    if found is None:
        return None, (Reason(f"There is no evidence {name}: build/evidence/{name}.json is missing.", command(name)),)
    if isinstance(found, EvidenceError):
        return None, (Reason(found.message, command(name)),)
    return found, tuple(Reason(why, command(name)) for why in _faults(found, facts, here=here))


def is_missing(facts: Gathered, name: str) -> bool:
    """Whether this evidence must be made anew. That something failed is evidence, too."""
    found, _ = have(facts, name)
    return found is None or any(_elsewhere(found, facts.about, here=True)) or found.at > facts.now + _CLOCKS


def _faults(found: Evidence, facts: Gathered, *, here: bool) -> Iterator[str]:
    yield from _elsewhere(found, facts.about, here=here)
    if found.at > facts.now + _CLOCKS:
        yield f"Evidence {found.name} is of {found.at:%Y-%m-%d %H:%M}, which has not come yet."
    if not found.passed:
        yield f"Evidence {found.name} says that it failed."


def _elsewhere(found: Evidence, wanted: Subject, *, here: bool) -> Iterator[str]:
    about, name = found.about, found.name
    if about.artifact_sha256 != wanted.artifact_sha256:
        which = (
            f"{short(about.artifact_sha256)}…, and build/functions.zip is {short(wanted.artifact_sha256) or 'absent'}…"
        )
        yield f"Evidence {name} is about another artifact: {which}"
    if about.commit != wanted.commit:
        yield f"Evidence {name} is stale: it is of commit {short(about.commit)}, and this is {short(wanted.commit)}."
    if about.tree_clean is not True:
        yield f"Evidence {name} was made in a work tree with uncommitted changes."
    if here and about.place != wanted.place:
        yield f"Evidence {name} is not from here: it was made at {about.place}."
    if here and name not in _IN_OTHER_WORDS and dict(about.engines) != dict(wanted.engines):
        pairs = about.engines.items() ^ wanted.engines.items()
        yield f"Evidence {name} was made with other versions of {named({engine for engine, _ in pairs})}."
