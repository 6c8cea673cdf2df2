"""The words of services in policies: the prefixes of their actions, and their condition keys."""

from collections.abc import Iterable
from dataclasses import dataclass

# Keys of every service (IAM user guide, "AWS global condition context keys"), by their lower-case names. `IamPrincipal`
# says the first four; only requests that an AWS service makes for somebody carry the last two.
GLOBAL_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principaltype",
        "aws:username",
        "aws:sourceaccount",
        "aws:sourcearn",
    }
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that a policy may say. Condition keys are by their lower-case names, for they are not case-sensitive.

    `single` and `multi` are the single-valued and the multivalued keys; a key that begins with one of `prefixes`, and
    goes on, is single-valued too. What stands in none of them is not known, and a policy that says it is refused: name
    here the keys alone that requests get wherever they have them on AWS.
    """

    services: frozenset[str]
    single: frozenset[str] = frozenset()
    multi: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def has_service(self, prefix: str) -> bool:
        """Whether actions with this prefix are known, in any case of letters."""
        return prefix.lower() in self.services

    def is_single(self, key: str) -> bool:
        """Whether a lower-case key is known, and has one value."""
        return (
            key in self.single
            or key in GLOBAL_KEYS
            or any(key.startswith(prefix) and key != prefix for prefix in self.prefixes)
        )

    def is_multi(self, key: str) -> bool:
        """Whether a lower-case key is known, and may have several values."""
        return key in self.multi


def joined(vocabularies: Iterable[Vocabulary], *, others: Iterable[str] = ()) -> Vocabulary:
    """Return the words of several services together, as identity policies use them.

    `others` are services that are named in policies and not enforced here: their actions are known, their keys are not.
    """
    each = tuple(vocabularies)
    return Vocabulary(
        services=frozenset(others).union(*(one.services for one in each)),
        single=frozenset().union(*(one.single for one in each)),
        multi=frozenset().union(*(one.multi for one in each)),
        prefixes=tuple(prefix for one in each for prefix in one.prefixes),
    )
