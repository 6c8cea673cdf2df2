"""The Lambda server's configuration, read from the template."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twinvault_local.errors import NotRunningError, TemplateError
from twinvault_local.machine import files
from twinvault_local.provision import callers, functions
from twinvault_local.provision.callers import AccessKey
from twinvault_local.provision.functions import ApiConfig
from twinvault_local.provision.template import Assembly, Known, Physical

type Templates = dict[str, dict[str, Any]]
type Load = Callable[[Templates], Assembly]

OVERRIDES = {
    "AWS_ENDPOINT_URL_KMS": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:2",
    "TWINVAULT_ISSUER": "http://127.0.0.1:3",
}


def known(assembly: Assembly) -> Known:
    made = {
        "Small-Keys/RootKey": Physical("root-id", {"Arn": "arn:root"}),
        "Small-Keys/TableKey": Physical("table-id", {"Arn": "arn:table"}),
        "Small-Tables/Records": Physical("records-1"),
    }
    return {**callers.roles(assembly), **functions.arns(assembly), **made}


def described(assembly: Assembly) -> ApiConfig:
    return functions.read_api(
        assembly, known(assembly), overrides=OVERRIDES, caller=lambda key: AccessKey(key, f"of {key}")
    )


def test_a_function_is_as_the_template_says(templates: Templates, load: Load) -> None:
    read, write = described(load(templates)).functions
    assert (read.name, read.handler, read.timeout_seconds, read.memory_mb) == (
        "small-dev-read",
        "small.handlers.read",
        10,
        256,
    )
    assert (write.name, write.handler) == ("small-dev-write", "small.handlers.write")


def test_only_values_are_overridden_and_nothing_is_added(templates: Templates, load: Load) -> None:
    declared = templates["Small-Api"]["Resources"]["ReadFunction"]["Properties"]["Environment"]["Variables"]
    environment = described(load(templates)).functions[0].environment
    assert environment.keys() == declared.keys()
    assert "AWS_ENDPOINT_URL_DYNAMODB" not in environment
    assert environment["AWS_ENDPOINT_URL_KMS"] == "http://127.0.0.1:1"
    assert environment["TWINVAULT_ISSUER"] == "http://127.0.0.1:3"
    assert environment["TWINVAULT_RECORDS_TABLE"] == "records-1"
    assert environment["TWINVAULT_ROOT_KEYS"] == "root-id"
    assert environment["TWINVAULT_AUDIENCE"] == "small"


def test_each_function_calls_as_its_own_role(templates: Templates, load: Load) -> None:
    assembly = load(templates)
    table = callers.table(callers.roles(assembly), seed=b"seed")
    credentials = [function.credentials for function in described(assembly).functions]
    arns = [table[one.access_key_id]["arn"] for one in credentials]
    assert [one.secret_access_key for one in credentials] == [f"of {one.access_key_id}" for one in credentials]
    assert arns == ["arn:aws:iam::000000000000:role/small-dev-read", "arn:aws:iam::000000000000:role/small-dev-write"]
    for key, name in ((callers.OPERATOR, "operator"), (callers.PROVISIONER, "provisioner")):
        assert (table[key]["arn"], table[key]["name"]) == ("arn:aws:iam::000000000000:root", name)
    assert all(key.isalnum() for key in table)


def test_secrets_are_the_seeds_and_each_callers_own(templates: Templates, load: Load, tmp_path: Path) -> None:
    known_roles = callers.roles(load(templates))
    table = callers.table(known_roles, seed=b"seed")
    assert len({each["secret"] for each in table.values()}) == len(table)
    assert callers.table(known_roles, seed=b"seed") == table
    assert callers.table(known_roles, seed=b"other") != table
    files.write_json(tmp_path / "callers.json", table)
    found = callers.read(tmp_path / "callers.json", callers.OPERATOR)
    assert found == AccessKey(callers.OPERATOR, table[callers.OPERATOR]["secret"])
    assert found.secret not in repr(found)
    with pytest.raises(NotRunningError, match="NOBODY"):
        callers.read(tmp_path / "callers.json", "NOBODY")


def test_roles_whose_access_key_ids_would_be_the_same_are_refused(templates: Templates, load: Load) -> None:
    templates["Small-Api"]["Resources"]["ReadRole"]["Properties"]["RoleName"] = "small-devwrite"
    with pytest.raises(TemplateError, match="too much alike"):
        callers.table(callers.roles(load(templates)), seed=b"seed")


def test_routes_lead_to_the_functions_of_their_integrations(templates: Templates, load: Load) -> None:
    routes = described(load(templates)).routes
    assert {(route.key, route.function) for route in routes} == {
        ("GET /things/{id}", "small-dev-read"),
        ("POST /things", "small-dev-write"),
    }


def test_a_route_may_lead_to_an_alias_of_its_function(templates: Templates, load: Load) -> None:
    resources = templates["Small-Api"]["Resources"]
    resources["ReadLive"] = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "Name": "live",
            "FunctionName": {"Ref": "ReadFunction"},
            # The twin makes no versions, and does not look at which one it is.
            "FunctionVersion": {"Fn::GetAtt": ["ReadVersion1", "Version"]},
        },
    }
    uri = {"Fn::Join": ["", [{"Fn::GetAtt": ["ReadFunction", "Arn"]}, ":live"]]}
    resources["ReadIntegration"]["Properties"]["IntegrationUri"] = uri
    routes = {route.key: route.function for route in described(load(templates)).routes}
    assert routes["GET /things/{id}"] == "small-dev-read"


def test_a_route_to_an_alias_that_does_not_exist_is_refused(templates: Templates, load: Load) -> None:
    uri = {"Fn::Join": ["", [{"Fn::GetAtt": ["ReadFunction", "Arn"]}, ":live"]]}
    templates["Small-Api"]["Resources"]["ReadIntegration"]["Properties"]["IntegrationUri"] = uri
    with pytest.raises(TemplateError, match="ReadIntegration"):
        described(load(templates))


def test_cors_throttling_and_access_log_are_the_templates(templates: Templates, load: Load) -> None:
    service = described(load(templates))
    assert service.cors is not None
    assert (service.cors.allow_origins, service.cors.max_age_seconds) == (("https://a.example",), 60)
    assert (service.throttle.rate, service.throttle.burst) == (50, 100)
    assert service.access_log_format == '{"route": "$context.routeKey"}'
    assert service.integration_timeout_seconds == 30


def test_the_integrations_timeout_is_the_templates(templates: Templates, load: Load) -> None:
    templates["Small-Api"]["Resources"]["ReadIntegration"]["Properties"]["TimeoutInMillis"] = 5000
    with pytest.raises(TemplateError, match="TimeoutInMillis"):
        described(load(templates))
    templates["Small-Api"]["Resources"]["WriteIntegration"]["Properties"]["TimeoutInMillis"] = 5000
    assert described(load(templates)).integration_timeout_seconds == 5


def test_an_api_without_cors_has_none(templates: Templates, load: Load) -> None:
    del templates["Small-Api"]["Resources"]["Api"]["Properties"]["CorsConfiguration"]
    assert described(load(templates)).cors is None


@pytest.mark.parametrize(
    ("resource", "properties", "says"),
    [
        pytest.param("ReadFunction", {"Runtime": "python3.12"}, r"not python3\.12", id="another runtime"),
        pytest.param("ReadIntegration", {"PayloadFormatVersion": "1.0"}, "ReadIntegration", id="payload format 1.0"),
        pytest.param(
            "ReadIntegration", {"IntegrationType": "HTTP_PROXY"}, "ReadIntegration", id="no Lambda integration"
        ),
        pytest.param("ReadRoute", {"AuthorizationType": "JWT"}, "ReadRoute", id="an authorizer"),
        pytest.param("ReadRoute", {"RouteKey": "$connect"}, "ReadRoute", id="a route key of another kind of API"),
    ],
)
def test_what_the_server_cannot_do_as_the_service_does_is_refused(
    templates: Templates, load: Load, resource: str, properties: dict[str, Any], says: str
) -> None:
    templates["Small-Api"]["Resources"][resource]["Properties"] |= properties
    with pytest.raises(TemplateError, match=says):
        described(load(templates))


def test_the_processor_is_the_one_of_all_functions(templates: Templates, load: Load) -> None:
    assert functions.architecture(load(templates)) == "x86_64"
    resources = templates["Small-Api"]["Resources"]
    names = [name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Function"]
    for name in names:
        resources[name]["Properties"]["Architectures"] = ["arm64"]
    assert functions.architecture(load(templates)) == "arm64"
    del resources[names[0]]["Properties"]["Architectures"]
    with pytest.raises(TemplateError, match="are for arm64, x86_64; the twin runs them all on x86_64 or on arm64"):
        functions.architecture(load(templates))


def test_a_template_without_exactly_one_api_is_refused(templates: Templates, load: Load) -> None:
    templates["Small-Api"]["Resources"]["Other"] = templates["Small-Api"]["Resources"]["Api"]
    with pytest.raises(TemplateError, match="exactly one HTTP API"):
        described(load(templates))
