"""Where two stages' templates differ, their own names aside. PURE.

What carries the stage's name (``twinvault-prod-read``) is compared without it, and so are the store's name and the
region: each stage has its own, by rule.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from twinvault_verdict.facts import Json, StackTemplate

type Path = tuple[str, ...]

_OTHER_POLICIES = frozenset({"DeletionPolicy", "SecurityPolicy"})  # what becomes of a resource; which TLS a name takes
_VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}$")


def differences(
    ours: StackTemplate, theirs: StackTemplate, *, names: tuple[str, str], values: tuple[Json, Json]
) -> set[Path]:
    """Each path at which two templates of one stack differ. ``names`` and ``values`` are the two stages'."""
    here, there = (
        {
            tuple(map(_unversioned, path)): _unversioned(_neutral(value, stage, own))
            for path, value in _leaves(template)
            if "aws:cdk:path" not in path
        }
        for template, stage, own in zip((ours, theirs), names, values, strict=True)
    )
    return {path for path in here.keys() | there.keys() if here.get(path, ...) != there.get(path, ...)}


def is_about_permissions(path: Path, template: StackTemplate) -> bool:
    """Whether a path leads to what says who may do what: a role, a policy, or a right to call a function."""
    if len(path) > 1 and path[0] == "Resources":
        kind = str(template.get("Resources", {}).get(path[1], {}).get("Type", ""))
        if kind.startswith("AWS::IAM::") or kind == "AWS::Lambda::Permission":
            return True
    return any(step.endswith(("Policy", "PolicyDocument", "Policies")) and step not in _OTHER_POLICIES for step in path)


def _leaves(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every value of a template by its path."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, str(number)))
    else:
        yield path, value


def _neutral(value: Any, stage: str, own: Mapping[str, Json]) -> Any:  # noqa: ANN401  # a leaf of a template
    """A text without the stage's own name, store and region in it."""
    if not isinstance(value, str):
        return value
    for before, after in (("Twinvault-", "-"), ("Twinvault ", ":"), ("twinvault-", "")):
        value = value.replace(f"{before}{stage}{after}", f"{before}STAGE{after}")
    if value in {own.get("store"), "twinvault-STAGE"}:
        return "STORE"
    if value == own.get("region"):
        return "REGION"
    return "STAGE" if value == stage else value


def _unversioned(text: Any) -> Any:  # noqa: ANN401  # a leaf of a template, or a step of its path
    """A version's logical id without its hash of the function that it freezes, whose properties are compared anyway."""
    return _VERSION.sub(r"\1", text) if isinstance(text, str) else text
