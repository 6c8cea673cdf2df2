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

KMS_REQUESTS = joined(
    [
        KMS,
        Vocabulary(
            services=KMS.services,
            single=frozenset(
                {
                    "kms:customermasterkeyspec",  # former names, which AWS still evaluates
                    "kms:customermasterkeyusage",
                    "kms:expirationmodel",
                    "kms:multiregion",
                    "kms:multiregionkeytype",
                    "kms:primaryregion",
                    "kms:replicaregion",
                    "kms:rotationperiodindays",
                    "kms:schedulekeydeletionpendingwindowindays",
                    "kms:validto",
                    "kms:wrappingalgorithm",
                    "kms:wrappingkeyspec",
                    "aws:currenttime",
                    "aws:epochtime",
                    "aws:multifactorauthpresent",
                    "aws:principalisawsservice",
                    "aws:principalorgid",
                    "aws:referer",
                    "aws:requestedregion",
                    "aws:resourceaccount",
                    "aws:securetransport",
                    "aws:sourceip",
                    "aws:useragent",
                    "aws:userid",
                    "aws:viaawsservice",
                    # Of requests that come through a VPC endpoint or from a service; none does here, so none has them.
                    "aws:calledviafirst",
                    "aws:calledvialast",
                    "aws:principalservicename",
                    "aws:sourceorgid",
                    "aws:sourcevpc",
                    "aws:sourcevpce",
                    "aws:vpcsourceip",
                }
            ),
            multi=frozenset(
                {
                    "aws:calledvia",
                    "aws:principalorgpaths",
                    "aws:principalservicenameslist",
                    "aws:sourceorgpaths",
                    "aws:tagkeys",
                }
            ),
            # `kms:RecipientAttestation:*` is of requests from enclaves, which are refused here: none has them.
            prefixes=("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "kms:recipientattestation:"),
        ),
    ]
)
"""What the local KMS itself knows of a request: more than who asks a key's policy in its stead does."""

KMS_IDENTITY = joined([DYNAMODB, KMS_REQUESTS])
"""Of a principal's own policies, as the local KMS reads them."""


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
