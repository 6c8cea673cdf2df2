"""Recorded calls, put to the policies anew: which grant each rests on, and whether it would be refused without it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from twinvault_grants.splitting import PolicyGrant, PolicyPart
from twinvault_iam.book import PolicyBook, table_of
from twinvault_iam.policy import Access, Policy, PolicyKind, Verdict
from twinvault_iam.principals import IamPrincipal
from twinvault_serving.ledger import ALLOW, RecordedCall

type Parts = Mapping[str, tuple[PolicyPart, ...]]
"""Parts of policies, by the ARN that the policies hang on."""


@dataclass(slots=True)
class GrantUse:
    """What a ledger says of grants: `used` some allowed call rests on, without `needed` some call would be refused."""

    used: set[PolicyGrant] = field(default_factory=set)
    needed: set[PolicyGrant] = field(default_factory=set)
    surprising: list[RecordedCall] = field(default_factory=list)  # that these policies would answer otherwise


@dataclass(frozen=True, slots=True)
class SplitBook:
    """All policies of a deployment, taken apart."""

    identity: Parts
    tables: Parts
    keys: Parts

    def grants(self) -> list[PolicyGrant]:
        """Every grant, in the order of the policies."""
        parts = [part for each in (self.identity, self.tables, self.keys) for some in each.values() for part in some]
        return [part.grant for part in parts if part.grant is not None]

    def ask(self, calls: Iterable[RecordedCall]) -> GrantUse:
        """Put calls of principals to these policies."""
        asked, whole = GrantUse(), self.book()
        for call in calls:
            access = access_of(call)
            allowed = whole.decide(access).allowed
            if allowed is not (call.verdict == ALLOW):
                asked.surprising.append(call)
            if allowed:
                self._rests_on(access, asked)
        return asked

    def book(self, without: PolicyGrant | None = None) -> PolicyBook:
        """All of it together, but for one grant."""
        return PolicyBook(
            {arn: (_policy(parts, PolicyKind.IDENTITY, without),) for arn, parts in self.identity.items()},
            {arn: _policy(parts, PolicyKind.RESOURCE, without) for arn, parts in self.tables.items()},
            {arn: _policy(parts, PolicyKind.RESOURCE, without) for arn, parts in self.keys.items()},
        )

    def _rests_on(self, access: Access, asked: GrantUse) -> None:
        for part in self._about(access):
            if part.grant is None or part.grant in asked.needed or part.rule.verdict(access) is not Verdict.ALLOW:
                continue
            asked.used.add(part.grant)
            if not self._without(part.grant, access).decide(access).allowed:
                asked.needed.add(part.grant)

    def _about(self, access: Access) -> Iterable[PolicyPart]:
        yield from self.identity.get(access.caller.principal_arn, ())
        yield from self.tables.get(table_of(access.resource), ())
        yield from self.keys.get(access.resource, ())

    def _without(self, grant: PolicyGrant, access: Access) -> PolicyBook:
        """Of what speaks of one call, all but a grant: to make the whole book anew for each would take long."""
        principal, table, key = access.caller.principal_arn, table_of(access.resource), access.resource
        few = replace(
            self,
            identity={principal: self.identity.get(principal, ())},
            tables={table: self.tables[table]} if table in self.tables else {},
            keys={key: self.keys[key]} if key in self.keys else {},
        )
        return few.book(grant)


def access_of(call: RecordedCall) -> Access:
    """What a recorded call of a principal asks."""
    principal = IamPrincipal(arn=call.principal)
    return Access(principal, call.action, call.resource, {**principal.facts(), **call.facts})


def _policy(parts: Iterable[PolicyPart], kind: PolicyKind, without: PolicyGrant | None) -> Policy:
    return Policy(kind, tuple(part.rule for part in parts if part.grant is None or part.grant != without))
