"""Who calls: a made-up access key id and secret for each role of the template, and for whoever types commands.

Gate and KMS know a caller by these, so that the synthesized policies decide here as they do on AWS. The provisioner,
who alone makes tables, and the operator are both the account's root.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twinvault_local.errors import NotRunningError, TemplateError
from twinvault_local.machine import files
from twinvault_local.provision.template import ACCOUNT, Assembly, Physical

ROLE = "AWS::IAM::Role"
OPERATOR, PROVISIONER = "TWINVAULTOPERATOR", "TWINVAULTPROVISIONER"
OPERATOR_ARN = f"arn:aws:iam::{ACCOUNT}:root"
_LABEL = b"twinvault-local/caller/"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The access key of one caller: its id and its secret."""

    access_key_id: str
    secret: str = field(repr=False)


def roles(assembly: Assembly) -> dict[str, Physical]:
    """Every role of the template, by its path: the reference is its name, as in IAM."""
    found = {}
    for resource in assembly.resources(ROLE):
        named = assembly.properties(resource, {}, only=("RoleName", "Path"))
        name = str(named.get("RoleName", f"{resource.stack}-{resource.logical_id}"))
        arn = f"arn:aws:iam::{ACCOUNT}:role{named.get('Path', '/')}{name}"
        found[resource.path] = Physical(name, {"Arn": arn})
    return found


def access_key_id(role_name: str) -> str:
    """The made-up access key id of a role: its letters and digits, for the engines take nothing else in one."""
    return re.sub(r"[^A-Z0-9]", "", role_name.upper())


def table(known_roles: Mapping[str, Physical], *, seed: bytes) -> dict[str, dict[str, str]]:
    """The callers file of gate and KMS: every role, the operator and the provisioner.

    The secrets follow from the state folder's seed, so that they are the same after every `up`.

    Raises:
        TemplateError: two roles would share an id.
    """
    found = {
        OPERATOR: {"arn": OPERATOR_ARN, "name": "operator"},
        PROVISIONER: {"arn": OPERATOR_ARN, "name": "provisioner"},
    }
    for role in known_roles.values():
        key, arn = access_key_id(role.ref), role.attributes["Arn"]
        if key in found:
            raise TemplateError(f"The roles {arn} and {found[key]['arn']} have names too much alike.")
        found[key] = {"arn": arn, "name": role.ref}
    return {key: {**each, "secret": _secret(seed, key)} for key, each in found.items()}


def read(path: Path, key: str) -> AccessKey:
    """The caller of this access key id, from a callers file.

    Raises:
        NotRunningError: there is none.
    """
    written: Any = files.read_json(path).get(key)
    if not isinstance(written, dict) or not isinstance(written.get("secret"), str):
        raise NotRunningError(f"{path} knows no caller {key}.", next_step="Start the twin: twinvault up")
    return AccessKey(key, written["secret"])


def _secret(seed: bytes, key: str) -> str:
    return hmac.digest(seed, _LABEL + key.encode(), "sha256").hex()[:40]
