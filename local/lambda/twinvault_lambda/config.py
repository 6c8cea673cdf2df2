"""The Lambda server's configuration: one JSON file, written by the twin and read once.

The server reads nothing else: no environment variable, no template. Everything here comes from the synthesized
template and the twin's state, already resolved. An unknown, missing or mistyped field names itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from twinvault_lambda.errors import ServerConfigError

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

DEFAULT_ROUTE = "$default"
API_ID = "twinvault"
_DAY_SECONDS = 24 * 3600
_WORDS = {"missing": "missing", "unexpected_keyword_argument": "unknown"}  # by pydantic's types of errors
_ACCESS_LOG_FORMAT = json.dumps(
    {
        "requestId": "$context.requestId",
        "time": "$context.requestTime",
        "httpMethod": "$context.httpMethod",
        "routeKey": "$context.routeKey",
        "status": "$context.status",
        "responseLength": "$context.responseLength",
        "responseLatency": "$context.responseLatency",
        "integrationLatency": "$context.integrationLatency",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A made-up pair, one per function role: the engines tell roles apart by its access key id."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugConfig:
    """A function that waits for a debugger, in one worker and without a time limit."""

    port: int  # where debugpy listens, on 127.0.0.1
    folder: Path  # holds the package debugpy and nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig:
    """One function of the template. ``environment`` is what the template declares, overrides already merged in."""

    name: str
    handler: str  # "package.module.function", as the template writes it
    timeout_seconds: int
    memory_mb: int
    environment: Mapping[str, str] = field(repr=False)
    credentials: Credentials
    debug: DebugConfig | None = None

    @property
    def limit_seconds(self) -> int:
        """How long an invocation may take; someone who steps through the code takes the day."""
        return self.timeout_seconds if self.debug is None else _DAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteConfig:
    """One route of the HTTP API. The catch-all is method ``ANY``, path ``$default``."""

    method: str
    path: str
    function: str
    alias: str | None = None  # of the function, if the integration names one

    @classmethod
    def from_key(cls, route_key: str, *, function: str, alias: str | None = None) -> Self:
        """The template's RouteKey (``GET /pets/{id}`` or ``$default``), aimed at a function's name."""
        if route_key == DEFAULT_ROUTE:
            return cls(method="ANY", path=DEFAULT_ROUTE, function=function, alias=alias)
        method, separator, path = route_key.partition(" ")
        if not separator or not path.startswith("/"):
            raise ServerConfigError(f"route key {route_key!r} is neither 'METHOD /path' nor '{DEFAULT_ROUTE}'")
        return cls(method=method, path=path, function=function, alias=alias)

    @property
    def key(self) -> str:
        """The route key as events and access logs carry it."""
        return DEFAULT_ROUTE if self.path == DEFAULT_ROUTE else f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleConfig:
    """A rule that calls a function again and again, every so many seconds."""

    name: str
    function: str
    every_seconds: int
    alias: str | None = None  # of the function, if the rule names one


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionConfig:
    """A statement of a function's policy: which service may invoke it (or an alias of it), and for which source."""

    function_arn: str  # as the template names it: with an alias, or without
    principal: str
    source_arn: str | None = None  # as ArnLike has it; None for any
    source_account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsConfig:
    """The HTTP API's CorsConfiguration; ``max_age_seconds`` None means that no such header is sent."""

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_seconds: int | None = None
    allow_credentials: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleConfig:
    """The stage's DefaultRouteSettings: a token bucket of ``burst`` tokens, refilled at ``rate`` a second."""

    rate: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerConfig:
    """Workers that are containers, of an image that has Lambda's entrypoint and runtime client."""

    image: str
    platform: str  # such as linux/arm64
    socket: Path  # where the engine answers
    user: str  # who may read the code: uid:gid
    label: str  # by which whoever ends the twin finds what is left
    network: str  # "host", or the name of a network behind which this machine has another name
    host: str  # the name or address of this machine there
    listen: str = "127.0.0.1"  # where this machine's Runtime APIs are for whoever is there


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Everything the Lambda server needs; see each field."""

    api_port: int  # 0 takes a free port; the ready line tells which
    region: str
    account: str
    python: Path  # the base interpreter, not a virtual environment's
    task_root: Path  # the unpacked artifact
    runtime_dir: Path  # Lambda's own runtime client, installed
    log_dir: Path  # <function>.log each, and access.log
    functions: tuple[FunctionConfig, ...]
    routes: tuple[RouteConfig, ...]
    throttle: ThrottleConfig
    permissions: tuple[PermissionConfig, ...] = ()
    schedules: tuple[ScheduleConfig, ...] = ()
    cors: CorsConfig | None = None
    access_log_format: str = _ACCESS_LOG_FORMAT  # the stage's AccessLogSettings.Format
    api_id: str = API_ID
    api_stage: str = "$default"
    ledger: Path | None = None  # where each invocation that is new is written down; None: nowhere
    min_workers: int = 2  # per function, started with the server
    max_workers: int = 8  # per function, on demand
    integration_timeout_seconds: float = 30.0  # the integrations' TimeoutInMillis; an HTTP API's maximum
    containers: ContainerConfig | None = None  # None: workers are processes of this machine
    generation: int = 0  # counts how often the functions were exchanged for newer ones

    def __post_init__(self) -> None:
        """Raises ServerConfigError for what the types alone do not say."""
        names = [function.name for function in self.functions]
        if len(set(names)) != len(names):
            raise ServerConfigError("functions: a name appears twice")
        for route in self.routes:
            if route.function not in names:
                raise ServerConfigError(f"routes: {route.key!r} names the unknown function {route.function!r}")
        for schedule in self.schedules:
            if schedule.function not in names:
                raise ServerConfigError(
                    f"schedules: {schedule.name!r} names the unknown function {schedule.function!r}"
                )
            if schedule.every_seconds < 1:
                raise ServerConfigError(f"schedules: {schedule.name!r} needs at least a second")
        if not 1 <= self.min_workers <= self.max_workers:
            raise ServerConfigError("min_workers: not between 1 and max_workers")

    def to_json(self) -> str:
        """The file's text; ``from_json`` reads it back to an equal configuration."""
        return _adapter().dump_json(self, indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ServerConfig":
        """Raises ServerConfigError, which names the field."""
        from pydantic import ValidationError  # noqa: PLC0415  # as in _adapter

        try:
            return _adapter().validate_json(text, strict=True, extra="forbid")
        except ValidationError as error:
            raise ServerConfigError(_first(error)) from None


@cache
def _adapter() -> "TypeAdapter[ServerConfig]":
    from pydantic import TypeAdapter  # noqa: PLC0415  # 50 ms that a command which reads no configuration need not wait for

    return TypeAdapter(ServerConfig)


def _first(error: "ValidationError") -> str:
    """What is wrong first, and where. Never shows the value: it may be a credential."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "not JSON"
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).removeprefix(".")
    return f"{path or 'the file'}: {_WORDS.get(first['type'], 'not of the expected type')}"
