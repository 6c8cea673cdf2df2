"""What the template says of functions and routes, in the Lambda server's words; only values are overridden.

Source: AWS CloudFormation Template Reference, AWS::Lambda::Function and AWS::ApiGatewayV2::*.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from twinvault_lambda.config import (
    CorsConfig,
    Credentials,
    FunctionConfig,
    RouteConfig,
    ThrottleConfig,
)
from twinvault_lambda.errors import ServerConfigError
from twinvault_local.errors import TemplateError
from twinvault_local.machine.toolchain import RUNTIME_PYTHON
from twinvault_local.provision import callers
from twinvault_local.provision.callers import AccessKey
from twinvault_local.provision.template import ACCOUNT, Assembly, Known, Physical, Resource

FUNCTION, ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Alias"
API, INTEGRATION = "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration"
ROUTE, STAGE = "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage"
_ARCHITECTURES = ("x86_64", "arm64")  # the first is Lambda's default
_DEFAULT_SECONDS, _DEFAULT_MB = 3, 128  # Lambda's own
_DEFAULT_MILLISECONDS = 30_000  # an HTTP API's own, and its maximum
SESSION_TOKEN = "made-up"  # noqa: S105  # a role's credentials have one; nothing here verifies it
_ACCOUNT_RATE, _ACCOUNT_BURST = 10_000, 5_000  # API Gateway's limits of an account, where a stage names none


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """What the template says of its one HTTP API and of the functions behind it."""

    functions: tuple[FunctionConfig, ...]
    routes: tuple[RouteConfig, ...]
    cors: CorsConfig | None
    throttle: ThrottleConfig
    access_log_format: str
    integration_timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Target:
    """What an integration or a rule invokes: a function, or an alias of it."""

    function: str
    alias: str | None = None


def arns(assembly: Assembly) -> dict[str, Physical]:
    """Every function of the template, by its path; the reference is its name, as in Lambda."""
    found = {}
    for resource in assembly.resources(FUNCTION):
        name = assembly.properties(resource, {}, only=("FunctionName",)).get("FunctionName", resource.logical_id)
        arn = f"arn:aws:lambda:{assembly.region}:{ACCOUNT}:function:{name}"
        found[resource.path] = Physical(str(name), {"Arn": arn})
    return found


def architecture(assembly: Assembly) -> str:
    """The processor that the functions of the template run on, `x86_64` or `arm64`: one, for they are one artifact.

    Raises:
        TemplateError: they name several, or another one.
    """
    properties = [assembly.properties(one, {}, only=("Architectures",)) for one in assembly.resources(FUNCTION)]
    found = {name for one in properties for name in one.get("Architectures", [_ARCHITECTURES[0]])}
    if len(found) > 1 or not found <= set(_ARCHITECTURES):
        raise TemplateError(
            f"The template's functions are for {', '.join(sorted(map(str, found)))}; the twin runs them all on"
            f" {' or on '.join(_ARCHITECTURES)}."
        )
    return next(iter(found), _ARCHITECTURES[0])


def read_api(
    assembly: Assembly, known: Known, *, overrides: Mapping[str, str], caller: Callable[[str], AccessKey]
) -> ApiConfig:
    """The template's HTTP API with its functions.

    `caller` gives the credentials of an access key id. `overrides` gives other values to variables that a function
    declares; it declares none, for what a template does not declare does not exist in Lambda either.

    Raises:
        TemplateError: a runtime that is not ours, not exactly one HTTP API, or what `Assembly.properties` raises.
    """
    configured = tuple(
        _function(assembly, one, known, overrides=overrides, caller=caller) for one in assembly.resources(FUNCTION)
    )
    apis = assembly.resources(API)
    if len(apis) != 1:
        raise TemplateError(f"The twin serves exactly one HTTP API; the template has {len(apis)}.")
    cors = assembly.properties(apis[0], known, only=("CorsConfiguration",)).get("CorsConfiguration")
    return ApiConfig(
        functions=configured,
        routes=_routes(assembly, known),
        cors=_cors(cors) if cors else None,
        throttle=_throttle(assembly, known),
        access_log_format=_access_log_format(assembly, known),
        integration_timeout_seconds=_integration_timeout(assembly, known),
    )


def _function(
    assembly: Assembly,
    resource: Resource,
    known: Known,
    *,
    overrides: Mapping[str, str],
    caller: Callable[[str], AccessKey],
) -> FunctionConfig:
    names = ("Environment", "Handler", "MemorySize", "Role", "Runtime", "Timeout")
    properties = assembly.properties(resource, known, only=names)
    runtime = properties.get("Runtime")
    if runtime != f"python{RUNTIME_PYTHON}":
        raise TemplateError(f"{resource.path}: the twin runs python{RUNTIME_PYTHON}, not {runtime}.")
    declared = {name: str(value) for name, value in properties.get("Environment", {}).get("Variables", {}).items()}
    own = caller(callers.access_key_id(properties["Role"].rpartition("/")[2]))
    return FunctionConfig(
        name=known[resource.path].ref,
        handler=properties["Handler"],
        timeout_seconds=int(properties.get("Timeout", _DEFAULT_SECONDS)),
        memory_mb=int(properties.get("MemorySize", _DEFAULT_MB)),
        environment=declared | {name: value for name, value in overrides.items() if name in declared},
        credentials=Credentials(
            access_key_id=own.access_key_id, secret_access_key=own.secret, session_token=SESSION_TOKEN
        ),
    )


def _routes(assembly: Assembly, known: Known) -> tuple[RouteConfig, ...]:
    names = invocable(assembly, known)
    targets: dict[str, Target] = {}
    integrations: dict[str, Physical] = {}
    for resource in assembly.resources(INTEGRATION):
        used = ("IntegrationUri", "IntegrationType", "PayloadFormatVersion")
        properties = assembly.properties(resource, known, only=used)
        form = (properties.get("IntegrationType"), properties.get("PayloadFormatVersion"))
        if form != ("AWS_PROXY", "2.0") or properties["IntegrationUri"] not in names:
            raise TemplateError(f"{resource.path}: the twin knows Lambda integrations of payload format 2.0 alone.")
        targets[f"integrations/{resource.logical_id}"] = names[properties["IntegrationUri"]]
        integrations[resource.path] = Physical(resource.logical_id)
    routes = []
    for resource in assembly.resources(ROUTE):
        used = ("RouteKey", "Target", "AuthorizationType")
        properties = assembly.properties(resource, {**known, **integrations}, only=used)
        if properties.get("AuthorizationType", "NONE") != "NONE":
            raise TemplateError(f"{resource.path}: the twin knows no authorizers; tokens are verified in the handler.")
        try:
            target = targets[properties["Target"]]
            routes.append(RouteConfig.from_key(properties["RouteKey"], function=target.function, alias=target.alias))
        except ServerConfigError as error:
            raise TemplateError(f"{resource.path}: {error.message}.") from None
    return tuple(routes)


def invocable(assembly: Assembly, known: Known) -> dict[str, Target]:
    """Every ARN under which an integration or a rule may name a function: its own, and those of its aliases.

    Which version an alias points at does not matter here: the twin runs the artifact that the next deploy publishes.
    """
    arns = {known[one.path].ref: known[one.path].attributes["Arn"] for one in assembly.resources(FUNCTION)}
    found = {arn: Target(name) for name, arn in arns.items()}
    for resource in assembly.resources(ALIAS):
        alias = assembly.properties(resource, known, only=("FunctionName", "Name"))
        found[f"{arns[alias['FunctionName']]}:{alias['Name']}"] = Target(alias["FunctionName"], alias["Name"])
    return found


def _cors(properties: Mapping[str, Any]) -> CorsConfig:
    age = properties.get("MaxAge")
    return CorsConfig(
        allow_origins=tuple(properties.get("AllowOrigins", ())),
        allow_methods=tuple(properties.get("AllowMethods", ())),
        allow_headers=tuple(properties.get("AllowHeaders", ())),
        expose_headers=tuple(properties.get("ExposeHeaders", ())),
        max_age_seconds=None if age is None else int(age),
        allow_credentials=bool(properties.get("AllowCredentials", False)),
    )


def _throttle(assembly: Assembly, known: Known) -> ThrottleConfig:
    properties = assembly.properties(_stage(assembly), known, only=("DefaultRouteSettings",))
    settings = properties.get("DefaultRouteSettings", {})
    return ThrottleConfig(
        rate=float(settings.get("ThrottlingRateLimit", _ACCOUNT_RATE)),
        burst=int(settings.get("ThrottlingBurstLimit", _ACCOUNT_BURST)),
    )


def _access_log_format(assembly: Assembly, known: Known) -> str:
    """The stage's own; its destination, a log group, is not made here: the lines go to a file."""
    stage = _stage(assembly)
    settings = {"Format": stage.properties.get("AccessLogSettings", {}).get("Format")}
    if settings["Format"] is None:
        raise TemplateError(f"{stage.path}: an access log is needed (AccessLogSettings.Format).")
    return str(assembly.properties(replace(stage, properties=settings), known)["Format"])


def _integration_timeout(assembly: Assembly, known: Known) -> float:
    found = {
        int(assembly.properties(one, known, only=("TimeoutInMillis",)).get("TimeoutInMillis", _DEFAULT_MILLISECONDS))
        for one in assembly.resources(INTEGRATION)
    }
    if len(found) > 1:
        raise TemplateError(f"The twin knows one TimeoutInMillis for all integrations, not {sorted(found)}.")
    return min(found, default=_DEFAULT_MILLISECONDS) / 1000


def _stage(assembly: Assembly) -> Resource:
    stages = assembly.resources(STAGE)
    if len(stages) != 1:
        raise TemplateError(f"The twin serves exactly one API stage; the template has {len(stages)}.")
    return stages[0]
