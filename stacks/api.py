"""The API: one HTTP API, a function behind each route, one role for each function."""

import json
from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks import artifact
from stacks.acknowledgements import acknowledge_api, acknowledge_function
from stacks.address import map_address
from stacks.adopting import in_use
from stacks.alarms import add_api_alarm, add_function_alarms, add_gates, make_topic
from stacks.functions import FUNCTIONS, FunctionSpec, environment, make_function, make_log_group
from stacks.releases import LIVE, Deployer, add_routes, release, version_options
from stacks.roles import make_role
from stacks.rollout import Rollout
from stacks.schedules import add_schedule
from stacks.stage import Code, Stage
from stacks.tables import INDEXES

# The route, never the path nor the query: both hold the caller's ids, often a title in disguise.
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integrationStatus",
    "errorType": "$context.error.responseType",
}


class ApiStack(Stack):
    """The functions, their roles and the HTTP API of one stage. Holds no state: it can be torn down and made again."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        code: Code,
        rollout: Rollout,
        tables: Mapping[str, dynamodb.TableV2],
        root_key: kms.IKey,
        audit_key: kms.IKey,
        alarms_key: kms.IKey,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env={"region": stage.region},
            description=f"Twinvault {stage.name}: the functions and the HTTP API",
        )
        self._stage = stage
        self._rollout = rollout
        self._tables = in_use(self, stage, tables)
        digest = artifact.sha256(code.artifact, stage=stage)
        self._code = lambda_.Code.from_asset(str(code.artifact), asset_hash=digest)
        self._versions = version_options(digest)
        self._environment = environment(stage, self._tables, root_key=root_key, audit_key=audit_key, artifact=digest)
        api = self._api()
        self._topic = make_topic(self, stage, key=alarms_key)
        add_api_alarm(self, stage, self._topic, api_id=api.api_id)
        self._deployer = Deployer(self, "Deployer", stage=stage)
        for spec in FUNCTIONS:
            self._serve(api, spec)
        CfnOutput(self, "ArtifactSha256", value=digest)

    def _api(self) -> apigatewayv2.HttpApi:
        domain = self._stage.domain
        api = apigatewayv2.HttpApi(
            self,
            "HttpApi",
            api_name=f"twinvault-{self._stage.name}",
            create_default_stage=False,
            disable_execute_api_endpoint=True if domain and domain.alone else None,
            cors_preflight=apigatewayv2.CorsPreflightOptions(
                allow_origins=list(self._stage.cors_origins),
                allow_methods=[apigatewayv2.CorsHttpMethod[method] for method in _methods()],
                allow_headers=["authorization", "content-type", "idempotency-key"],
                expose_headers=["retry-after"],
                max_age=Duration.hours(1),
            ),
        )
        log_group = make_log_group(self, "AccessLog", self._stage)
        default = apigatewayv2.CfnStage(
            self,
            "DefaultStage",
            api_id=api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=self._stage.throttle_rate, throttling_burst_limit=self._stage.throttle_burst
            ),
            access_log_settings=apigatewayv2.CfnStage.AccessLogSettingsProperty(
                destination_arn=log_group.log_group_arn, format=json.dumps(ACCESS_LOG)
            ),
        )
        acknowledge_api(api)
        if domain:
            map_address(self, domain, api=api, stage=default)
        CfnOutput(self, "ApiUrl", value=f"https://{domain.name}" if domain else api.api_endpoint)
        return api

    def _serve(self, api: apigatewayv2.HttpApi, spec: FunctionSpec) -> None:
        room = Construct(self, spec.name.capitalize())
        log_group = make_log_group(room, "Log", self._stage)
        role = make_role(room, spec, stage=self._stage, tables=self._tables, indexes=INDEXES, log_group=log_group)
        function = make_function(
            room,
            spec,
            stage=self._stage,
            code=self._code,
            rollout=self._rollout,
            environment=self._environment,
            versions=self._versions,
            role=role,
            log_group=log_group,
        )
        add_function_alarms(room, spec, function, stage=self._stage, topic=self._topic)
        gates = add_gates(room, spec, function.current_version, live=LIVE, stage=self._stage, topic=self._topic)
        alias = release(room, spec, function, deployer=self._deployer, alarms=gates, gated=self._rollout.gates)
        add_routes(api, spec, function, alias)
        add_schedule(room, spec, function, alias, stage=self._stage)
        acknowledge_function(role, function)


def _methods() -> list[str]:
    return sorted({method for spec in FUNCTIONS for method, _ in spec.routes})
