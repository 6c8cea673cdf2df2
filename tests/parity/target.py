"""What the checks run against: one deployment of a stage, as plain values and boto3's clients.

A check sees nothing else of where it runs. Where an answer is known to differ, it says so with `Expectations.either`,
which names the line of docs/differences.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
from botocore.config import Config

TWIN, AWS = "twin", "aws"
TABLES = ("Records", "Keys", "Marks", "Audit")  # as the template and its outputs call them
HTTP_SECONDS = 40  # the API itself gives up after 30

type Credentials = Mapping[str, str]
"""Keyword arguments of `boto3.client`; none where boto3 finds its own."""
type Template = Mapping[str, Any]

# Each call once, by its own answer: a check of what is refused must not be repeated by the SDK.
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=10, read_timeout=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One deployment. `outputs` are those of its three stacks, `templates` theirs as they were deployed."""

    kind: str
    stage: str
    region: str
    outputs: Mapping[str, str]
    templates: Mapping[str, Template]
    engines: Mapping[str, str]
    served: Mapping[str, str]  # each version that requests reach: sha256 of its zip, in hex
    endpoints: Mapping[str, str] = field(default_factory=dict)  # by service; without, boto3's own
    caller: Credentials = field(default_factory=dict, repr=False)  # who runs the suite
    tokens: Callable[[str], str] = field(repr=False)  # a tenant of the suite, "own" or "foreign", to its bearer token
    function_credentials: Callable[[str], Credentials | None] = field(repr=False)  # None: the stage does not give them

    @property
    def url(self) -> str:
        """Where the API is."""
        return self.outputs["ApiUrl"].rstrip("/")

    @property
    def artifact(self) -> str:
        """The sha256 of what was deployed, in hex."""
        return self.outputs["ArtifactSha256"]

    def table(self, logical: str) -> str:
        """The physical name of one of `TABLES`."""
        return self.outputs[f"{logical}Table"]

    def table_arn(self, logical: str) -> str:
        """The ARN of one of `TABLES`, in the account that the stage's keys are in."""
        _, partition, _, region, account, _ = self.key("Root").split(":")
        return f"arn:{partition}:dynamodb:{region}:{account}:table/{self.table(logical)}"

    def key(self, logical: str) -> str:
        """The ARN of the key `Root` or `Table`."""
        return self.outputs[f"{logical}KeyArn"]

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        """A client for whoever runs the suite, or for the one whose credentials are given."""
        who = self.caller if credentials is None else credentials
        endpoint = {"endpoint_url": self.endpoints[service]} if service in self.endpoints else {}
        return boto3.client(service, region_name=self.region, config=_CONFIG, **endpoint, **who)

    def call(
        self, method: str, path: str, *, tenant: str = "own", token: str | None = None, content: bytes | None = None
    ) -> httpx.Response:
        """Ask the API, with a tenant's token; `token` may be another one, or empty for none at all."""
        bearer = self.tokens(tenant) if token is None else token
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
        # trust_env: this machine's proxies lead to AWS, and never to the twin.
        return httpx.request(
            method,
            self.url + path,
            content=content,
            headers=headers,
            timeout=HTTP_SECONDS,
            trust_env=self.kind == AWS,
        )


@dataclass(slots=True)
class Expectations:
    """What one check expects where the targets differ, and which lines of docs/differences.md it named for that."""

    kind: str
    lines: list[str] = field(default_factory=list)

    def either(self, *, aws: object, twin: object, line: str) -> Any:
        """What is expected here. `line` is the test that the line of docs/differences.md names."""
        self.lines.append(line)
        return twin if self.kind == TWIN else aws
