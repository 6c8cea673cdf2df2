"""Values of policies as they are compared: wildcards, and variables with what a request says for them.

Source: IAM user guide, "IAM policy elements: Variables and tags" (special characters, default values, variables with no
value) and "IAM JSON policy elements: Resource" (wildcards in ARNs).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from twinvault_iam.errors import MalformedPolicyError, NotEvaluatedError
from twinvault_iam.vocabulary import Vocabulary

type Values = tuple[str, ...]
type RequestFacts = Mapping[str, Values]
type Pieces = tuple[Piece, ...]

_ARN_PARTS = 6
_VARIABLE = re.compile(r"\$\{(?:(?P<sign>[*?$])|(?P<key>[^,'{}\s]+)(?:, '(?P<default>[^'{}]*)')?)\}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a policy is read: the words it may say, and whether `${...}` is a variable in it (Version 2012-10-17)."""

    vocabulary: Vocabulary
    variables: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a value. `wild`: its `*` and `?` are wildcards, for operators that know such."""

    text: str
    wild: bool


@dataclass(frozen=True, slots=True)
class PolicyVariable:
    """A place that the request fills: with the value of a single-valued key, else with the default."""

    key: str
    default: str | None

    def piece(self, facts: RequestFacts) -> Piece | None:
        """Return what stands here for a request, or None. An empty value is none, so that it widens no pattern."""
        values = facts.get(self.key, ())
        text = values[0] if values == values[:1] and any(values) else self.default
        if len(values) > 1 or text is None:
            return None
        return Piece(text, wild=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A value of a policy, with its variables open."""

    parts: tuple[Piece | PolicyVariable, ...]

    def pieces(self, facts: RequestFacts) -> Pieces | None:
        """Return the value for a request, or None where a variable has none: nothing equals it or is like it."""
        found = tuple(part.piece(facts) if isinstance(part, PolicyVariable) else part for part in self.parts)
        known = tuple(piece for piece in found if piece is not None)
        return known if len(known) == len(found) else None


def parse_template(text: str, dialect: Dialect) -> Template:
    """Return the template that a value of a policy is.

    Raises:
        MalformedPolicyError: a variable is not well formed, not known, or has several values.
    """
    if not dialect.variables:
        return Template((Piece(text, wild=True),))
    parts: list[Piece | PolicyVariable] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        parts += [Piece(text[end : match.start()], wild=True), _part(match, dialect.vocabulary)]
        end = match.end()
    parts.append(Piece(text[end:], wild=True))
    if any(isinstance(part, Piece) and part.wild and "${" in part.text for part in parts):
        raise MalformedPolicyError("a policy variable is not of the form ${key} or ${key, 'default'}")
    return Template(tuple(parts))


def _part(match: re.Match[str], vocabulary: Vocabulary) -> Piece | PolicyVariable:
    if match["sign"]:
        return Piece(match["sign"], wild=False)
    key = match["key"].lower()
    if vocabulary.is_multi(key):
        raise MalformedPolicyError(f"the multivalued key {match['key']} cannot be a policy variable")
    if not vocabulary.is_single(key):
        raise NotEvaluatedError(f"the policy variable {match['key']} is not known here")
    return PolicyVariable(key, match["default"])


def as_text(pieces: Pieces) -> str:
    """Return the value as it stands, for operators without wildcards."""
    return "".join(piece.text for piece in pieces)


def is_like(value: str, pieces: Pieces) -> bool:
    """Whether `value` matches a pattern of `*` and `?`, case-sensitively."""
    return _like(pieces).fullmatch(value) is not None


def matches_pattern(value: str, pattern: str) -> bool:
    """Whether `value` matches a pattern of `*` and `?` without variables, case-sensitively."""
    return is_like(value, (Piece(pattern, wild=True),))


def matches_arn(value: str, pattern: str) -> bool:
    """Whether `value` is an ARN that ArnLike finds like a pattern without variables."""
    return is_arn_like(value, (Piece(pattern, wild=True),))


def is_arn_like(value: str, pieces: Pieces) -> bool:
    """Whether the six parts match, each by itself: no `*` reaches over a colon (IAM user guide, "ARN operators")."""
    values, patterns = value.split(":", _ARN_PARTS - 1), _by_colons(pieces)
    return len(values) == len(patterns) == _ARN_PARTS and all(map(is_like, values, patterns))


def is_resource_like(value: str, pieces: Pieces) -> bool:
    """Whether a resource matches a pattern of the Resource element.

    "If the wildcard is the last character of a resource ARN segment, it can expand to match beyond the colon
    boundaries", and elsewhere it does not; the last of the six parts is one segment, colons and all.
    """
    return _resource_like(pieces).fullmatch(value) is not None


def _by_colons(pieces: Pieces) -> list[Pieces]:
    """The pieces of an ARN's parts: at most six, the last with all colons that are left."""
    parts: list[list[Piece]] = [[]]
    for piece in pieces:
        first, *others = piece.text.split(":", _ARN_PARTS - len(parts))
        parts[-1].append(Piece(first, wild=piece.wild))
        parts += [[Piece(other, wild=piece.wild)] for other in others]
    return [tuple(part) for part in parts]


@lru_cache(maxsize=4096)
def _like(pieces: Pieces) -> re.Pattern[str]:
    return re.compile("".join(_expression(piece) for piece in pieces), re.DOTALL)


@lru_cache(maxsize=4096)
def _resource_like(pieces: Pieces) -> re.Pattern[str]:
    *firsts, last = _by_colons(pieces)
    segments = ["".join(_expression(piece, within="[^:]") for piece in first) for first in firsts]
    segments = [re.sub(r"\[\^:\]\*\Z", ".*", segment) for segment in segments]
    return re.compile(":".join([*segments, "".join(map(_expression, last))]), re.DOTALL)


def _expression(piece: Piece, within: str = ".") -> str:
    if not piece.wild:
        return re.escape(piece.text)
    wildcards = {"*": f"{within}*", "?": within}
    return "".join(wildcards.get(char) or re.escape(char) for char in piece.text)
