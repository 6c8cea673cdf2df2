"""What `make deploy` hands to the CDK is what was judged: the app's own templates, with a release's name or none."""

import copy

import pytest

from twinvault_verdict import rollout
from twinvault_verdict.gathering import templates

NAME = "2026-11-30.2"


@pytest.fixture(scope="module")
def judged(prod):
    return templates.read(prod.folder, "prod")


@pytest.fixture(scope="module")
def released(synthesized):
    """The stage with and without gates, as releases of this name."""
    return {
        gates: templates.read(synthesized("prod", release=NAME, gates=gates).folder, "prod") for gates in ("on", "off")
    }


@pytest.mark.parametrize("gates", ["on", "off"])
def test_a_named_release_is_what_was_judged(judged, released, gates):
    assert released[gates] != judged
    assert list(rollout.unlike(judged, released[gates], release=NAME, gates=gates)) == []


def test_a_release_without_gates_is_none_that_has_them(judged, released):
    found = set(rollout.unlike(judged, released["off"], release=NAME, gates="on"))
    groups = {
        f"Api {name}"
        for name, body in judged["Api"]["Resources"].items()
        if body["Type"] == "AWS::CodeDeploy::DeploymentGroup"
    }
    assert found == groups


def test_a_release_of_another_name_is_not_the_one_that_was_asked_for(judged, released):
    found = list(rollout.unlike(judged, released["on"], release="another", gates="on"))
    assert len(found) == sum(one["Type"] == "AWS::Lambda::Function" for one in judged["Api"]["Resources"].values())


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param("AWS::Lambda::Function", {"MemorySize": 128}, id="a function"),
        pytest.param("AWS::Lambda::Version", {"CodeSha256": "AAAA"}, id="another artifact"),
        pytest.param("AWS::CodeDeploy::DeploymentGroup", {"AutoRollbackConfiguration": {}}, id="no way back"),
        pytest.param("AWS::IAM::Policy", {"PolicyDocument": {}}, id="a permission"),
    ],
)
def test_whatever_else_differs_is_named(judged, released, kind, change):
    changed = copy.deepcopy(released["off"])
    name = next(name for name, body in changed["Api"]["Resources"].items() if body["Type"] == kind)
    changed["Api"]["Resources"][name]["Properties"] |= change
    (found,) = rollout.unlike(judged, changed, release=NAME, gates="off")
    assert found.startswith("Api ")


def test_a_stack_or_a_resource_more_or_less_is_named(judged, released):
    fewer = {stack: body for stack, body in released["on"].items() if stack != "Store"}
    assert any(one.startswith("Store") for one in rollout.unlike(judged, fewer, release=NAME, gates="on"))
    more = copy.deepcopy(released["on"])
    more["Store"]["Resources"]["Another"] = {"Type": "AWS::DynamoDB::GlobalTable"}
    more["Store"]["Parameters"] = {}
    found = set(rollout.unlike(judged, more, release=NAME, gates="on"))
    assert found >= {"Store Another"}
