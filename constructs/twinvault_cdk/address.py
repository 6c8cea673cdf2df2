"""The address: a name of one's own for the HTTP API, which outlives the API.

The name stands in a stack of its own. An API that is replaced, or torn down and made again, is mapped to the same name
and the same target of API Gateway's, so that neither callers nor DNS notice. TLS 1.2 is the least that it takes.

API Gateway Developer Guide, "Custom domain names for HTTP APIs in API Gateway"; AWS CloudFormation Template Reference,
AWS::ApiGatewayV2::DomainName and AWS::ApiGatewayV2::ApiMapping.
"""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_route53 as route53
from constructs import Construct

from twinvault_cdk.domain import Domain
from twinvault_cdk.names import Names
from twinvault_cdk.stage import Stage


class AddressStack(Stack):
    """The name of one stage's API, and where the stage says so its record in Route 53."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, names: Names, domain: Domain) -> None:
        super().__init__(
            scope,
            construct_id,
            env={"region": stage.region},
            termination_protection=True,
            description=f"{names.title}: the API's name",
        )
        name = apigatewayv2.CfnDomainName(
            self,
            "Domain",
            domain_name=domain.name,
            domain_name_configurations=[
                apigatewayv2.CfnDomainName.DomainNameConfigurationProperty(
                    certificate_arn=domain.certificate_arn, endpoint_type="REGIONAL", security_policy="TLS_1_2"
                )
            ],
        )
        name.override_logical_id("Domain")
        if domain.hosted_zone_id:
            route53.CfnRecordSet(
                self,
                "Record",
                hosted_zone_id=domain.hosted_zone_id,
                name=domain.name,
                type="A",
                alias_target=route53.CfnRecordSet.AliasTargetProperty(
                    dns_name=name.attr_regional_domain_name, hosted_zone_id=name.attr_regional_hosted_zone_id
                ),
            )
        # Whoever has the zone leads the name here, by a CNAME or an alias.
        CfnOutput(self, "AddressTarget", value=name.attr_regional_domain_name)


def map_address(scope: Construct, domain: Domain, *, api: apigatewayv2.HttpApi, stage: apigatewayv2.CfnStage) -> None:
    """Lets the name lead to the API. By the name itself: an export would tie the stacks to each other's updates."""
    mapping = apigatewayv2.CfnApiMapping(scope, "Mapping", api_id=api.api_id, domain_name=domain.name, stage=stage.ref)
    mapping.override_logical_id("Mapping")
