"""Checks 7 and 8: what the last release wrote this one reads, and the other way round. PURE."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from twinvault_verdict.checks import freshness
from twinvault_verdict.checks.result import Checked, Reason, named, short
from twinvault_verdict.facts import Gathered, Json

_FIRST = "first release: there is no tag before it"
UNKNOWN_FORMAT = "1 format"  # the step of format.md's Open that the audit log names
_EITHER = freshness.COMMANDS["either-way"]


def format_is_the_last_tags(facts: Gathered) -> Checked:
    """Check 7: every vector of the last tag is still one, unless the format's number rose."""
    last = facts.release
    if not facts.history_complete:
        why = "This clone is shallow: whether there was a release before, it does not know."
        return Checked("nothing", (Reason(why, "git fetch --unshallow --tags"),))
    if last is None:
        return Checked(_FIRST)
    if facts.format < last.format:
        why = f"The format's number fell from {last.format}, at {last.tag}, to {facts.format}."
        return Checked("nothing", (Reason(why, "A format is never taken back: put FORMAT and its code back."),))
    changed = {name for name, content in last.vectors.items() if not _holds(facts.vectors.get(name), content)}
    if changed and facts.format == last.format:
        why = f"Vectors of {last.tag} changed and the format's number is still {last.format}: {named(changed)}."
        todo = "Put tests/vectors back (make vectors changes nothing), or raise FORMAT in envelope/primitive.py."
        return Checked("nothing", (Reason(why, todo),))
    rose = f", risen from {last.format}" if facts.format > last.format else ""
    return Checked(f"format {facts.format}{rose}; {len(last.vectors)} files of vectors as at {last.tag}")


def either_artifact_reads_the_others(facts: Gathered) -> Checked:
    """Check 8: the last released artifact and this one, against one state, as in a rolling deploy and a rollback."""
    last = facts.release
    if last is None and not facts.previous_sha256:
        return Checked(_FIRST)
    found, faults = freshness.have(facts, "either-way")
    if found is None:
        return Checked("nothing", faults)
    details = found.details
    reasons = [*faults, *_about_the_last(facts, details.get("previous")), *_both_ways(facts, details)]
    previous = _mapping(details, "previous")
    return Checked(f"beside {previous.get('name')} ({short(str(previous.get('artifact_sha256')))}…)", tuple(reasons))


def _about_the_last(facts: Gathered, previous: object) -> Iterator[Reason]:
    told = previous if isinstance(previous, dict) else {}
    if facts.previous_sha256:
        if told.get("artifact_sha256") != facts.previous_sha256:
            why = f"Evidence either-way is not about the artifact that was given, {short(facts.previous_sha256)}…."
            yield Reason(why, f"{_EITHER} PREVIOUS=FILE")
    elif facts.release is not None and told.get("commit") != facts.release.commit:
        yield Reason(f"Evidence either-way is not about the last release, {facts.release.tag}.", _EITHER)


def _both_ways(facts: Gathered, details: Mapping[str, Any]) -> Iterator[Reason]:
    failed = details.get("failed")
    if failed != [] or not details.get("passed"):
        told = named(map(str, failed)) if isinstance(failed, list) and failed else "nothing was tried"
        yield Reason(
            f"One artifact does not serve what the other wrote: {told}.",
            "Read both ways before you write anew: what changed since the last release must still open what it wrote, "
            f"and write what it opens. Then: {_EITHER}",
        )
        return
    formats = _mapping(details, "formats")
    before, wrote = formats.get("previous"), formats.get("written")
    if before is None or wrote is None:
        yield Reason("Evidence either-way does not say which formats were written.", _EITHER)
    elif facts.format > before:
        yield from _risen(facts, before, wrote=wrote, refused=details.get("newer_is_refused_as"))


def _risen(facts: Gathered, before: int, *, wrote: int, refused: object) -> Iterator[Reason]:
    if wrote != before:
        yield Reason(
            f"The format rose from {before} to {facts.format} and this release already writes {wrote}: after a "
            "rollback nobody could read what it wrote.",
            f"Set written_format of stage {facts.stage} to {before}, release that, and raise it in the next release.",
        )
    told = facts.stages.get(facts.stage, {}).get("written_format")
    if told != before:
        why = f"Stage {facts.stage} says written_format {told}, and the last release reads {before}."
        yield Reason(why, f"Set written_format of stage {facts.stage} to {before} in cdk.json.")
    if refused != UNKNOWN_FORMAT:
        why = f"The last release answers what is of a newer format with {refused!r}, not as an unknown format."
        yield Reason(why, "Release first a version that refuses newer formats as unknown.")


def _mapping(details: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    told = details.get(key)
    return told if isinstance(told, dict) else {}


def _holds(ours: bytes | None, theirs: bytes) -> bool:
    """Whether what a file of vectors said is still said; more may be."""
    if ours is None:
        return False
    try:
        return _within(json.loads(theirs), json.loads(ours))
    except ValueError:
        return ours == theirs


def _within(theirs: Json, ours: Json) -> bool:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return all(key in ours and _within(value, ours[key]) for key, value in theirs.items())
    if isinstance(theirs, list) and isinstance(ours, list):
        known = {json.dumps(one, sort_keys=True) for one in ours}
        return all(json.dumps(one, sort_keys=True) in known for one in theirs)
    return bool(theirs == ours)
