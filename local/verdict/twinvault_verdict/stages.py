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

_TABLE_EXPORT = re.compile(r":ExportsOutput(Ref|FnGetAtt)(Records|Keys|Marks|Audit)(?:Arn)?[0-9A-F]{8}$")
_ARN = re.compile(r"arn:\$\{AWS::Partition\}:dynamodb:[a-z0-9-]+:\$\{AWS::AccountId\}:table/([^/]+)(.*)")
_ADOPTED = re.compile(r"Adopted[A-Z][a-z]+Table")  # outputs that name what is adopted


def differences(
    ours: StackTemplate, theirs: StackTemplate, *, names: tuple[str, str], values: tuple[Json, Json]
) -> set[Path]:
    """Each path at which two templates of one stack differ. ``names`` and ``values`` are the two stages'."""
    here, there = (
        {
            tuple(map(_unversioned, path)): _unversioned(_neutral(value, stage, own))
            for path, value in _leaves(_tables_named_alike(template, own))
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


def _tables_named_alike(value: Json, own: Mapping[str, Json]) -> Json:
    """A template in which a table has one name and one ARN, whether it is imported or adopted by its name.

    So a stage that adopts a table is compared in all but which table it is.
    """
    match value:
        case {"Fn::ImportValue": str(export)} if found := _TABLE_EXPORT.search(export):
            return f"TABLE {found[2]}.Arn" if found[1] == "FnGetAtt" else f"TABLE {found[2]}"
        case {"Fn::Join": [str(), list()]} if (text := _arn_of_a_table(value, own)) is not None:
            return text
        case str() if value in (named := _adopted(own)):
            return f"TABLE {named[value]}"
        case dict():
            return {key: _tables_named_alike(item, own) for key, item in value.items() if not _ADOPTED.fullmatch(key)}
        case list():
            return [_tables_named_alike(item, own) for item in value]
        case _:
            return value


def _arn_of_a_table(join: Json, own: Mapping[str, Json]) -> str | None:
    """A join that makes the ARN of a table, or of its index; None where it makes something else."""
    separator, parts = join["Fn::Join"]
    told = [_tables_named_alike(one, own) for one in parts]
    text: str = separator.join(
        f"${{{one['Ref']}}}" if isinstance(one, dict) and "Ref" in one else str(one) for one in told
    )
    if text.startswith("TABLE "):
        return text
    found = _ARN.fullmatch(text)
    named = _adopted(own)
    if found is None or found[1] not in named:
        return None
    return f"TABLE {named[found[1]]}.Arn{found[2]}"


def _adopted(own: Mapping[str, Json]) -> dict[str, str]:
    """The logical id of each table that a stage adopts another for, by that one's name."""
    tables = ("records", "keys", "marks", "audit")
    return {own[f"{one}_table"]: one.capitalize() for one in tables if own.get(f"{one}_table")}


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
