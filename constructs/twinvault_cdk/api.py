"""The API: one HTTP API, a function behind each route, one role for each function."""

import json

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from twinvault_cdk import artifact
from twinvault_cdk.acknowledgements import acknowledge_api, acknowledge_function
from twinvault_cdk.address import map_address
from twinvault_cdk.adopting import in_use
from twinvault_cdk.alarms import add_api_alarm, add_function_alarms, add_gates, make_topic
from twinvault_cdk.declarations import FunctionSpec
from twinvault_cdk.functions import environment, make_function, make_log_group
from twinvault_cdk.outputs import say
from twinvault_cdk.releases import LIVE, Deployer, add_routes, release, version_options
from twinvault_cdk.roles import make_role
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.schedules import add_schedule
from twinvault_cdk.stage import Code
from twinvault_cdk.store import Store
from twinvault_cdk.tables import INDEXES

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


class Api(Construct):
    """The functions, their roles and the HTTP API of one store. Holds no state: it can be torn down and made again.

    It stands in a stack of its own or in the store's.

    Raises:
        StageError: there is no artifact, or the stage's region has no endpoints of the kind that it asks for.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, store: Store, code: Code, rollout: Rollout | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        stage, keys = store.stage, store.keys
        self._stage = stage
        self._names = store.names
        self._functions = store.application.functions
        self._rollout = rollout or Rollout()
        self._tables = in_use(self, stage, store.tables)
        digest = artifact.sha256(code.artifact, stage=stage)
        self._code = lambda_.Code.from_asset(str(code.artifact), asset_hash=digest)
        self._versions = version_options(digest)
        self._environment = environment(
            stage, self._tables, names=self._names, root_key=keys.root, audit_key=keys.audit, artifact=digest
        )
        api = self._api()
        self.topic = make_topic(self, stage, names=self._names, key=keys.alarms)
        add_api_alarm(self, self._names, self.topic, api_id=api.api_id)
        self._deployer = Deployer(self, "Deployer", names=self._names)
        for spec in self._functions:
            self._serve(api, spec)
        say(self, "ArtifactSha256", digest)

    def _api(self) -> apigatewayv2.HttpApi:
        domain = self._stage.domain
        api = apigatewayv2.HttpApi(
            self,
            "HttpApi",
            api_name=self._names.prefix,
            create_default_stage=False,
            disable_execute_api_endpoint=True if domain and domain.alone else None,
            cors_preflight=apigatewayv2.CorsPreflightOptions(
                allow_origins=list(self._stage.cors_origins),
                allow_methods=[apigatewayv2.CorsHttpMethod[method] for method in self._methods()],
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
        say(self, "ApiUrl", f"https://{domain.name}" if domain else api.api_endpoint)
        return api

    def _serve(self, api: apigatewayv2.HttpApi, spec: FunctionSpec) -> None:
        room = Construct(self, spec.name.capitalize())
        log_group = make_log_group(room, "Log", self._stage)
        role = make_role(
            room,
            spec,
            stage=self._stage,
            names=self._names,
            tables=self._tables,
            indexes=INDEXES,
            log_group=log_group,
        )
        function = make_function(
            room,
            spec,
            stage=self._stage,
            names=self._names,
            code=self._code,
            rollout=self._rollout,
            environment=self._environment,
            versions=self._versions,
            role=role,
            log_group=log_group,
        )
        add_function_alarms(room, spec, function, names=self._names, topic=self.topic)
        gates = add_gates(room, spec, function.current_version, live=LIVE, names=self._names, topic=self.topic)
        alias = release(room, spec, function, deployer=self._deployer, alarms=gates, gated=self._rollout.gates)
        add_routes(api, spec, function, alias)
        add_schedule(room, spec, function, alias, names=self._names)
        acknowledge_function(role, function)

    def _methods(self) -> list[str]:
        return sorted({method for spec in self._functions for method, _ in spec.routes})
