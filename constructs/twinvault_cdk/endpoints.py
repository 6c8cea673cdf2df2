"""What AWS calls things where a stage stands: the endpoints that the functions call, and services in KMS's conditions.

Known from botocore's ``endpoints.json``. Not from its endpoint rules: they make a name for whatever is asked, also of
endpoints that there are none of (DynamoDB has FIPS endpoints in six regions and in GovCloud).
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws
from botocore.loaders import Loader

from twinvault_cdk.stage import Stage, StageError

SERVICES = ("dynamodb", "kms")
_TITLES = {"dynamodb": "DynamoDB", "kms": "KMS"}
_WORDS = {"fips": "FIPS", "dualstack": "dual-stack"}
# How KMS names services where it is documented (AWS KMS Developer Guide, "kms:ViaService").
_DOCUMENTED = frozenset({"aws", "aws-cn", "aws-us-gov"})


def endpoint_urls(stage: Stage) -> dict[str, str]:
    """Returns the addresses of DynamoDB and KMS that the stage asks for, by the service's name in the SDK.

    Raises:
        StageError: one of them has no such endpoint in the stage's region.
    """
    if stage.endpoints == "standard":
        return {service: f"https://{service}.{Aws.REGION}.{Aws.URL_SUFFIX}" for service in SERVICES}
    hosts = {service: _host(service, stage.region, kind=stage.endpoints) for service in SERVICES}
    if missing := [_TITLES[service] for service, host in hosts.items() if host is None]:
        raise StageError(
            f"cdk.json, stage {stage.name}: endpoints is {stage.endpoints!r}, and in {stage.region} there is no "
            f"{_WORDS[stage.endpoints]} endpoint of {' and '.join(missing)}."
        )
    return {service: f"https://{host}" for service, host in hosts.items()}


def via(service: str, region: str) -> str | list[str]:
    """Returns what ``kms:ViaService`` says of a service in a region; where that is not documented, all it may be."""
    partition = _partition(region)
    suffix = partition["dnsSuffix"]
    names = [f"{service}.{region}.{suffix}"]
    if partition["partition"] in _DOCUMENTED or suffix == "amazonaws.com":
        return names[0]
    return [f"{service}.{region}.amazonaws.com", *names]


def _host(service: str, region: str, *, kind: str) -> str | None:
    partition = _partition(region)
    known: Mapping[str, Any] = partition["services"].get(service, {}).get("endpoints", {})
    own = _variant(known.get(region, {}), kind)
    if own is None and kind == "dualstack" and region in known:
        # No service lists these one by one: a partition has them, or has none.
        own = _variant(partition["defaults"], kind)
    if own is None:
        return None
    suffix = own.get("dnsSuffix", partition["dnsSuffix"])
    host: str = own["hostname"].format(service=service, region=region, dnsSuffix=suffix)
    return host


def _variant(described: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    return next((one for one in described.get("variants", []) if one["tags"] == [kind]), None)


@functools.cache
def _partition(region: str) -> Mapping[str, Any]:
    partitions = Loader().load_data("endpoints")["partitions"]
    for partition in partitions:
        if region in partition["regions"] or re.match(partition["regionRegex"], region):
            return dict(partition)
    raise StageError(f"cdk.json: {region} is no region of any partition that botocore knows.")
