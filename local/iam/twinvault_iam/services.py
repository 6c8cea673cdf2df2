"""The words of the services that are enforced here, as their policies say them.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon DynamoDB"; AWS KMS
developer guide, "AWS KMS condition keys".
"""

from collections.abc import Sequence

from twinvault_iam.vocabulary import Vocabulary, joined

_CONTEXT_PREFIX = "kms:encryptioncontext:"
_CONTEXT_KEYS = "kms:encryptioncontextkeys"

DYNAMODB = Vocabulary(
    services=frozenset({"dynamodb"}),
    single=frozenset(
        f"dynamodb:{name}"
        for name in ("enclosingoperation", "fulltablescan", "returnconsumedcapacity", "returnvalues", "select")
    ),
    multi=frozenset(
        {
            "dynamodb:attributes",
            "dynamodb:leadingkeys",
            *(f"dynamodb:{nth}partitionkeyvalues" for nth in ("first", "second", "third", "fourth")),
        }
    ),
)
KMS = Vocabulary(
    services=frozenset({"kms"}),
    single=frozenset(
        {
            "kms:bypasspolicylockoutsafetycheck",
            "kms:calleraccount",
            "kms:datakeypairspec",
            "kms:encryptionalgorithm",
            "kms:grantconstrainttype",
            "kms:grantisforawsresource",
            "kms:granteeprincipal",
            "kms:keyagreementalgorithm",
            "kms:keyorigin",
            "kms:keyspec",
            "kms:keyusage",
            "kms:macalgorithm",
            "kms:messagetype",
            "kms:reencryptonsamekey",
            "kms:requestalias",
            "kms:retiringprincipal",
            "kms:signingalgorithm",
            "kms:viaservice",
        }
    ),
    multi=frozenset({_CONTEXT_KEYS, "kms:grantoperations", "kms:resourcealiases"}),
    prefixes=(_CONTEXT_PREFIX,),
)
IDENTITY = joined([DYNAMODB, KMS])
"""Of a principal's own policies, as far as they speak of services that are enforced here."""


def context_facts(context: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return what an encryption context says to conditions: each pair by its name, and the names together."""
    facts: dict[str, tuple[str, ...]] = {}
    for name, value in context:
        # Two names that differ only by case are one condition key: both values must then satisfy the condition.
        key = _CONTEXT_PREFIX + name.lower()
        facts[key] = (*facts.get(key, ()), value)
    if context:
        facts[_CONTEXT_KEYS] = tuple(name for name, _ in context)
    return facts
