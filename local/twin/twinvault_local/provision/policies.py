"""What the template's policies say of whom: the policies file of the gate.

{"identity": {a function's role: [document, ...]}, "resource": {table: document}, "table_keys": {table: its key},
"keys": {key: document}}, all by ARN. Statements stand there whole if they speak of a service that the twin enforces,
and are left out otherwise (logs, traces). What would be dropped unnoticed is refused.
Source: AWS CloudFormation Template Reference, AWS::IAM::Role, AWS::IAM::Policy, AWS::IAM::RolePolicy,
AWS::DynamoDB::GlobalTable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from twinvault_local.errors import TemplateError
from twinvault_local.provision import adopting, callers, functions, keys, tables
from twinvault_local.provision.template import Assembly, Known, Resource

ATTACHED, OF_A_ROLE, MANAGED = "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"
_ENFORCED = ("dynamodb:", "kms:")
# Each makes a role's permissions other than its inline policies say.
_NOT_READ = ("ManagedPolicyArns", "PermissionsBoundary")

type PoliciesFile = dict[str, dict[str, Any]]

NONE: PoliciesFile = {"identity": {}, "resource": {}}
"""While tables are being made: the account's root needs no policy, and nobody else is let in."""


def policies_file(assembly: Assembly, known: Known) -> PoliciesFile:
    """The policies of all functions, tables and keys; `known` holds all that was made.

    Raises:
        TemplateError: a policy of a kind that the twin does not enforce, or about what it does not make.
    """
    found: PoliciesFile = {"identity": {}, "resource": {}, "table_keys": {}, "keys": {}}
    for role in sorted(_function_roles(assembly, known)):
        found["identity"][role] = [_enforced(assembly, each, known) for each in _documents(assembly, known, role)]
    for resource in assembly.resources(keys.KEY):
        policy = assembly.properties(resource, known, only=("KeyPolicy",))["KeyPolicy"]
        found["keys"][known[resource.path].attributes["Arn"]] = policy
    adopted = adopting.adopted(assembly)
    for resource in assembly.resources(tables.TABLE, tables.GLOBAL_TABLE):
        arns = [known[resource.path].attributes["Arn"]]
        if other := adopted.get(resource.path):
            arns.append(f"{arns[0].rpartition('/')[0]}/{other}")
        own = replace(resource, properties=tables.policy_and_key(resource.properties, where=resource.path))
        asked = assembly.properties(own, known)
        for arn in arns:
            if "ResourcePolicy" in asked:
                found["resource"][arn] = asked["ResourcePolicy"]["PolicyDocument"]
            if key := asked.get("KMSMasterKeyId"):
                found["table_keys"][arn] = _key_arn(key, known, where=resource.path)
    return found


def _function_roles(assembly: Assembly, known: Known) -> set[str]:
    wanted = assembly.resources(functions.FUNCTION)
    return {str(assembly.properties(one, known, only=("Role",))["Role"]) for one in wanted}


def _documents(assembly: Assembly, known: Known, role: str) -> Iterator[Resource]:
    """The policies of one role, each as a resource whose only property is the unresolved PolicyDocument."""
    for resource in assembly.resources(callers.ROLE):
        if known[resource.path].attributes["Arn"] == role:
            if strange := [name for name in _NOT_READ if resource.properties.get(name)]:
                raise TemplateError(f"{resource.path}: the twin enforces no {strange[0]} of a function's role.")
            for policy in resource.properties.get("Policies", []):
                yield replace(resource, properties={"PolicyDocument": policy["PolicyDocument"]})
    name = role.rpartition("/")[2]
    for resource in assembly.resources(ATTACHED, OF_A_ROLE, MANAGED):
        attached = _attached(resource)
        about = replace(resource, properties={"Roles": attached})
        if name in assembly.properties(about, known)["Roles"]:
            yield replace(resource, properties={"PolicyDocument": resource.properties["PolicyDocument"]})


def _attached(resource: Resource) -> list[Any]:
    if resource.type == OF_A_ROLE:
        return [resource.properties["RoleName"]]
    return list(resource.properties.get("Roles", []))


def _enforced(assembly: Assembly, resource: Resource, known: Known) -> dict[str, Any]:
    """A document with those of its statements that speak of a service which is enforced, resolved."""
    document = dict(resource.properties["PolicyDocument"])
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    document["Statement"] = [each for each in listed if _is_enforced(each)]
    resolved = assembly.properties(replace(resource, properties={"PolicyDocument": document}), known)
    return dict(resolved["PolicyDocument"])


def _is_enforced(statement: Mapping[str, Any]) -> bool:
    """Whether it may speak of an enforced service: all that does not name others alone does."""
    if "Action" not in statement:
        return True
    actions = statement["Action"]
    listed = actions if isinstance(actions, list) else [actions]
    return not all(isinstance(each, str) and _is_of_another(each.lower()) for each in listed)


def _is_of_another(action: str) -> bool:
    return ":" in action and not action.startswith(_ENFORCED)


def _key_arn(key: str, known: Known, *, where: str) -> str:
    """The ARN of a key that a table names by its ARN, its id or an alias of the template."""
    for made in known.values():
        if key in {made.ref, made.attributes.get("Arn")} and "KeyId" in made.attributes:
            return made.attributes["Arn"]
    raise TemplateError(f"{where}: the twin does not make the key {key}, by which this table is to be encrypted.")
