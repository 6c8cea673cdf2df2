"""What a request and its key say to conditions, by the condition keys' lower-case names. Pure.

Sources: AWS KMS developer guide, "AWS KMS condition keys"; IAM user guide, "AWS global condition context keys".
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from twinvault_kms.model import Key

type ConditionFacts = dict[str, tuple[str, ...]]
type SaidFacts = Mapping[str, str | tuple[str, ...]]


def named(facts: SaidFacts) -> ConditionFacts:
    """Return condition keys of kms by their full names."""
    return {f"kms:{name.lower()}": each if isinstance(each, tuple) else (each,) for name, each in facts.items()}


def key_facts(key: Key, *, aliases: tuple[str, ...], requested: str) -> ConditionFacts:
    """Return what a key says. `requested` is the name that the request gives it; `aliases` are all of its names."""
    facts: ConditionFacts = {
        "aws:resourceaccount": (key.account,),
        **named(
            {
                "KeySpec": key.spec,
                "KeyUsage": key.usage,
                "KeyOrigin": str(key.origin),
                "CustomerMasterKeySpec": key.spec,
                "CustomerMasterKeyUsage": key.usage,
                "MultiRegion": flag(on=key.multi_region),
                **({"MultiRegionKeyType": "REPLICA" if key.is_replica else "PRIMARY"} if key.multi_region else {}),
            }
        ),
        **_tags("aws:resourcetag/", key.tags),
    }
    if requested.startswith("alias/") or ":alias/" in requested:
        facts["kms:requestalias"] = ("alias/" + requested.rpartition("alias/")[2],)
    return facts | ({"kms:resourcealiases": aliases} if aliases else {})


def asked_tags(parameters: Mapping[str, object]) -> ConditionFacts:
    """Return what the request says of tags: those that it gives, and the names of those that it gives or takes."""
    given = [(each["TagKey"], each["TagValue"]) for each in cast("list[dict[str, str]]", parameters.get("Tags", []))]
    names = (*(name for name, _ in given), *cast("list[str]", parameters.get("TagKeys", [])))
    return _tags("aws:requesttag/", given) | ({"aws:tagkeys": names} if names else {})


def surrounding_facts(now: float, region: str) -> ConditionFacts:
    """Return when and where: the clock's time, the Region, and TLS, for KMS's endpoints on AWS speak nothing else."""
    return {
        "aws:requestedregion": (region,),
        "aws:currenttime": (datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:epochtime": (str(int(now)),),
        "aws:securetransport": ("true",),
    }


def flag(*, on: bool) -> str:
    """Return a flag as conditions read it."""
    return "true" if on else "false"


def _tags(prefix: str, tags: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> ConditionFacts:
    """Two tags whose names differ only by case are one condition key: both values must then satisfy the condition."""
    facts: ConditionFacts = {}
    for name, value in tags:
        fact = prefix + name.lower()
        facts[fact] = (*facts.get(fact, ()), value)
    return facts
