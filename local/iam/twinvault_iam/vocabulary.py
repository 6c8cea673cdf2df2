"""The words that a service brings to policies: the prefix of its actions, and its condition keys."""

from dataclasses import dataclass

# Keys of every service (IAM user guide, "AWS global condition context keys"), by their lower-case names. Only requests
# that an AWS service makes for somebody carry the last two.
GLOBAL_KEYS = frozenset({"aws:principalaccount", "aws:principalarn", "aws:sourceaccount", "aws:sourcearn"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One service's words. Condition keys are by their lower-case names, for they are not case-sensitive.

    `single` and `multi` are the single-valued and the multivalued ones; a key that begins with one of `prefixes`, and
    goes on, is single-valued too. What stands in none of them is not known, and a policy that says it is refused.
    """

    service: str
    single: frozenset[str]
    multi: frozenset[str]
    prefixes: tuple[str, ...] = ()

    def has_action(self, pattern: str) -> bool:
        """Whether a lower-case pattern of actions is about this service."""
        return pattern == "*" or pattern.startswith(f"{self.service}:")

    def is_single(self, key: str) -> bool:
        """Whether a lower-case key is known, and has one value."""
        return (
            key in self.single
            or key in GLOBAL_KEYS
            or any(key.startswith(prefix) and key != prefix for prefix in self.prefixes)
        )
