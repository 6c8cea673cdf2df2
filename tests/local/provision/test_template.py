"""The template resolver: what CloudFormation would give, or a refusal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinvault_local.artifact.sources import Sources
from twinvault_local.errors import TemplateError
from twinvault_local.provision.template import Assembly, Physical

type Templates = dict[str, dict[str, Any]]

KNOWN = {
    "One/Table": Physical("table-1", {"Arn": "arn:table-1"}),
    "Two/Key": Physical("key-2", {"Arn": "arn:key-2"}),
}


def assembly(value: Any) -> Assembly:
    resources = {"Thing": {"Type": "T", "Properties": {"Value": value}}, "Table": {"Type": "T"}, "Role": {"Type": "T"}}
    exports = {
        "Key": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-Key"}}},
        "Plain": {"Value": "plain", "Export": {"Name": "Plain"}},
        "Silent": {"Value": "silent"},
    }
    return Assembly(
        {"One": {"Resources": resources}, "Two": {"Resources": {"Key": {"Type": "K"}}, "Outputs": exports}},
        "eu-central-1",
    )


def resolved(value: Any) -> Any:
    made = assembly(value)
    thing = next(one for one in made.resources("T") if one.logical_id == "Thing")
    return made.properties(thing, KNOWN).get("Value", "left out")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("text", "text", id="a text"),
        pytest.param({"a": [1, True, None]}, {"a": [1, True, None]}, id="a structure without functions"),
        pytest.param({"Ref": "Table"}, "table-1", id="Ref of a resource"),
        pytest.param({"Ref": "AWS::Region"}, "eu-central-1", id="Ref of the region"),
        pytest.param({"Ref": "AWS::AccountId"}, "000000000000", id="Ref of the account"),
        pytest.param({"Ref": "AWS::Partition"}, "aws", id="Ref of the partition"),
        pytest.param({"Ref": "AWS::URLSuffix"}, "amazonaws.com", id="Ref of the suffix"),
        pytest.param({"Ref": "AWS::StackName"}, "One", id="Ref of the stack"),
        pytest.param({"Ref": "AWS::NoValue"}, "left out", id="no value leaves the property out"),
        pytest.param([1, {"Ref": "AWS::NoValue"}, 2], [1, 2], id="no value leaves an element out"),
        pytest.param({"Fn::GetAtt": ["Table", "Arn"]}, "arn:table-1", id="GetAtt as a list"),
        pytest.param({"Fn::GetAtt": "Table.Arn"}, "arn:table-1", id="GetAtt as a text"),
        pytest.param({"Fn::Join": ["-", ["a", {"Ref": "Table"}, 3]]}, "a-table-1-3", id="Join"),
        pytest.param({"Fn::Join": ["", []]}, "", id="Join of nothing"),
        pytest.param(
            {"Fn::Sub": "x-${Table}-${Table.Arn}-${AWS::Region}"}, "x-table-1-arn:table-1-eu-central-1", id="Sub"
        ),
        pytest.param({"Fn::Sub": "${!Table}"}, "${Table}", id="Sub of a literal"),
        pytest.param(
            {"Fn::Sub": ["${A}/${Table}", {"A": {"Ref": "Table"}}]}, "table-1/table-1", id="Sub with variables"
        ),
        pytest.param({"Fn::ImportValue": "Plain"}, "plain", id="ImportValue"),
        pytest.param({"Fn::ImportValue": {"Fn::Sub": "Two-Key"}}, "arn:key-2", id="ImportValue of a computed name"),
        pytest.param(
            {"Statement": [{"Condition": {"StringEquals": {"a": {"Ref": "Table"}}}}]},
            {"Statement": [{"Condition": {"StringEquals": {"a": "table-1"}}}]},
            id="a policy's condition is no function",
        ),
    ],
)
def test_a_value_resolves_as_in_cloudformation(value: Any, expected: Any) -> None:
    assert resolved(value) == expected


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param({"Fn::If": ["C", 1, 2]}, "Fn::If", id="If"),
        pytest.param({"Fn::Select": [0, ["a"]]}, "Fn::Select", id="Select"),
        pytest.param({"Fn::Transform": {}}, "Fn::Transform", id="a function that nobody knows"),
        pytest.param({"Condition": "IsProd"}, "Condition", id="a condition's name"),
        pytest.param({"Ref": "Table", "Fn::Sub": "x"}, "does not know Ref", id="a function beside another key"),
        pytest.param({"Ref": ["Table"]}, "does not know Ref", id="Ref of a list"),
        pytest.param({"Ref": "Nothing"}, "One/Nothing is no resource", id="Ref of nothing"),
        pytest.param({"Ref": "Role"}, "One/Role is not made", id="Ref of what the twin does not make"),
        pytest.param({"Ref": "AWS::StackId"}, "AWS::StackId", id="a pseudo parameter that nobody knows"),
        pytest.param({"Fn::GetAtt": ["Table", "StreamArn"]}, "attribute Table.StreamArn", id="an unknown attribute"),
        pytest.param({"Fn::GetAtt": "Table"}, "does not know Fn::GetAtt", id="GetAtt without an attribute"),
        pytest.param({"Fn::Join": ["", {"Ref": "Table"}]}, "does not know Fn::Join", id="Join of no list"),
        pytest.param({"Fn::Join": ["", [True]]}, "not bool", id="Join of a boolean"),
        pytest.param({"Fn::Join": ["", [["a"]]]}, "not list", id="Join of a list in a list"),
        pytest.param({"Fn::Sub": "${Nothing}"}, "One/Nothing is no resource", id="Sub of nothing"),
        pytest.param({"Fn::ImportValue": "Silent"}, "no stack exports 'Silent'", id="an output that is no export"),
        pytest.param({"Fn::ImportValue": "Nothing"}, "no stack exports", id="an export of nobody"),
    ],
)
def test_what_is_not_known_is_refused_and_named(value: Any, says: str) -> None:
    with pytest.raises(TemplateError, match=says) as caught:
        resolved({"deep": [value]})
    assert "One/Thing/Value/deep" in caught.value.message


def test_a_resource_under_a_condition_is_refused() -> None:
    made = Assembly({"One": {"Resources": {"A": {"Type": "T", "Condition": "IsProd"}}}}, "eu-central-1")
    with pytest.raises(TemplateError, match=r"One/A.*Condition"):
        made.resources("T")


def test_outputs_about_what_is_not_made_are_left_out() -> None:
    assert assembly("x").outputs({}) == {"Plain": "plain", "Silent": "silent"}
    assert assembly("x").outputs(KNOWN) == {"Key": "arn:key-2", "Plain": "plain", "Silent": "silent"}


def test_an_assembly_is_what_its_manifest_lists(
    templates: Templates, write_sources: Callable[[Path, Templates], Sources], tmp_path: Path
) -> None:
    folder = write_sources(tmp_path, templates).assembly
    (folder / "Stale.template.json").write_text("{}", encoding="utf-8")
    loaded = Assembly.load(folder)
    assert set(loaded.templates) == {"Small-Keys", "Small-Tables", "Small-Api"}
    assert loaded.region == "eu-central-1"


@pytest.mark.parametrize(
    "regions",
    [
        pytest.param(["eu-central-1", "us-east-1"], id="two regions"),
        pytest.param(["unknown-region"], id="no region"),
        pytest.param([], id="no stack"),
    ],
)
def test_an_assembly_of_not_exactly_one_region_is_refused(tmp_path: Path, regions: list[str]) -> None:
    (tmp_path / "t.json").write_text("{}", encoding="utf-8")
    stacks = {
        f"S{number}": {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://unknown-account/{region}",
            "properties": {"templateFile": "t.json"},
        }
        for number, region in enumerate(regions)
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": stacks}), encoding="utf-8")
    with pytest.raises(TemplateError, match="one region"):
        Assembly.load(tmp_path)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(None, id="missing"),
        pytest.param("{", id="not JSON"),
        pytest.param("{}", id="without artifacts"),
        pytest.param('{"artifacts": {"S": {}}}', id="an artifact without a type"),
    ],
)
def test_a_folder_without_a_readable_manifest_is_refused(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(TemplateError, match="holds no synthesized app"):
        Assembly.load(tmp_path)
