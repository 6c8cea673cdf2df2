"""What is granted, used and never used, by function; of one ledger, or of several of one deployment together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from twinvault_grants.asking import SplitBook
from twinvault_grants.splitting import PolicyGrant
from twinvault_iam.patterns import matches_arn
from twinvault_lambda.config import PermissionConfig
from twinvault_lambda.permissions import INVOKE, permits
from twinvault_serving.ledger import ALLOW, DENY, RecordedCall


@dataclass(frozen=True, slots=True)
class Deployment:
    """A twin's functions by name with their roles' ARNs, what policies and permissions say, and what was recorded.

    `names` gives each key and table, by the last part of its ARN, the name that the template has for it.
    """

    functions: Mapping[str, str]
    policies: SplitBook
    permissions: tuple[PermissionConfig, ...]
    calls: tuple[RecordedCall, ...] = field(repr=False)
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True, order=True)
class GrantOf:
    """A grant of a function, with the template's names: what it may do, or (INVOKE) who may invoke it."""

    function: str
    action: str
    resource: str
    statement: str


@dataclass(slots=True)
class Usage:
    """Grants, those that some recorded call rests on, and those without which some call would be refused."""

    granted: set[GrantOf] = field(default_factory=set)
    used: set[GrantOf] = field(default_factory=set)
    needed: set[GrantOf] = field(default_factory=set)
    denied: set[GrantOf] = field(default_factory=set)  # what functions were refused; `statement` is what decided
    surprising: int = 0  # calls that the policies as they are now would answer otherwise

    @property
    def never_used(self) -> set[GrantOf]:
        """Grants that no recorded call rests on."""
        return self.granted - self.used

    def add(self, other: "Usage") -> None:
        """Count what another twin of the same deployment has recorded."""
        self.granted |= other.granted
        self.used |= other.used
        self.needed |= other.needed
        self.denied |= other.denied
        self.surprising += other.surprising


def usage(deployment: Deployment) -> Usage:
    """What of a deployment's grants was used."""
    of_functions = [call for call in deployment.calls if call.principal in deployment.functions.values()]
    asked = deployment.policies.ask(of_functions)
    found = Usage(
        granted=set(_of_functions(deployment, deployment.policies.grants())),
        used=set(_of_functions(deployment, asked.used)),
        needed=set(_of_functions(deployment, asked.needed)),
        denied={_denied(deployment, call) for call in of_functions if call.verdict == DENY},
        surprising=len(asked.surprising),
    )
    found.add(_invocations(deployment))
    return found


def short_name(resource: str, names: Mapping[str, str]) -> str:
    """A resource as people know it: a table, an index, a key or a function, without account and region."""
    parts = resource.split(":", 5)
    last = parts[-1].removeprefix("table/").removeprefix("key/").removeprefix("function:")
    head, slash, rest = last.partition("/")
    return names.get(head, head) + slash + rest


def _of_functions(deployment: Deployment, grants: Iterable[PolicyGrant]) -> Iterable[GrantOf]:
    for grant in grants:
        for name, role in deployment.functions.items():
            if grant.holder == role or matches_arn(role, grant.holder):
                yield GrantOf(name, grant.action, short_name(grant.resource, deployment.names), grant.statement)


def _denied(deployment: Deployment, call: RecordedCall) -> GrantOf:
    (name,) = (name for name, role in deployment.functions.items() if role == call.principal)
    return GrantOf(name, call.action, short_name(call.resource, deployment.names), call.by)


def _invocations(deployment: Deployment) -> Usage:
    """Who may invoke functions: permissions are grants too."""
    found = Usage()
    by_grant = {_permission(deployment, one): one for one in deployment.permissions}  # equal ones are one grant
    found.granted = set(by_grant)
    for call in deployment.calls:
        if call.action != INVOKE:
            continue
        resting = [grant for grant, one in by_grant.items() if permits(one, call)]
        if (call.verdict == ALLOW) is not bool(resting):
            found.surprising += 1
        if call.verdict == DENY:
            found.denied.add(
                GrantOf(_function_of(call.resource), INVOKE, call.principal, call.facts["aws:sourcearn"][0])
            )
        found.used.update(resting)
        found.needed.update(resting if len(resting) == 1 else ())
    return found


def _permission(deployment: Deployment, permission: PermissionConfig) -> GrantOf:
    source = permission.source_arn or "*"
    resource = f"{permission.principal} > {short_name(permission.function_arn, deployment.names)}"
    return GrantOf(_function_of(permission.function_arn), INVOKE, resource, source.split(":", 5)[-1])


def _function_of(arn: str) -> str:
    return arn.split(":function:", 1)[-1].partition(":")[0]
