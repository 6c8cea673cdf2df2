"""The keys that AWS manages for its services, `alias/aws/NAME`: there once somebody describes them.

Sources: API reference of DescribeKey ("a predefined AWS alias (an alias with no key ID)": AWS KMS then makes the key);
developer guide, "AWS managed keys": their policies let principals of the account use them through the service alone.
"""

import json

from twinvault_kms.model import DAY, Alias, Key, KeyOrigin, Material, MaterialState
from twinvault_kms.ring import KeyRing
from twinvault_kms.specs import ENCRYPT_DECRYPT, SYMMETRIC_DEFAULT
from twinvault_kms.wanted import number_of

MANAGED_PREFIX = "alias/aws/"
_DAYS = 365
_SERVICES = frozenset(
    {
        *("acm", "backup", "codecommit", "connect", "dms", "dynamodb", "ebs", "elasticfilesystem", "es", "fsx", "glue"),
        *("kafka", "kinesis", "kinesisvideo", "lambda", "lex", "lightsail", "mq", "rds", "redshift", "s3"),
        *("secretsmanager", "ses", "sns", "sqs", "ssm", "workmail", "workspaces", "xray"),
    }
)


def is_managed(name: str) -> bool:
    """Whether an alias is one of those that AWS has for its services."""
    return name.startswith(MANAGED_PREFIX) and name.removeprefix(MANAGED_PREFIX) in _SERVICES


def managed_key(name: str, *, account: str, region: str, now: float, ring: KeyRing) -> tuple[Key, Alias]:
    """Return the key that AWS manages under an alias, the same for the same seed, and the alias."""
    number = number_of(f"{account}/{region}/{name}")
    key_id = ring.key_id(number)
    service = name.removeprefix(MANAGED_PREFIX)
    _, identity = ring.derived(number=number, key_id=key_id, version=1, spec=SYMMETRIC_DEFAULT)
    key = Key(
        key_id=key_id,
        account=account,
        region=region,
        number=number,
        created=now,
        spec=SYMMETRIC_DEFAULT,
        usage=ENCRYPT_DECRYPT,
        origin=KeyOrigin.AWS_KMS,
        policy=_policy(service, account=account, region=region),
        description=f"Default key that protects my {service} data when no other key is defined",
        materials=(Material(identity, version=1, state=MaterialState.CURRENT, derived=True),),
        rotation_days=_DAYS,
        next_rotation=now + _DAYS * DAY,
        manager="AWS",
    )
    return key, Alias(account, region, name, key_id, created=now, updated=now)


def _policy(service: str, *, account: str, region: str) -> str:
    through = {"kms:CallerAccount": account, "kms:ViaService": f"{service}.{region}.amazonaws.com"}
    use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"]
    statements = [
        {
            "Sid": "Allow access through the service for all principals in the account that are authorized to use it",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": use,
            "Resource": "*",
            "Condition": {"StringEquals": through},
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{service}-2", "Statement": statements})
