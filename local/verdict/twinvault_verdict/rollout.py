"""What `make deploy` hands to the CDK (``-m twinvault_verdict.rollout``): the judged templates, named as a release.

The name makes each deployment publish versions of its own, also of a commit that was taken back. It is given, and not
drawn at synthesis, so the verdict judges templates without it; here they are made with it, and compared with those that
were judged: nothing may differ but what the name and the gates are about.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twinvault_verdict.errors import GatheringError
from twinvault_verdict.facts import StackTemplate
from twinvault_verdict.gathering import git, templates
from twinvault_verdict.gathering.everything import VERDICT

ROLLOUT = "build/rollout"
ON, OFF = "on", "off"
_VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")  # whose name hangs on the function as a whole
_FUNCTION, _GROUP = "AWS::Lambda::Function", "AWS::CodeDeploy::DeploymentGroup"
_COMMIT_CHARACTERS = 12


def name_of(now: datetime, commit: str) -> str:
    """What a deployment is called that nobody gave a name: when it was, and of which commit."""
    return f"{now:%Y%m%dT%H%M%SZ}-{commit[:_COMMIT_CHARACTERS]}"


def make(root: Path, stage: str, *, release: str, gates: str = ON) -> Path:
    """Synthesizes the stage as this release, and returns the folder: the judged templates but for what that changes.

    Raises:
        GatheringError: nothing was judged, the app refuses, or something else differs.
    """
    judged = templates.read(root / VERDICT / stage, stage)
    if not judged:
        raise GatheringError(f"Nothing of stage {stage} was judged.", next_step=f"make verdict STAGE={stage}")
    into = root / ROLLOUT / stage
    if error := templates.run_app(root, stage, into=into, context={"release": release, "gates": gates}):
        raise GatheringError(f"Stage {stage} does not synthesize: {error}", next_step="docs/deploy.md, step 7")
    made = templates.read(into, stage)
    if others := sorted(unlike(judged, made, release=release, gates=gates)):
        what = f"Release {release} of stage {stage} is not what was judged: {', '.join(others)} differs."
        raise GatheringError(what, next_step=f"make verdict STAGE={stage}, with nothing changed meanwhile")
    return into


def unlike(
    judged: Mapping[str, StackTemplate], made: Mapping[str, StackTemplate], *, release: str, gates: str
) -> Iterator[str]:
    """Where templates differ in more than a release's name and its gates: the stack, and of one stack the resource."""
    for stack in judged.keys() | made.keys():
        ours = _without(judged.get(stack, {}), gates=gates)
        theirs = _without(made.get(stack, {}), gates=gates, release=release)
        resources = (ours.pop("Resources", {}), theirs.pop("Resources", {}))
        if ours != theirs:
            yield stack
        for name in resources[0].keys() | resources[1].keys():
            if resources[0].get(name) != resources[1].get(name):
                yield f"{stack} {name}"


def _without(template: StackTemplate, *, gates: str, release: str | None = None) -> dict[str, Any]:
    """A template without what a release changes, if it is changed as that release says; `release` None: it has none."""
    text = _VERSION.sub(r"\1", json.dumps(template, sort_keys=True))
    same: dict[str, Any] = json.loads(text)
    for body in same.get("Resources", {}).values():
        properties = body.get("Properties", {})
        if body["Type"] == _FUNCTION and release and properties.get("Description") == f"Release {release}":
            del properties["Description"]
        if body["Type"] == _GROUP and gates == OFF:
            properties.pop("DeploymentConfigName", None)
            properties.get("AlarmConfiguration", {}).pop("Enabled", None)
    return same


def main(arguments: list[str] | None = None) -> int:
    """Synthesize the release and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m twinvault_verdict.rollout", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout")
    parser.add_argument("--stage", required=True, help="the stage that was judged")
    parser.add_argument("--release", default="", help="what this deployment is called (default: its time and commit)")
    parser.add_argument("--gates", default=ON, help="off: all at once, and no alarm takes it back")
    options = parser.parse_args(arguments)
    root: Path = options.root.resolve()
    try:
        release = options.release or name_of(datetime.now(UTC), git.commit(root))
        into = make(root, options.stage, release=release, gates=options.gates)
    except GatheringError as error:
        sys.stderr.write(f"{error.message}\n{error.next_step}\n")
        return 1
    gated = "" if options.gates == ON else ", all at once and without gates"
    sys.stdout.write(f"Release {release} of stage {options.stage}{gated}: {into.relative_to(root)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
