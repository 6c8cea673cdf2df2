"""The address: a name that stays when the API is another one, by TLS 1.2 or better, and the twin copes with it."""

import pytest

from tests.stacks.conftest import CHOSEN
from twinvault_local.provision import callers, functions
from twinvault_local.provision.template import Assembly, Physical

NAME = CHOSEN["domain"]["name"]


def only(assembly, stack, kind):
    (found,) = assembly.resources(stack, kind).values()
    return found["Properties"]


def test_a_stage_without_a_name_of_its_own_has_no_stack_for_it(prod):
    assert "Address" not in prod.stacks()
    assert "DisableExecuteApiEndpoint" not in only(prod, "Api", "AWS::ApiGatewayV2::Api")
    assert prod.outputs("Api")["ApiUrl"].startswith("${HttpApi")


def test_the_name_stands_in_a_stack_that_outlives_the_api(chosen):
    assert chosen.stacks()["Address"]["properties"]["terminationProtection"] is True
    assert not chosen.resources("Api", "AWS::ApiGatewayV2::DomainName")
    assert chosen.template("Address")["Resources"]["Domain"]["Type"] == "AWS::ApiGatewayV2::DomainName"


def test_neither_stack_hands_the_other_anything_so_that_each_can_be_made_again(chosen):
    assert "Fn::ImportValue" not in str(chosen.template("Address"))
    assert [output for output in chosen.template("Address")["Outputs"].values() if "Export" in output] == []


def test_the_name_is_there_before_the_api_is_mapped_to_it(chosen):
    assert "Twinvault-prod-Address" in chosen.stacks()["Api"]["dependencies"]


def test_the_name_takes_tls_1_2_at_least_under_its_certificate(chosen):
    properties = only(chosen, "Address", "AWS::ApiGatewayV2::DomainName")
    assert properties["DomainName"] == NAME
    assert properties["DomainNameConfigurations"] == [
        {
            "CertificateArn": CHOSEN["domain"]["certificate_arn"],
            "EndpointType": "REGIONAL",
            "SecurityPolicy": "TLS_1_2",
        }
    ]


def test_the_zone_leads_the_name_to_api_gateway(chosen):
    record = only(chosen, "Address", "AWS::Route53::RecordSet")
    assert (record["Name"], record["Type"]) == (NAME, "A")
    assert record["HostedZoneId"] == CHOSEN["domain"]["hosted_zone_id"]
    assert record["AliasTarget"] == {
        "DNSName": "${Domain.RegionalDomainName}",
        "HostedZoneId": "${Domain.RegionalHostedZoneId}",
    }


def test_the_whole_name_leads_to_the_apis_only_stage(chosen):
    mapping = only(chosen, "Api", "AWS::ApiGatewayV2::ApiMapping")
    (api,) = chosen.resources("Api", "AWS::ApiGatewayV2::Api")
    assert mapping == {"ApiId": f"${{{api}}}", "DomainName": NAME, "Stage": "${DefaultStage}"}


def test_the_api_answers_under_its_name_alone_where_the_stage_says_so(chosen):
    assert only(chosen, "Api", "AWS::ApiGatewayV2::Api")["DisableExecuteApiEndpoint"] is True
    assert chosen.outputs("Api")["ApiUrl"] == f"https://{NAME}"


def test_pages_may_call_as_before(prod, chosen):
    with_it, without = (only(one, "Api", "AWS::ApiGatewayV2::Api")["CorsConfiguration"] for one in (chosen, prod))
    assert with_it == without


@pytest.mark.parametrize("kind", ["AWS::Lambda::Permission", "AWS::ApiGatewayV2::Route"])
def test_routes_and_who_may_call_functions_are_as_before(prod, chosen, kind):
    assert chosen.resources("Api", kind) == prod.resources("Api", kind)


def test_the_twin_reads_such_a_template_as_any_other(chosen):
    assembly = Assembly.load(chosen.folder)
    made = {
        one.path: Physical(one.logical_id, {"Arn": f"arn:{one.logical_id}", "KeyId": one.logical_id})
        for one in assembly.resources("AWS::KMS::Key", "AWS::DynamoDB::GlobalTable")
    }
    known = {**made, **callers.roles(assembly), **functions.arns(assembly)}
    secret = callers.AccessKey("TEST", "test")
    api = functions.read_api(assembly, known, overrides={}, caller=lambda _: secret)
    assert {route.function for route in api.routes} == {one.name for one in api.functions}
