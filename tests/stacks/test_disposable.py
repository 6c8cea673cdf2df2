"""A disposable stage lets the parity suite have its functions' roles. It differs in nothing else."""

from pathlib import Path

import pytest

from stacks.application import APPLICATION
from tests.parity.stages import SESSION, is_assumable
from tests.stacks.conftest import Assembly
from tests.stacks.test_differences import VALUES, differences

ROOT = Path(__file__).resolve().parents[2]
LAMBDA = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
SUITE = {
    "Action": "sts:AssumeRole",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
    "Condition": {"StringEquals": {"sts:RoleSessionName": SESSION}},
}


def trust(assembly):
    """Who may assume each role of a function."""
    roles = assembly.resources("Api", "AWS::IAM::Role").values()
    named = {role["Properties"].get("RoleName"): role["Properties"] for role in roles}
    return {name: properties["AssumeRolePolicyDocument"]["Statement"] for name, properties in named.items() if name}


TRIAL = {"store": "twinvault-trial", "disposable": True}


@pytest.fixture(scope="module")
def trial(tmp_path_factory, synthesize):
    """Stage dev under another name, as a disposable one."""
    trial = {**VALUES["dev"], **TRIAL}
    folder = tmp_path_factory.mktemp("disposable") / "cdk.out"
    run = synthesize(folder, stage="trial", stages={**VALUES, "trial": trial})
    assert run.returncode == 0, run.stderr
    return Assembly(stage="trial", folder=folder)


def test_lambda_alone_has_the_roles_of_a_stage_that_is_not_disposable(either):
    found, names = trust(either), [spec.name for spec in APPLICATION.functions]
    assert set(found) == {f"twinvault-{either.stage}-{name}-eu-central-1" for name in names}
    assert all(statements == [LAMBDA] for statements in found.values())


def test_nothing_in_prods_templates_lets_anybody_else_assume_a_role(prod):
    for stack in prod.stacks():
        for role in prod.resources(stack, "AWS::IAM::Role").values():
            assert not is_assumable(role["Properties"])
            for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
                assert set(statement["Principal"]) == {"Service"}


def test_the_parity_suite_has_the_roles_of_a_disposable_stage_under_its_own_session_name(trial):
    assert all(statements == [LAMBDA, SUITE] for statements in trust(trial).values())
    assert all(
        is_assumable(role["Properties"])
        for role in trial.resources("Api", "AWS::IAM::Role").values()
        if "RoleName" in role["Properties"]
    )


@pytest.mark.parametrize("stack", ["Store", "Api"])
def test_a_disposable_stage_differs_in_nothing_else(dev, trial, stack):
    values = {**VALUES, "trial": {**VALUES["dev"], **TRIAL}}
    found = {".".join(path) for path in differences(dev, trial, stack, values)}
    assert not [path for path in found if ".Properties.AssumeRolePolicyDocument.Statement." not in path]
    assert bool(found) is (stack == "Api")


def test_the_synthesis_of_a_disposable_stage_says_what_that_means(trial):
    told = [path.read_text(encoding="utf-8") for path in trial.folder.glob("*.json")]
    assert any("Stage trial is disposable" in text for text in told)
