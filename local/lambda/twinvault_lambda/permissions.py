"""Which service may invoke which function, and for which source: the functions' own policies, as permissions make them.

Each answer goes into the ledger; a refusal is a line of the log too. Nobody may what the template does not let them.
Source: Lambda Developer Guide, "Granting function access to AWS services" and "Using aliases in resource policies".
"""

import logging

from twinvault_iam.patterns import matches_arn
from twinvault_lambda.config import PermissionConfig, RouteConfig, ScheduleConfig, ServerConfig
from twinvault_lambda.environment import function_arn
from twinvault_lambda.errors import LedgerError
from twinvault_serving.ledger import ALLOW, DENY, BadLedgerError, CallLedger, RecordedCall

LOG = logging.getLogger("twinvault.lambda")

INVOKE = "lambda:InvokeFunction"
API_GATEWAY, EVENT_BRIDGE = "apigateway.amazonaws.com", "events.amazonaws.com"


class InvokePermissions:
    """Says who may invoke what."""

    def __init__(self, config: ServerConfig) -> None:
        """Opens the ledger.

        Raises:
            LedgerError: it cannot be written.
        """
        self._config = config
        try:
            self._ledger = CallLedger(config.ledger)
        except BadLedgerError as error:
            raise LedgerError(str(error), next_step="Move it away: a new one is begun then.") from None

    def api_may_invoke(self, route: RouteConfig) -> bool:
        """Whether this API may invoke the function that a route leads to."""
        place = route.path if route.path.startswith("$") else f"{route.method}{route.path}"
        api = f"arn:aws:execute-api:{self._config.region}:{self._config.account}:{self._config.api_id}"
        source = f"{api}/{self._config.api_stage}/{place}"
        return self._may_invoke(API_GATEWAY, source, function_arn(self._config, route.function, route.alias))

    def rule_may_invoke(self, schedule: ScheduleConfig) -> bool:
        """Whether a rule on a schedule may invoke its function."""
        target = function_arn(self._config, schedule.function, schedule.alias)
        return self._may_invoke(EVENT_BRIDGE, rule_arn(self._config, schedule), target)

    def close(self) -> None:
        """Write nothing into the ledger any more."""
        self._ledger.close()

    def _may_invoke(self, service: str, source: str, target: str) -> bool:
        call = RecordedCall(
            caller=service,
            principal=service,
            action=INVOKE,
            resource=target,
            facts={"aws:sourceaccount": (self._config.account,), "aws:sourcearn": (source,)},
            verdict=DENY,
            by="resource",
        )
        allowed = any(permits(permission, call) for permission in self._config.permissions)
        if not allowed:
            LOG.warning("%s for %s is not authorized to perform: %s on resource: %s", service, source, INVOKE, target)
        self._ledger.note(call.said(ALLOW) if allowed else call)
        return allowed


def permits(permission: PermissionConfig, call: RecordedCall) -> bool:
    """Whether a permission lets this call of a service through. One for a function is none for its aliases."""
    (source,), (account,) = call.facts["aws:sourcearn"], call.facts["aws:sourceaccount"]
    return (
        (permission.function_arn, permission.principal) == (call.resource, call.principal)
        and (permission.source_arn is None or matches_arn(source, permission.source_arn))
        and permission.source_account in {None, account}
    )


def rule_arn(config: ServerConfig, schedule: ScheduleConfig) -> str:
    """The ARN of the rule that a schedule is."""
    return f"arn:aws:events:{config.region}:{config.account}:rule/{schedule.name}"
