"""Checks 2 and 4: the templates are sound, alike where they must be, and grant what is used. PURE."""

from collections.abc import Iterator

from twinvault_verdict import committed, stages
from twinvault_verdict.checks import freshness
from twinvault_verdict.checks.result import Checked, Reason, named
from twinvault_verdict.facts import Gathered, Synthesis

LIST = "tests/stacks/differences.txt"


def are_sound(facts: Gathered) -> Checked:
    """Check 2: both stages synthesize under cdk-nag and cfn-lint, and differ where the committed list says."""
    tested, asked = facts.tested, facts.asked
    reasons = [reason for one in dict.fromkeys((tested.stage, asked.stage)) for reason in _unsound(_of(facts, one))]
    lines = committed.read(facts.allowed)
    if bare := committed.unexplained(lines):
        reasons.append(Reason(f"{LIST} has lines without a reason: {named(bare)}.", f"Write it above, in {LIST}."))
    for stack, path in _differing(facts):
        if not any(stack == where and committed.path_matches(path, pattern) for where, pattern in _patterns(lines)):
            reasons.append(
                Reason(
                    f"{asked.stage} differs from {tested.stage}, which is tested, in {stack} {'.'.join(path)}.",
                    f"Make them alike, or add a line with its reason to {LIST}.",
                )
            )
    said = f"{asked.stage} and {tested.stage}: cdk-nag, cfn-lint, {len(lines)} kinds of difference allowed"
    return Checked(said, tuple(reasons))


def permissions_are_used_and_the_same(facts: Gathered) -> Checked:
    """Check 4: no call was denied unannounced, no grant is unused, and this stage grants what the tested one does."""
    found, reasons = freshness.have(facts, "iam")
    if found is not None:
        reasons = (*reasons, *_ledger(found.details))
    for stack, path in _differing(facts):
        both = (one.templates.get(stack, {}) for one in (facts.tested, facts.asked))
        if any(stages.is_about_permissions(path, template) for template in both):
            reasons = (
                *reasons,
                Reason(
                    f"{facts.asked.stage} grants other permissions than {facts.tested.stage}: "
                    f"{stack} {'.'.join(path)}.",
                    "Make them alike: a permission that was not tested is not deployed.",
                ),
            )
    return Checked("iam.json; policies of both stages compared", reasons)


def _ledger(details: object) -> Iterator[Reason]:
    lists = details if isinstance(details, dict) else {}
    unused, denials = lists.get("unused"), lists.get("unannounced_denials")
    if not isinstance(unused, list) or not isinstance(denials, list):
        yield Reason("Evidence iam does not say which grants were unused and which calls denied.", "make test")
        return
    if denials:
        yield Reason(
            f"Calls were denied that no test announced: {named(map(str, denials))}.",
            "Grant what is missing in stacks/, or announce the denial in its test, then: make test",
        )
    if unused:
        yield Reason(
            f"Permissions are granted that no test used: {named(map(str, unused))}.",
            "Take them away in stacks/, or write their reason into the committed list, then: make test",
        )


def _of(facts: Gathered, stage: str) -> Synthesis:
    return facts.tested if facts.tested.stage == stage else facts.asked


def _unsound(one: Synthesis) -> Iterator[Reason]:
    if one.error:
        yield Reason(f"Stage {one.stage} does not synthesize: {one.error}", "make synth")
    elif not one.templates:
        yield Reason(f"Stage {one.stage} has no templates.", "make synth")
    if one.lint:
        yield Reason(f"cfn-lint refuses stage {one.stage}: {named(one.lint)}.", "make lint-templates")


def _differing(facts: Gathered) -> Iterator[tuple[str, stages.Path]]:
    tested, asked = facts.tested, facts.asked
    if tested.error or asked.error:
        return
    for stack in sorted(tested.templates.keys() | asked.templates.keys()):
        values = (facts.stages.get(tested.stage, {}), facts.stages.get(asked.stage, {}))
        both = (tested.templates.get(stack, {}), asked.templates.get(stack, {}))
        found = stages.differences(*both, names=(tested.stage, asked.stage), values=values)
        yield from ((stack, path) for path in sorted(found))


def _patterns(lines: list[committed.Exempt]) -> Iterator[tuple[str, str]]:
    for line in lines:
        where, _, pattern = " ".join(line.fields).partition(" ")
        yield where, pattern
