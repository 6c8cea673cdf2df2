"""The API's promises: least privilege, logs without paths, limits, and an environment that names every variable."""

import hashlib
import importlib
import json
import re

import pytest

from stacks.application import APPLICATION
from twinvault_http.http import LONGEST_SECONDS
from twinvault_http.settings import Settings
from twinvault_local.artifact.wheels import PYTHON_VERSION

FUNCTIONS = {spec.name.capitalize(): spec for spec in APPLICATION.functions}
OF_EVERY_STORE = ("Keys", "Maintain", "Erase")
OWN = [name for name in FUNCTIONS if name not in OF_EVERY_STORE]
READ_KEYS = {"dynamodb:Query", "dynamodb:GetItem"}
READ = READ_KEYS | {"dynamodb:BatchGetItem"}
WRITES = {"Put", "Update", "Delete", "Insert", "Write", "PartiQL"}
VARIABLES = {
    "TWINVAULT_STORE": "twinvault-prod",
    "TWINVAULT_RECORDS_TABLE": "${Records}",
    "TWINVAULT_KEYS_TABLE": "${Keys}",
    "TWINVAULT_MARKS_TABLE": "${Marks}",
    "TWINVAULT_AUDIT_TABLE": "${Audit}",
    "TWINVAULT_BACKUP_TABLE": "twinvault-prod-restored",
    "TWINVAULT_ROOT_KEYS": "${RootKey}",
    "TWINVAULT_AUDIT_KEY": "${AuditKey}",
    "TWINVAULT_ISSUER": "https://login.example.com/",
    "TWINVAULT_AUDIENCE": "twinvault",
    "TWINVAULT_JWKS_URL": "https://login.example.com/.well-known/jwks.json",
    "TWINVAULT_TENANT_CLAIM": "tenant",
    "TWINVAULT_PERMISSIONS_CLAIM": "permissions",
    "TWINVAULT_KEY_TTL_SECONDS": "300",
    "TWINVAULT_KEYS_RECOVERY_DAYS": "7",
    "TWINVAULT_BACKUP_DAYS": "0",
    "TWINVAULT_ERASURE_HOLD_HOURS": "72",
    "TWINVAULT_ERASURE_FOUR_EYES": "true",
    "TWINVAULT_LOWEST_FORMAT": "1",
    "TWINVAULT_LOG_LEVEL": "INFO",
    "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.${AWS::Region}.${AWS::URLSuffix}",
    "AWS_ENDPOINT_URL_KMS": "https://kms.${AWS::Region}.${AWS::URLSuffix}",
}


def function(assembly, name):
    physical = f"twinvault-{assembly.stage}-{name.lower()}"
    found = assembly.resources("Api", "AWS::Lambda::Function").values()
    return next(body for body in found if body["Properties"]["FunctionName"] == physical)


def variables(assembly, name):
    return function(assembly, name)["Properties"]["Environment"]["Variables"]


def role_of(assembly, name):
    """The logical id of the function's role, and the role."""
    roles = assembly.resources("Api", "AWS::IAM::Role")
    logical_id = function(assembly, name)["Properties"]["Role"].removeprefix("${").removesuffix(".Arn}")
    return logical_id, roles[logical_id]


def allowed(assembly, name):
    """Every (action, resource) that the function's role may do."""
    logical_id, role = role_of(assembly, name)
    assert "ManagedPolicyArns" not in role["Properties"]
    found = set()
    for policy in assembly.resources("Api", "AWS::IAM::Policy").values():
        if f"${{{logical_id}}}" in policy["Properties"]["Roles"]:
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow"
                actions, resources = (
                    value if isinstance(value, list) else [value]
                    for value in (statement["Action"], statement["Resource"])
                )
                found |= {(action, resource) for action in actions for resource in resources}
    return found


def on(assembly, name, resource):
    return {action for action, where in allowed(assembly, name) if where == resource}


def test_the_writer_may_do_exactly_this(either):
    writes = {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete"}
    assert on(either, "Import", "${Records.Arn}") == READ | writes
    assert on(either, "Import", "${Keys.Arn}") == READ_KEYS | {"dynamodb:PartiQLInsert"}
    assert on(either, "Import", "${Marks.Arn}") == {"dynamodb:PartiQLInsert", "dynamodb:Query"}
    assert on(either, "Import", "${Audit.Arn}") == {"dynamodb:PartiQLInsert"}


def test_the_reader_may_do_exactly_this(either):
    assert on(either, "Read", "${Records.Arn}") == READ
    for index in ("ByList", "ByBlind1", "ByBlind2", "ByBlind3"):
        assert on(either, "Read", f"${{Records.Arn}}/index/{index}") == {"dynamodb:Query"}
    assert on(either, "Read", "${Keys.Arn}") == READ_KEYS
    assert on(either, "Read", "${Marks.Arn}") == {"dynamodb:Query"}
    assert on(either, "Read", "${Audit.Arn}") == {"dynamodb:PartiQLInsert"}


def test_the_reader_changes_nothing_but_the_audit_log(either):
    changing = {
        (a, where) for a, where in allowed(either, "Read") if a.startswith("dynamodb:") and any(w in a for w in WRITES)
    }
    assert changing == {("dynamodb:PartiQLInsert", "${Audit.Arn}")}


def test_the_function_for_keys_adds_keys_and_changes_heads_and_can_add_no_record(either):
    changes = {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete"}
    assert on(either, "Keys", "${Keys.Arn}") == changes | READ_KEYS
    assert on(either, "Keys", "${Records.Arn}") == {"dynamodb:PartiQLUpdate", "dynamodb:Query", "dynamodb:GetItem"}
    assert on(either, "Keys", "${Marks.Arn}") == {"dynamodb:PartiQLInsert", "dynamodb:Query"}
    assert on(either, "Keys", "${Audit.Arn}") == {"dynamodb:PartiQLInsert"}


def test_keys_are_deleted_by_the_eraser_and_the_function_for_keys_and_marks_and_entries_by_nobody(either):
    deleting = {
        (name, where)
        for name in FUNCTIONS
        for action, where in allowed(either, name)
        if action.startswith("dynamodb:") and "Delete" in action and where != "${Records.Arn}"
    }
    assert deleting == {(name, "${Keys.Arn}") for name in ("Keys", "Erase")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_may_do_what_it_declares_and_nothing_else_with_a_table(either, name):
    spec, found = FUNCTIONS[name], allowed(either, name)
    for table in ("records", "keys", "marks", "audit"):
        declared = {f"dynamodb:{action}" for action in spec.tables.get(table, ())}
        assert on(either, name, f"${{{table.capitalize()}.Arn}}") == declared
    assert not {action for action, _ in found} & {f"dynamodb:{one}" for one in ("Scan", "PutItem", "DeleteItem")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_only_grows_is_only_added_to(either, name):
    assert on(either, name, "${Marks.Arn}") <= {"dynamodb:PartiQLInsert", "dynamodb:Query"}
    assert on(either, name, "${Audit.Arn}") == {"dynamodb:PartiQLInsert"}


@pytest.mark.parametrize("name", OWN)
def test_a_function_of_the_domain_ends_no_key(either, name):
    assert on(either, name, "${Keys.Arn}") <= READ_KEYS | {"dynamodb:PartiQLInsert"}


def test_the_function_that_erases_writes_no_record_and_makes_no_key_of_kms(either):
    assert on(either, "Erase", "${Records.Arn}") == {"dynamodb:PartiQLDelete", "dynamodb:Query", "dynamodb:GetItem"}
    changes = {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete"}
    assert on(either, "Erase", "${Keys.Arn}") == changes | READ_KEYS
    assert on(either, "Erase", "${Marks.Arn}") == {"dynamodb:PartiQLInsert", "dynamodb:Query"}
    assert on(either, "Erase", "${Audit.Arn}") == {"dynamodb:PartiQLInsert"}


def test_the_function_for_long_work_changes_records_and_works_and_deletes_no_key_and_no_mark(either):
    assert on(either, "Maintain", "${Records.Arn}") == READ | {
        f"dynamodb:PartiQL{change}" for change in ("Insert", "Update", "Delete")
    }
    assert on(either, "Maintain", "${Keys.Arn}") == READ_KEYS | {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"}
    assert on(either, "Maintain", "${Marks.Arn}") == {"dynamodb:PartiQLInsert", "dynamodb:Query"}
    assert on(either, "Maintain", "${Audit.Arn}") == {"dynamodb:PartiQLInsert"}


def test_a_restored_table_is_read_by_its_one_name_and_by_the_function_that_puts_it_back(either):
    restored = f"table/twinvault-{either.stage}-restored"
    found = {
        (name, action) for name in FUNCTIONS for action, where in allowed(either, name) if where.endswith(restored)
    }
    assert found == {("Maintain", "dynamodb:Query")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_says_nothing_about_kms_which_the_keys_policies_decide(either, name):
    assert [action for action, _ in allowed(either, name) if action.startswith("kms:")] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_is_allowed_on_every_resource_but_the_two_x_ray_actions(either, name):
    assert on(either, name, "*") == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert [pair for pair in allowed(either, name) if "*" in pair[0] or ("*" in pair[1] and pair[1] != "*")] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_writes_its_own_log_alone(either, name):
    group = function(either, name)["Properties"]["LoggingConfig"]["LogGroup"].removeprefix("${").removesuffix("}")
    writes = {pair for pair in allowed(either, name) if pair[0].startswith("logs:")}
    assert writes == {("logs:CreateLogStream", f"${{{group}.Arn}}"), ("logs:PutLogEvents", f"${{{group}.Arn}}")}


def test_every_function_has_a_role_and_a_log_group_of_its_own(either):
    functions = either.resources("Api", "AWS::Lambda::Function").values()
    assert len({body["Properties"]["Role"] for body in functions}) == len(functions) == len(FUNCTIONS)
    assert len({body["Properties"]["LoggingConfig"]["LogGroup"] for body in functions}) == len(functions)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_is_named_as_the_keys_policies_name_it_and_assumed_by_lambda_alone(either, name):
    _, role = role_of(either, name)
    assert role["Properties"]["RoleName"] == f"twinvault-{either.stage}-{name.lower()}-eu-central-1"
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_runs_the_artifact_on_the_pinned_runtime(either, name):
    properties = function(either, name)["Properties"]
    assert properties["Handler"] == FUNCTIONS[name].handler
    assert properties["Runtime"] == f"python{PYTHON_VERSION}"
    assert (properties["MemorySize"], properties["Timeout"]) == (1024, 29)
    assert properties["Timeout"] <= LONGEST_SECONDS, "what waits for all that may be under way relies on it"
    assert properties["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sam_finds_the_artifact_whose_bytes_are_unchanged(either, artifact, name):
    path = either.folder / function(either, name)["Metadata"]["aws:asset:path"]
    assert path.read_bytes() == artifact.read_bytes()
    assert either.outputs("Api")["ArtifactSha256"] == hashlib.sha256(artifact.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_environment_of_a_function_names_every_variable(prod, name):
    assert variables(prod, name) == VARIABLES | {"TWINVAULT_ARTIFACT": prod.outputs("Api")["ArtifactSha256"]}


def test_the_functions_settings_are_read_from_what_the_stacks_declare(either):
    for name in FUNCTIONS:
        settings = Settings.from_env(
            {
                key: re.sub(r"\W", "", value) if key.endswith(("_TABLE", "_KEYS", "_KEY")) else value
                for key, value in variables(either, name).items()
            }
        )
        assert settings.store == f"twinvault-{either.stage}"
        assert settings.artifact == either.outputs("Api")["ArtifactSha256"]
        assert settings.records_table == "Records"
        assert (settings.root_keys, settings.audit_key) == (("RootKey",), "AuditKey")
        assert (settings.keys_recovery_days, settings.backup_days) == (7, 0)
        assert settings.key_ttl_seconds == 300
        assert (settings.erasure_hold_hours, settings.erasure_four_eyes) == (72, True)


def test_the_twins_stage_differs_in_values_and_in_no_name(dev):
    for name in FUNCTIONS:
        assert set(variables(dev, name)) == {*VARIABLES, "TWINVAULT_ARTIFACT"}


def test_each_route_reaches_its_function_by_payload_2(either):
    integrations = either.resources("Api", "AWS::ApiGatewayV2::Integration")
    assert {body["Properties"]["PayloadFormatVersion"] for body in integrations.values()} == {"2.0"}
    names = {
        f"${{{key}.Arn}}:live": body["Properties"]["FunctionName"]
        for key, body in either.resources("Api", "AWS::Lambda::Function").items()
    }
    routes = {}
    for body in either.resources("Api", "AWS::ApiGatewayV2::Route").values():
        integration = body["Properties"]["Target"].removeprefix("integrations/${").removesuffix("}")
        uri = integrations[integration]["Properties"]["IntegrationUri"]
        routes[body["Properties"]["RouteKey"]] = names[uri].removeprefix(f"twinvault-{either.stage}-")
    assert routes == {f"{method} {path}": spec.name for spec in APPLICATION.functions for method, path in spec.routes}
    answered = {key: spec.name for spec in APPLICATION.functions for key in handler_of(spec).keys}
    assert routes == answered, "a handler answers what the template leads to it, and nothing else"


def handler_of(spec):
    module, _, name = spec.handler.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_the_access_log_holds_the_route_and_never_the_path(either):
    (stage,) = either.resources("Api", "AWS::ApiGatewayV2::Stage").values()
    logged = json.loads(stage["Properties"]["AccessLogSettings"]["Format"])
    assert logged["routeKey"] == "$context.routeKey"
    assert logged["requestId"] == "$context.requestId"
    said = json.dumps(logged).lower()
    assert [word for word in ("path", "query", "authorizer", "header", "resource") if word in said] == []


def test_the_stage_throttles(either):
    (stage,) = either.resources("Api", "AWS::ApiGatewayV2::Stage").values()
    assert stage["Properties"]["StageName"] == "$default"
    assert stage["Properties"]["AutoDeploy"] is True
    assert stage["Properties"]["DefaultRouteSettings"] == {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 1000}


def test_cors_lets_in_the_stages_origins_alone(prod):
    (api,) = prod.resources("Api", "AWS::ApiGatewayV2::Api").values()
    cors = api["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://dashboard.example.com"]
    assert cors["AllowMethods"] == sorted({method for spec in APPLICATION.functions for method, _ in spec.routes})
    assert cors["AllowHeaders"] == ["authorization", "content-type", "idempotency-key"]
    assert "AllowCredentials" not in cors


@pytest.mark.parametrize(("stage", "days"), [("dev", 7), ("prod", 365)])
def test_logs_are_kept_for_as_long_as_the_stage_says_and_outlive_the_stack(synthesized, stage, days):
    groups = synthesized(stage).resources("Api", "AWS::Logs::LogGroup").values()
    assert {body["Properties"]["RetentionInDays"] for body in groups} == {days}
    assert {body["DeletionPolicy"] for body in groups} == {"Retain"}


def test_the_apis_address_is_an_output(either):
    (api,) = either.resources("Api", "AWS::ApiGatewayV2::Api")
    assert either.outputs("Api")["ApiUrl"] == f"${{{api}.ApiEndpoint}}"
