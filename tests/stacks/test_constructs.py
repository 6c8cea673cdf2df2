"""The constructs in somebody else's app: names of its own, roles named in policies, and mistakes that are said."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, Fn, Stack
from aws_cdk import aws_iam as iam

from tests.stacks.conftest import Assembly
from tests.stacks.sample_stages import context as sample_context
from twinvault_cdk import (
    Api,
    Application,
    Code,
    DeclarationError,
    FunctionSpec,
    Stage,
    StageError,
    Store,
    add_deployment,
    erasure_function,
    keys_function,
    maintenance_function,
    reading_function,
    writing_function,
)

FUNCTIONS = (
    writing_function("visits", "clinic.visits.handler", [("POST", "/visits"), ("DELETE", "/visits/{id}")]),
    reading_function("find", "clinic.find.handler", [("GET", "/visits")], environment={"MOST_FOUND": "20"}),
    keys_function("clinic.keys.handler"),
    maintenance_function("clinic.maintain.handler"),
    erasure_function("clinic.erase.handler"),
)
REGION = "eu-central-1"


def application(**values) -> Application:
    return Application(**{"name": "city-clinic", "functions": FUNCTIONS, "root": Path("/"), **values})


def stage(**values) -> Stage:
    named = {**sample_context()["stages"]["prod"], **values}
    return Stage.read({"stage": "live", "stages": {"live": named}}.get)


def app(folder: Path, artifact: Path) -> App:
    context = {**sample_context(), "artifact": str(artifact), "stage": "prod"}
    return App(context=context, outdir=str(folder), analytics_reporting=False)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory, artifact):
    folder = tmp_path_factory.mktemp("clinic")
    made = app(folder, artifact)
    add_deployment(made, application())
    made.synth()
    return folder


def template(folder: Path, stack: str) -> dict:
    return json.loads((folder / f"{stack}.template.json").read_text(encoding="utf-8"))


def of_kind(body: dict, kind: str) -> list[dict]:
    return [one["Properties"] for one in body["Resources"].values() if one["Type"] == kind]


def test_everything_is_called_by_the_applications_name_and_nothing_by_ours(clinic):
    store, api = template(clinic, "City-clinic-prod-Store"), template(clinic, "City-clinic-prod-Api")
    functions = {one["FunctionName"] for one in of_kind(api, "AWS::Lambda::Function")}
    assert functions == {f"city-clinic-prod-{spec.name}" for spec in FUNCTIONS}
    aliases = {one["AliasName"] for one in of_kind(store, "AWS::KMS::Alias")}
    assert aliases == {f"alias/city-clinic-prod-{name}" for name in ("root", "table", "alarms", "audit")}
    assert all("city-clinic-prod-" in str(one["AlarmName"]) for one in of_kind(api, "AWS::CloudWatch::Alarm"))
    said = json.dumps(store) + json.dumps(api)
    for ours in ("twinvault-prod-import", "Twinvault-prod", "alias/twinvault"):
        assert ours not in said


def test_every_role_that_a_keys_policy_names_is_a_functions_own(clinic):
    store, api = template(clinic, "City-clinic-prod-Store"), template(clinic, "City-clinic-prod-Api")
    roles = {one["RoleName"] for one in of_kind(api, "AWS::IAM::Role") if "RoleName" in one}
    assert roles == {f"city-clinic-prod-{spec.name}-{REGION}" for spec in FUNCTIONS}
    assembly = Assembly(stage="prod", folder=clinic)
    named = {
        arn.rpartition("/")[2]
        for key in of_kind(store, "AWS::KMS::Key")
        for statement in key["KeyPolicy"]["Statement"]
        for arn in _listed(
            assembly.render(statement.get("Condition", {})).get("ArnEquals", {}).get("aws:PrincipalArn", [])
        )
    }
    assert named == roles


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_a_function_has_its_own_variables_beside_the_stores(clinic):
    found = {
        one["FunctionName"]: one["Environment"]["Variables"]
        for one in of_kind(template(clinic, "City-clinic-prod-Api"), "AWS::Lambda::Function")
    }
    assert found["city-clinic-prod-find"]["MOST_FOUND"] == "20"
    assert set(found["city-clinic-prod-find"]) - set(found["city-clinic-prod-visits"]) == {"MOST_FOUND"}


def test_an_api_answers_the_methods_of_its_routes(clinic):
    (api,) = of_kind(template(clinic, "City-clinic-prod-Api"), "AWS::ApiGatewayV2::Api")
    assert api["CorsConfiguration"]["AllowMethods"] == ["DELETE", "GET", "POST"]


def test_store_and_api_may_stand_in_one_stack_of_ones_own(tmp_path, artifact):
    made = app(tmp_path, artifact)
    stack = Stack(made, "Mine", env={"region": REGION})
    store = Store(stack, "Vault", application=application(), stage=stage())
    Api(stack, "Http", store=store, code=Code(artifact=artifact, runtime="python3.13"))
    made.synth()
    body = template(tmp_path, "Mine")
    assert {"RootKey", "Records"} <= set(body["Resources"])
    assert {"ApiUrl", "ArtifactSha256", "RecordsTable", "RootKeyArn"} <= set(body["Outputs"])


def test_a_role_without_a_name_in_a_keys_condition_fails_the_synthesis(tmp_path, artifact):
    made = app(tmp_path, artifact)
    stack = Stack(made, "Mine", env={"region": REGION})
    store = Store(stack, "Vault", application=application(), stage=stage())
    role = iam.Role(Stack(made, "Other", env={"region": REGION}), "Batch", assumed_by=iam.AccountRootPrincipal())
    conditions = {"ArnEquals": {"aws:PrincipalArn": role.role_arn}}
    store.keys.root.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["kms:Decrypt"], principals=[iam.AnyPrincipal()], resources=["*"], conditions=conditions
        )
    )
    with pytest.raises(RuntimeError, match=r"names a role by its resource, .*Batch.*give the role a RoleName"):
        made.synth()


def test_a_reference_in_a_text_is_found_too(tmp_path, artifact):
    made = app(tmp_path, artifact)
    store = Store(Stack(made, "Mine", env={"region": REGION}), "Vault", application=application(), stage=stage())
    named = Fn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Batch}")
    store.keys.root.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["kms:Decrypt"],
            principals=[iam.AnyPrincipal()],
            resources=["*"],
            conditions={"ArnEquals": {"aws:PrincipalArn": named}},
        )
    )
    with pytest.raises(RuntimeError, match=r"names a role by its resource, Batch:"):
        made.synth()


def test_what_no_function_may_do_has_no_statement_and_who_reads_no_key_opens_none(tmp_path, artifact):
    """An empty list of roles in a condition would be for nobody, or for everybody: AWS does not say."""
    made = app(tmp_path, artifact)
    few = (reading_function("find", "a.b", [("GET", "/")]), spec(name="health", routes=(("GET", "/health"),)))
    stack = Stack(made, "Mine", env={"region": REGION})
    Store(stack, "Vault", application=application(functions=few), stage=stage())
    made.synth()
    keys = {
        name: one for name, one in template(tmp_path, "Mine")["Resources"].items() if one["Type"] == "AWS::KMS::Key"
    }
    root = {one["Sid"]: one for one in keys["RootKey"]["Properties"]["KeyPolicy"]["Statement"]}
    assert set(root) == {"Administer", "OpenKeks", "OpenRegisters"}
    said = json.dumps(keys)
    assert '"aws:PrincipalArn": []' not in said
    assert "city-clinic-live-find-" in said
    assert "city-clinic-live-health-" not in said


@pytest.mark.parametrize("env", [{}, {"env": {"region": "eu-west-1"}}])
def test_a_store_in_a_stack_of_another_region_is_refused(env, tmp_path, artifact):
    with pytest.raises(StageError, match=r"stage live is of eu-central-1, and the stack of its store of "):
        Store(Stack(app(tmp_path, artifact), "Mine", **env), "Vault", application=application(), stage=stage())


def spec(**values) -> FunctionSpec:
    return FunctionSpec(**{"name": "find", "handler": "a.b", "routes": (("GET", "/"),), "tables": {}, **values})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": "Find"}, "name must be 1 to 12 characters"),
        ({"name": "f" * 13}, "name must be 1 to 12 characters"),
        ({"handler": "handler"}, "handler must be package.module.name"),
        ({"handler": "a. b"}, "handler must be package.module.name"),
        ({"routes": (("get", "/"),)}, "routes must be pairs"),
        ({"routes": (("GET", "visits"),)}, "routes must be pairs"),
        ({"tables": {"visits": ("Query",)}}, "tables must be by table"),
        ({"indexes": {"ByList": ("Query",)}}, "indexes must be by table"),
        ({"makes_keys": ("dek",)}, "makes_keys must be some of kek, register"),
        ({"every_minutes": 0}, "every_minutes must be from 1 to 1440"),
        ({"environment": {"TWINVAULT_STORE": "x"}}, "environment must be by names"),
        ({"environment": {"most": "x"}}, "environment must be by names"),
    ],
)
def test_a_wrong_declaration_names_the_function_and_the_rule(values, says):
    with pytest.raises(DeclarationError, match=rf"function '\w+': {says}"):
        spec(**values)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": "City"}, "name must be"),
        ({"name": "c" * 21}, "name must be"),
        ({"name": "city--clinic"}, "name must be"),
        ({"functions": ()}, "functions must be one at least"),
        ({"functions": (spec(), spec(routes=()))}, "two functions have the name 'find'"),
        ({"functions": (spec(), spec(name="list"))}, "two functions have the route 'GET /'"),
    ],
)
def test_a_wrong_application_names_itself_and_the_rule(values, says):
    with pytest.raises(DeclarationError, match=says):
        application(**values)


def test_a_role_whose_name_would_be_too_long_is_refused_before_anything_is_made():
    long = application(name="c" * 20, functions=(spec(name="f" * 12),))
    values, name = sample_context()["stages"]["prod"], "s" * 16
    in_short, in_long = (
        Stage.read({"stage": name, "stages": {name: {**values, "region": region}}}.get)
        for region in ("eu-central-1", "ap-southeast-2")
    )
    assert len(long.names(in_short).role("f" * 12)) == 63
    with pytest.raises(DeclarationError, match=r"has 65 characters, and IAM takes 64"):
        long.names(in_long)
