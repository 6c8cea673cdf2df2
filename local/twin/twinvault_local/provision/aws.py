"""Clients of the gate and the local KMS, which ignore whatever AWS settings this machine has."""

import os
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config

from twinvault_local.provision.callers import AccessKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

# Where a session would look otherwise: an AWS_PROFILE that names nothing must not stop the twin.
_IGNORED = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
# proxies: 127.0.0.1 is never behind one. Retries: an engine that does not answer here is not busy but gone.
_CONFIG = Config(proxies={}, retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30)


def dynamodb_client(endpoint: str, *, region: str, caller: AccessKey) -> "DynamoDBClient":
    """A client of the gate, or of DynamoDB Local itself, at `endpoint`."""
    client: DynamoDBClient = _session(region, caller).client("dynamodb", endpoint_url=endpoint, config=_CONFIG)
    return client


def kms_client(endpoint: str, *, region: str, caller: AccessKey) -> "KMSClient":
    """A client of the local KMS at `endpoint`."""
    client: KMSClient = _session(region, caller).client("kms", endpoint_url=endpoint, config=_CONFIG)
    return client


def _session(region: str, caller: AccessKey) -> boto3.Session:
    return boto3.Session(
        region_name=region,
        aws_access_key_id=caller.access_key_id,
        aws_secret_access_key=caller.secret,
        botocore_session=botocore.session.Session(session_vars=_IGNORED),
    )
