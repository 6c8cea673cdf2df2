"""Checks 11 and 12: what was looked at on AWS, and whether the stage's values are somebody's own. PURE."""

import re
from collections.abc import Iterator

from twinvault_verdict.checks import freshness
from twinvault_verdict.checks.result import Checked, Reason, named
from twinvault_verdict.facts import Gathered, Json

# RFC 2606 and RFC 6761: names that are documentation's, or nobody's.
_RESERVED = re.compile(r"(^|[.@/])(example\.(com|net|org)|[a-z0-9-]+\.(example|test|invalid))(?=$|[:/])", re.IGNORECASE)
_LOOPBACK = re.compile(r"^https?://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(?=$|[:/])", re.IGNORECASE)
REQUIRED = "parity_on_aws_required"


def parity_was_looked_at(facts: Gathered) -> Checked:
    """Check 11: the parity suite passed on the twin; on AWS it is told, and asked for only if the stage says so."""
    _, reasons = freshness.have(facts, "parity-twin")
    name = f"parity-aws-{facts.stage}"
    aws, faults = freshness.have(facts, name, here=False)
    required = facts.stages.get(facts.stage, {}).get(REQUIRED) is True
    if name in facts.evidence and not faults and aws is not None:
        return Checked(f"on the twin; on AWS, stage {facts.stage}, at {aws.at:%Y-%m-%d %H:%M}", reasons)
    if required:
        return Checked("on the twin", (*reasons, *faults))
    stale = " (what there is, is of something else)" if name in facts.evidence else ""
    return Checked(f"on the twin; on AWS: not run{stale}", reasons)


def values_are_real(facts: Gathered) -> Checked:
    """Check 12: the stage is in cdk.json, and none of its values is an example or this machine's own."""
    values = facts.stages.get(facts.stage)
    todo = f"Put your own values into cdk.json, stage {facts.stage} (docs/deploy.md, step 2), and commit them."
    if values is None:
        known = ", ".join(sorted(facts.stages))
        return Checked("nothing", (Reason(f"cdk.json has no stage {facts.stage}; it has {known}.", todo),))
    reasons = []
    if examples := {name for name, text in _texts(values) if _RESERVED.search(text)}:
        reasons.append(Reason(f"{named(examples)} of stage {facts.stage} are examples.", todo))
    if here := {name for name, text in _texts(values) if _LOOPBACK.search(text)}:
        reasons.append(
            Reason(f"{named(here)} of stage {facts.stage} are on this machine: nobody else could log in.", todo)
        )
    return Checked(f"{len(values)} values of stage {facts.stage}", tuple(reasons))


def _texts(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text below a value, by the name of the stage's value it belongs to."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, name or str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
    elif isinstance(value, str):
        yield name, value
