"""Keys' policies name roles by their names: a role that has none would be named by a reference.

CloudFormation resolves such a reference when the role is there, and the role's stack comes after the keys': the two
would wait for each other. And the local KMS, which is given the policies first, could not know whom they mean.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jsii
from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from constructs import Construct, IValidation

_PRINCIPAL = "aws:principalarn"
_IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


def require_roles_by_name(scope: Construct, keys: Sequence[kms.Key]) -> None:
    """Fails the synthesis where a condition of one of these keys names a role otherwise than by its RoleName."""
    scope.node.add_validation(_RolesByName(keys))


@jsii.implements(IValidation)
class _RolesByName:
    def __init__(self, keys: Sequence[kms.Key]) -> None:
        self._keys = keys

    def validate(self) -> list[str]:
        return [
            f"{key.node.path}: a condition on aws:PrincipalArn names a role by its resource, {reference}: give the "
            "role a RoleName, and name it by that."
            for key in self._keys
            for reference in _references(_conditions(key))
        ]


def _conditions(key: kms.Key) -> Iterator[Any]:
    resource = key.node.default_child
    assert isinstance(resource, kms.CfnKey)  # noqa: S101  # narrows for mypy; a kms.Key has no other default child
    policy = Stack.of(key).resolve(resource.key_policy)
    for statement in policy["Statement"]:
        for tested in statement.get("Condition", {}).values():
            yield from (value for name, value in tested.items() if name.lower() == _PRINCIPAL)


def _references(found: Iterable[Any]) -> Iterator[str]:
    """The logical ids of resources that a condition refers to; a pseudo parameter such as AWS::AccountId is none."""
    for value in found:
        match value:
            case {"Ref": str(name)} if not name.startswith("AWS::"):
                yield name
            case {"Fn::GetAtt": [str(name), *_]} | {"Fn::GetAtt": str(name)}:
                yield name
            case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]}:
                yield from (name for name in _IN_TEXT.findall(text) if not name.startswith("AWS::"))
            case {"Fn::ImportValue": export}:
                yield str(export)
            case dict():
                yield from _references(value.values())
            case list():
                yield from _references(value)
