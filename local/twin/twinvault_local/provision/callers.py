"""Who calls: one made-up access key id for each role of the template, and one for whoever types commands.

The local KMS knows a caller by this id, so that the synthesized key policies decide here as they do on AWS.
"""

import re
from collections.abc import Mapping

from twinvault_local.errors import TemplateError
from twinvault_local.provision.template import ACCOUNT, Assembly, Physical

ROLE = "AWS::IAM::Role"
OPERATOR = "TWINVAULTOPERATOR"
OPERATOR_ARN = f"arn:aws:iam::{ACCOUNT}:root"


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


def table(known_roles: Mapping[str, Physical]) -> dict[str, str]:
    """Access key id to ARN of every role and of the operator, who is the account's root.

    Raises:
        TemplateError: two roles would share an id.
    """
    callers = {OPERATOR: OPERATOR_ARN}
    for role in known_roles.values():
        key = access_key_id(role.ref)
        if key in callers:
            raise TemplateError(f"The roles {role.attributes['Arn']} and {callers[key]} have names too much alike.")
        callers[key] = role.attributes["Arn"]
    return callers
