"""GO or NO-GO: all checks of one stage, in their order. PURE."""

from collections.abc import Callable
from dataclasses import dataclass

from twinvault_verdict.checks import artifact, release, stage, suite, templates
from twinvault_verdict.checks.result import Checked
from twinvault_verdict.facts import Gathered

GO, NO_GO = "GO", "NO-GO"

CHECKS: tuple[tuple[int, str, Callable[[Gathered], Checked]], ...] = (
    (1, "commit and artifact", artifact.is_what_was_tested),
    (2, "templates", templates.are_sound),
    (3, "suite", suite.passed),
    (4, "permissions", templates.permissions_are_used_and_the_same),
    (5, "differences", suite.differences_were_observed),
    (6, "KMS conformance", suite.kms_conforms),
    (7, "format", release.format_is_the_last_tags),
    (8, "either artifact", release.either_artifact_reads_the_others),
    (9, "route", suite.route_is_said),
    (10, "locks", artifact.holds_what_is_locked),
    (11, "parity", stage.parity_was_looked_at),
    (12, "stage's values", stage.values_are_real),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One check, under its number and name."""

    number: int
    name: str
    checked: Checked


@dataclass(frozen=True, slots=True)
class Judgement:
    """All checks of one stage; GO if each passed."""

    stage: str
    checks: tuple[Judged, ...]

    @property
    def word(self) -> str:
        """GO or NO-GO."""
        return GO if all(one.checked.passed for one in self.checks) else NO_GO

    def todo(self) -> list[str]:
        """What to do, each thing once, in the order of the checks."""
        return list(dict.fromkeys(reason.todo for one in self.checks for reason in one.checked.reasons))


def judge(facts: Gathered) -> Judgement:
    """Make every check, also after one that did not pass: whoever reads a NO-GO wants all of it."""
    return Judgement(facts.stage, tuple(Judged(number, name, check(facts)) for number, name, check in CHECKS))
