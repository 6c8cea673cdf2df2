"""Where a stage may stand: endpoints, role names and key policies are right for each region, or it is refused."""

import json

import pytest
from aws_cdk import App, Stack

from stacks.application import APPLICATION
from tests.stacks.sample_stages import context as sample_context
from twinvault_cdk import Stage, StageError, Store
from twinvault_cdk.endpoints import endpoint_urls, via

CONTEXT = sample_context()


def stage(**values):
    return Stage.read({"stage": "prod", "stages": {"prod": {**CONTEXT["stages"]["prod"], **values}}}.get)


@pytest.mark.parametrize(
    ("region", "endpoints", "hosts"),
    [
        ("us-east-1", "fips", ("dynamodb-fips.us-east-1.amazonaws.com", "kms-fips.us-east-1.amazonaws.com")),
        ("ca-west-1", "fips", ("dynamodb-fips.ca-west-1.amazonaws.com", "kms-fips.ca-west-1.amazonaws.com")),
        (
            "us-gov-west-1",
            "fips",
            ("dynamodb-fips.us-gov-west-1.amazonaws.com", "kms-fips.us-gov-west-1.amazonaws.com"),
        ),
        ("eu-central-1", "dualstack", ("dynamodb.eu-central-1.api.aws", "kms.eu-central-1.api.aws")),
        (
            "cn-north-1",
            "dualstack",
            ("dynamodb.cn-north-1.api.amazonwebservices.com.cn", "kms.cn-north-1.api.amazonwebservices.com.cn"),
        ),
    ],
)
def test_a_stage_has_the_endpoints_that_it_asks_for(region, endpoints, hosts):
    urls = endpoint_urls(stage(region=region, endpoints=endpoints))
    assert urls == {name: f"https://{host}" for name, host in zip(("dynamodb", "kms"), hosts, strict=True)}


@pytest.mark.parametrize(
    ("region", "endpoints", "missing"),
    [
        ("eu-central-1", "fips", "FIPS endpoint of DynamoDB"),
        ("cn-north-1", "fips", "FIPS endpoint of DynamoDB and KMS"),
        ("us-iso-east-1", "dualstack", "dual-stack endpoint of DynamoDB and KMS"),
        ("eu-central-9", "dualstack", "dual-stack endpoint of DynamoDB and KMS"),
    ],
)
def test_a_region_without_such_an_endpoint_fails_the_synthesis(region, endpoints, missing):
    with pytest.raises(
        StageError, match=f"stage prod: endpoints is '{endpoints}', and in {region} there is no {missing}"
    ):
        endpoint_urls(stage(region=region, endpoints=endpoints))


def test_the_app_writes_them_and_ends_with_one_line_where_there_are_none(synthesized, synthesize, tmp_path):
    stages = {"prod": {**CONTEXT["stages"]["prod"], "region": "us-east-1", "endpoints": "fips"}}
    fips = synthesized("prod", stages=stages)
    for body in fips.resources("Api", "AWS::Lambda::Function").values():
        variables = body["Properties"]["Environment"]["Variables"]
        assert variables["AWS_ENDPOINT_URL_DYNAMODB"] == "https://dynamodb-fips.us-east-1.amazonaws.com"
        assert variables["AWS_ENDPOINT_URL_KMS"] == "https://kms-fips.us-east-1.amazonaws.com"
    stages["prod"]["region"] = "eu-central-1"
    run = synthesize(tmp_path / "none", stage="prod", stages=stages)
    assert (run.returncode, len(run.stderr.strip().splitlines())) == (1, 1)
    assert "no FIPS endpoint of DynamoDB" in run.stderr


def test_roles_of_one_stage_in_two_regions_do_not_meet():
    names = [
        APPLICATION.names(stage(region=region)).role(spec.name)
        for region in ("eu-central-1", "eu-west-1")
        for spec in APPLICATION.functions
    ]
    assert len(set(names)) == len(names)


def test_a_roles_name_is_not_too_long():
    """64 characters, IAM User Guide, "IAM and AWS STS quotas"."""
    values = {**CONTEXT["stages"]["prod"], "region": "ap-northeast-9"}
    longest = APPLICATION.names(Stage.read({"stage": "s" * 16, "stages": {"s" * 16: values}}.get))
    assert max(len(longest.role(spec.name)) for spec in APPLICATION.functions) <= 64


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("eu-central-1", "dynamodb.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "dynamodb.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", ["dynamodb.eusc-de-east-1.amazonaws.com", "dynamodb.eusc-de-east-1.amazonaws.eu"]),
    ],
)
def test_the_table_keys_policy_knows_dynamodb_by_what_it_is_called_there(region, name, tmp_path):
    assert via("dynamodb", region) == name
    app = App(context=CONTEXT, outdir=str(tmp_path), analytics_reporting=False)
    stack = Stack(app, "Store", env={"region": region})
    Store(stack, "Store", application=APPLICATION, stage=stage(region=region))
    app.synth()
    template = json.loads((tmp_path / "Store.template.json").read_text(encoding="utf-8"))
    statements = template["Resources"]["TableKey"]["Properties"]["KeyPolicy"]["Statement"]
    found = [
        one["Condition"]["StringEquals"]["kms:ViaService"]
        for one in statements
        if "kms:ViaService" in one.get("Condition", {}).get("StringEquals", {})
    ]
    assert found == [name] * 3
