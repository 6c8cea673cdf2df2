"""The synthesized CloudFormation templates, read as CloudFormation reads them as far as ours go.

It knows Ref, Fn::GetAtt, Fn::Join, Fn::Sub, Fn::ImportValue and the pseudo parameters below, over all stacks of one
assembly. Whatever else a template says where we read is refused: guessing would make the twin a second definition.
Source: AWS CloudFormation Template Reference, intrinsic functions and pseudo parameters.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from twinvault_local.errors import TemplateError

ACCOUNT = "000000000000"
_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]*)\}")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
_NO_VALUE = object()


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as the template has it, its properties unresolved."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Stack and logical id: its name in messages and in the state folder."""
        return f"{self.stack}/{self.logical_id}"


@dataclass(frozen=True, slots=True)
class Physical:
    """What Ref and Fn::GetAtt of a resource give once it is made."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


type Known = Mapping[str, Physical]


@dataclass(frozen=True, slots=True)
class Assembly:
    """All stacks of one synthesized app, for one region of one account: the local one, if nothing else is said."""

    templates: Mapping[str, Mapping[str, Any]]
    region: str
    account: str = ACCOUNT
    partition: str = "aws"

    @classmethod
    def load(cls, folder: Path) -> "Assembly":
        """The stacks that the manifest in `folder` lists.

        Raises:
            TemplateError: there is no readable assembly, or its stacks are not all for one region.
        """
        try:
            artifacts = json.loads((folder / "manifest.json").read_bytes())["artifacts"]
            stacks = {name: body for name, body in artifacts.items() if body["type"] == "aws:cloudformation:stack"}
            templates = {
                name: json.loads((folder / stack["properties"]["templateFile"]).read_bytes())
                for name, stack in stacks.items()
            }
            regions = sorted({stack["environment"].rpartition("/")[2] for stack in stacks.values()})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TemplateError(f"{folder} holds no synthesized app: {error}") from None
        if len(regions) != 1 or not _REGION.fullmatch(regions[0]):
            raise TemplateError(f"{folder}: the stacks must name one region, not {regions}.")
        return cls(templates, regions[0])

    def resources(self, *types: str) -> list[Resource]:
        """All resources of these types, in the order of stacks and templates.

        Raises:
            TemplateError: one of them depends on a condition, which we do not evaluate.
        """
        found = []
        for stack, template in self.templates.items():
            for logical_id, body in template.get("Resources", {}).items():
                if body["Type"] in types:
                    resource = Resource(stack, logical_id, body["Type"], body.get("Properties", {}))
                    if "Condition" in body:
                        raise _unknown(resource.path, "Condition")
                    found.append(resource)
        return found

    def properties(self, resource: Resource, known: Known, *, only: tuple[str, ...] = ()) -> dict[str, Any]:
        """The resource's properties (or `only` some of them) with every intrinsic function resolved.

        Raises:
            TemplateError: an intrinsic that we do not know, or a reference to what does not exist or is not made.
        """
        chosen = {name: value for name, value in resource.properties.items() if not only or name in only}
        return dict(_Resolver(self, resource.stack, known, resource.path).resolve(chosen))

    def outputs(self, known: Known) -> dict[str, str]:
        """Every output whose value is about resources in `known`, by its logical id; the others are left out."""
        values = {}
        for stack, template in self.templates.items():
            for name, output in template.get("Outputs", {}).items():
                scope = _Resolver(self, stack, known, f"{stack}/Outputs/{name}")
                try:
                    values[name] = scope.text(output["Value"])
                except _NotMadeError:
                    continue
        return values


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Where a value stands: what its references mean, and what to call it in a message."""

    assembly: Assembly
    stack: str
    known: Known
    where: str

    def resolve(self, value: Any) -> Any:  # noqa: ANN401  # JSON in, JSON out
        """`value` without intrinsic functions."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        function = next((name for name in value if name in {"Ref", "Condition"} or name.startswith("Fn::")), None)
        # A policy statement has a "Condition" of its own, which is an object; the intrinsic's is a name.
        if function is None or (function == "Condition" and not isinstance(value[function], str)):
            pairs = {name: self._below(name).resolve(item) for name, item in value.items()}
            return {name: item for name, item in pairs.items() if item is not _NO_VALUE}
        if len(value) != 1:
            raise _unknown(self.where, function)
        return self._call(function, value[function])

    def text(self, value: object) -> str:
        """`value` resolved, where only a string or a number will do."""
        resolved = self.resolve(value)
        if isinstance(resolved, bool) or not isinstance(resolved, str | int | float):
            raise TemplateError(f"{self.where}: a string or a number is needed, not {type(resolved).__name__}.")
        return str(resolved)

    def _below(self, name: str) -> "_Resolver":
        return replace(self, where=f"{self.where}/{name}")

    def _call(self, function: str, argument: Any) -> Any:  # noqa: ANN401  # as resolve
        match function, argument:
            case "Ref", str():
                result = self._ref(argument)
            case "Fn::GetAtt", [str() as logical_id, str() as attribute]:
                result = self._attribute(logical_id, attribute)
            case "Fn::GetAtt", str() if "." in argument:
                result = self._attribute(*argument.split(".", 1))
            case "Fn::Join", [str() as delimiter, list() as parts]:
                result = delimiter.join(map(self.text, parts))
            case "Fn::Sub", str():
                result = self._substitute(argument, {})
            case "Fn::Sub", [str() as text, dict() as variables]:
                result = self._substitute(text, variables)
            case "Fn::ImportValue", _:
                result = self._import(self.text(argument))
            case _:
                raise _unknown(self.where, function)
        return result

    def _ref(self, name: str) -> Any:  # noqa: ANN401  # AWS::NoValue is no string
        pseudo = {
            "AWS::AccountId": self.assembly.account,
            "AWS::Region": self.assembly.region,
            "AWS::Partition": self.assembly.partition,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.stack,
            "AWS::NoValue": _NO_VALUE,
        }
        return pseudo[name] if name in pseudo else self._made(name).ref

    def _attribute(self, logical_id: str, attribute: str) -> str:
        made = self._made(logical_id)
        if attribute not in made.attributes:
            raise TemplateError(f"{self.where}: the twin does not know the attribute {logical_id}.{attribute}.")
        return made.attributes[attribute]

    def _made(self, logical_id: str) -> Physical:
        path = f"{self.stack}/{logical_id}"
        if path in self.known:
            return self.known[path]
        if logical_id not in self.assembly.templates[self.stack].get("Resources", {}):
            raise TemplateError(f"{self.where}: {path} is no resource.")
        raise _NotMadeError(f"{self.where}: {path} is not made by the twin.")

    def _substitute(self, text: str, variables: Mapping[str, Any]) -> str:
        def value(match: re.Match[str]) -> str:
            literal, name = match[1], match[2]
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return self.text(variables[name])
            return self.text({"Fn::GetAtt" if "." in name else "Ref": name})

        return _SUBSTITUTION.sub(value, text)

    def _import(self, export: str) -> Any:  # noqa: ANN401  # as resolve
        for stack, template in self.assembly.templates.items():
            scope = replace(self, stack=stack)
            for output in template.get("Outputs", {}).values():
                name = output.get("Export", {}).get("Name")
                if name is not None and scope.text(name) == export:
                    return scope.resolve(output["Value"])
        raise TemplateError(f"{self.where}: no stack exports {export!r}.")


class _NotMadeError(TemplateError):
    """A reference to a resource that the twin does not make, or has not made yet."""


def _unknown(where: str, name: str) -> TemplateError:
    return TemplateError(
        f"{where}: the twin does not know {name}, or not in this form.",
        next_step="Say it in a way that twinvault_local/provision/template.py knows, or teach it the function.",
    )
