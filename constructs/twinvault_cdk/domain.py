"""A stage's domain: the name that callers know, which stays when the API behind it is another one."""

from collections.abc import Mapping
from dataclasses import dataclass

from twinvault_cdk import checks

_RULE = (
    'null, or {"name": "api.acme.org", "certificate_arn": "arn:aws:acm:...", "hosted_zone_id": "Z...", '
    '"alone": true or false}, where hosted_zone_id may be missing'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The name under which an API is called."""

    name: str
    certificate_arn: str  # ACM's, of the API's region, for this name
    hosted_zone_id: str | None  # Route 53's, which then leads the name to the API; None: whoever has the zone does
    alone: bool  # whether the API answers under this name alone, and not under API Gateway's as well

    @property
    def certificate_region(self) -> str:
        """The region that the certificate is of."""
        return self.certificate_arn.split(":")[3]


_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_CHECKS: Mapping[str, checks.Check] = {
    # API Gateway takes neither capitals nor underscores (AWS::ApiGatewayV2::DomainName, "DomainName").
    "name": checks.matching(rf"(?=.{{1,253}}$)({_LABEL}\.)+{_LABEL}", _RULE),
    "certificate_arn": checks.matching(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+", _RULE),
    "hosted_zone_id": checks.optional(checks.matching(r"Z[A-Z0-9]{1,31}", _RULE)),
    "alone": checks.truth,
}


def domain(value: object) -> Domain:
    """Returns the domain that a stage's value says, each part of it checked."""
    try:
        if isinstance(value, Mapping) and not value.keys() - _CHECKS.keys():
            return Domain(**{name: check(value.get(name)) for name, check in _CHECKS.items()})
    except ValueError:
        pass  # whichever part it is, the rule is about the whole
    raise ValueError(_RULE)
