"""The settings of a table or key in one form, whoever tells them, and where two of them differ. PURE."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NONE = "none"
_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")

type Statements = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Configured:
    """What is set, each in a word or two, and the statements of the policy by their Sid, element by element."""

    features: Mapping[str, str]
    statements: Statements = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One setting that is not as the template has it."""

    resource: str  # the logical id
    name: str  # the physical one
    setting: str
    has: str
    should: str
    command: str = ""  # what puts it right, where a command does

    def __str__(self) -> str:
        return f"{self.resource} {self.name}: {self.setting} is {self.has}, the template has {self.should}."


def differences(is_: Configured, should: Configured) -> Iterator[tuple[str, str, str]]:
    """Each setting that differs: which, what it is, what it should be.

    Tags beside the template's are nobody's business: AWS and others add their own.
    """
    for name in sorted(is_.features.keys() | should.features.keys()):
        has, wanted = is_.features.get(name, NONE), should.features.get(name, NONE)
        if has != wanted and not (wanted == NONE and name.startswith("tag ")):
            yield name, has, wanted
    for sid in sorted(is_.statements.keys() | should.statements.keys()):
        here, there = is_.statements.get(sid), should.statements.get(sid)
        if here is None or there is None:
            yield f"policy statement {sid}", NONE if here is None else "there", NONE if there is None else "it"
            continue
        for element in sorted(here.keys() | there.keys()):
            has, wanted = here.get(element, NONE), there.get(element, NONE)
            if has != wanted:
                yield f"policy statement {sid}, {element}", has, wanted


def statements(document: Mapping[str, Any] | None) -> Statements:
    """A policy's statements, written one way: lists sorted, one value as a list of one, the account by its number."""
    listed = _listed((document or {}).get("Statement", []))
    found: Statements = {}
    for number, statement in enumerate(listed):
        elements = {name: _element(name, value) for name, value in statement.items() if name != "Sid"}
        found[str(statement.get("Sid", f"{number + 1}"))] = elements
    return found


def key_schema(parts: Sequence[Mapping[str, Any]]) -> str:
    """A key schema in the order that it has."""
    return ", ".join(f"{part['AttributeName']} {part['KeyType']}" for part in parts)


def index(described: Mapping[str, Any]) -> str:
    """An index: its key, and what it holds."""
    projection = described.get("Projection", {})
    others = sorted(projection.get("NonKeyAttributes", []))
    return " ".join([f"({key_schema(described['KeySchema'])})", projection.get("ProjectionType", "ALL"), *others])


def recovery(*, on: bool, days: int | None) -> str:
    """Point-in-time recovery, which goes back 35 days if nothing is said (DynamoDB API Reference)."""
    return f"{days or 35} days" if on else "off"


def rotation(*, on: bool, days: int | None) -> str:
    """A key's rotation, once a year if nothing is said (AWS KMS API Reference)."""
    return f"each {days or 365} days" if on else "off"


def switch(*, on: bool) -> str:
    """What is on or off."""
    return "on" if on else "off"


def _element(name: str, value: Any) -> str:  # noqa: ANN401  # JSON in
    if name in {"Principal", "NotPrincipal"}:
        kinds = {"AWS": "*"} if value == "*" else value
        value = {kind: sorted(_ROOT.sub(r"\1", str(one)) for one in _listed(who)) for kind, who in kinds.items()}
    elif name == "Condition":
        value = {
            operator: {key: sorted(_text(one) for one in _listed(wanted)) for key, wanted in keys.items()}
            for operator, keys in value.items()
        }
    elif name != "Effect":
        value = sorted(map(str, _listed(value)))
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  # JSON in
    return value if isinstance(value, list) else [value]
