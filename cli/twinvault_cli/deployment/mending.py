"""The command that puts a setting right, for the AWS CLI. PURE.

What none puts right (a key schema, an index, a key's spec) is the stack's to make.
"""

import json
import shlex

from twinvault_cli.deployment.settings import NONE
from twinvault_cli.deployment.synthesized import Intended

# Of each setting: the operation, its option, and the option's value with what the template has in its place.
_OF_TABLES = {
    "deletion protection": ("update-table", "--deletion-protection-enabled", ""),
    "stream": ("update-table", "--stream-specification", "StreamEnabled=true,StreamViewType={}"),
    "encryption": ("update-table", "--sse-specification", "Enabled=true,SSEType=KMS,KMSMasterKeyId={}"),
    "expiry": ("update-time-to-live", "--time-to-live-specification", "Enabled=true,AttributeName={}"),
    "point-in-time recovery": (
        "update-continuous-backups",
        "--point-in-time-recovery-specification",
        "PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays={}",
    ),
}


def table_command(wanted: Intended, setting: str) -> str:
    """What puts a table's setting right; nothing where no command does."""
    if setting.startswith("policy statement"):
        of = ("--resource-arn", wanted.arn)
        if wanted.policy is None:
            return _aws("dynamodb", "delete-resource-policy", *of)
        return _aws("dynamodb", "put-resource-policy", *of, "--policy", _json(wanted.policy))
    if setting.startswith("tag "):
        tags = {name[4:]: value for name, value in wanted.settings.features.items() if name.startswith("tag ")}
        each = (f"Key={name},Value={value}" for name, value in sorted(tags.items()))
        return _aws("dynamodb", "tag-resource", "--resource-arn", wanted.arn, "--tags", *each)
    command = _OF_TABLES.get(setting)
    should = wanted.settings.features.get(setting, NONE)
    if command is None or should in {NONE, "off"}:
        return ""
    operation, option, value = command
    said = (value.format(should.split()[0]),) if value else ()
    return _aws("dynamodb", operation, "--table-name", wanted.name, option, *said)


def key_command(wanted: Intended, setting: str) -> str:
    """What puts a key's setting right; nothing where no command does."""
    of_key = ("--key-id", wanted.name)
    if setting.startswith("policy statement"):
        return _aws("kms", "put-key-policy", *of_key, "--policy-name", "default", "--policy", _json(wanted.policy))
    match setting:
        case "rotation" if wanted.settings.features["rotation"] != "off":
            days = wanted.settings.features["rotation"].split()[1]
            return _aws("kms", "enable-key-rotation", *of_key, "--rotation-period-in-days", days)
        case "state":
            return _aws("kms", "enable-key", *of_key)
        case _:
            return ""


def _json(policy: object) -> str:
    return json.dumps(policy, separators=(",", ":"))


def _aws(*words: str) -> str:
    return shlex.join(("aws", *words))
