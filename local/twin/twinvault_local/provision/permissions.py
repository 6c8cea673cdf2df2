"""What the template says of who may invoke functions, in the Lambda server's words.

Source: AWS CloudFormation Template Reference, AWS::Lambda::Permission.
"""

from twinvault_lambda.config import API_ID, PermissionConfig
from twinvault_local.errors import TemplateError
from twinvault_local.provision.functions import ALIAS, API, FUNCTION
from twinvault_local.provision.schedules import RULE, rule_name
from twinvault_local.provision.template import ACCOUNT, Assembly, Known, Physical, Resource

PERMISSION = "AWS::Lambda::Permission"
_INVOKE = "lambda:InvokeFunction"
_KNOWN = frozenset({"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"})


def permissions(assembly: Assembly, known: Known) -> tuple[PermissionConfig, ...]:
    """The permissions of the template, in its order.

    Raises:
        TemplateError: one that says something which the front door would not enforce, or is of no function of ours.
    """
    named = {**known, **_sources(assembly), **_aliases(assembly, known)}
    return tuple(_permission(assembly, one, named) for one in assembly.resources(PERMISSION))


def _permission(assembly: Assembly, resource: Resource, named: Known) -> PermissionConfig:
    if strange := sorted(resource.properties.keys() - _KNOWN):
        raise TemplateError(f"{resource.path}: the twin does not know {', '.join(strange)}.")
    properties = assembly.properties(resource, named)
    if properties["Action"] != _INVOKE:
        raise TemplateError(f"{resource.path}: the twin knows permissions for {_INVOKE} alone.")
    name, prefix = str(properties["FunctionName"]), f"arn:aws:lambda:{assembly.region}:{ACCOUNT}:function:"
    return PermissionConfig(
        function_arn=name if name.startswith("arn:") else prefix + name,
        principal=str(properties["Principal"]),
        source_arn=properties.get("SourceArn"),
        source_account=properties.get("SourceAccount"),
    )


def _sources(assembly: Assembly) -> dict[str, Physical]:
    """What permissions name as sources: the API, by the id that the front door has, and rules."""
    found = {one.path: Physical(API_ID) for one in assembly.resources(API)}
    for resource in assembly.resources(RULE):
        name = rule_name(assembly, resource)
        arn = f"arn:aws:events:{assembly.region}:{ACCOUNT}:rule/{name}"
        found[resource.path] = Physical(name, {"Arn": arn})
    return found


def _aliases(assembly: Assembly, known: Known) -> dict[str, Physical]:
    """A reference to an alias gives its ARN."""
    arns = {known[one.path].ref: known[one.path].attributes["Arn"] for one in assembly.resources(FUNCTION)}
    found = {}
    for resource in assembly.resources(ALIAS):
        alias = assembly.properties(resource, known, only=("FunctionName", "Name"))
        found[resource.path] = Physical(f"{arns[alias['FunctionName']]}:{alias['Name']}")
    return found
