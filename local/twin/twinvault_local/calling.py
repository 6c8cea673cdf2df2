"""What a program needs to call a twin that runs, as environment variables: endpoints, names, and whose credentials.

A shell that calls the twin must not reach the real AWS by what it was before: each variable that would lead there is
given another value, or none. Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints" (a service's own
variable wins over AWS_ENDPOINT_URL, both over the shared config file, unless they are ignored), "AWS Region".
"""

from collections.abc import Iterable

from twinvault_lambda.config import FunctionConfig
from twinvault_lambda.environment import DEAD_ENDPOINT
from twinvault_local import lambda_server, status
from twinvault_local.state import StateFolder

type Variables = dict[str, str | None]
"""Names of environment variables and their values; None: there must be none."""

# What would choose other credentials, or make a client refuse an address that is given.
_UNSET = (
    *("AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_SESSION_TOKEN"),
    *("AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"),
)
_OWN_ADDRESS = "AWS_ENDPOINT_URL_"
_NAMES = frozenset(
    {
        *("TWINVAULT_AUDIT_TABLE", "TWINVAULT_KEYS_TABLE", "TWINVAULT_MARKS_TABLE", "TWINVAULT_RECORDS_TABLE"),
        *("TWINVAULT_ISSUER", "TWINVAULT_ROOT_KEYS"),
    }
)


def variables(state: StateFolder, function: str | None, *, already: Iterable[str] = ()) -> Variables:
    """Return what calls the twin in a function's name; for None, endpoints and names alone.

    `already` names the variables that the caller has: an address of a service that the twin does not serve is taken
    away.

    Raises:
        NotRunningError: no twin runs.
    """
    facts, functions = status.facts(state), lambda_server.read(state).functions
    found: Variables = dict.fromkeys((*_UNSET, *(name for name in already if name.startswith(_OWN_ADDRESS))))
    found |= {
        "AWS_ENDPOINT_URL": DEAD_ENDPOINT,
        "AWS_ENDPOINT_URL_DYNAMODB": facts.endpoints["dynamodb"],
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": facts.endpoints["dynamodb"],
        "AWS_ENDPOINT_URL_KMS": facts.endpoints["kms"],
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_REGION": facts.region,
        "AWS_DEFAULT_REGION": facts.region,  # boto3 reads no other
        "TWINVAULT_URL": facts.url,
    }
    ours = [one for one in functions if function in {None, one.name}]
    found |= {name: value for one in reversed(ours) for name, value in one.environment.items() if name in _NAMES}
    return found | (_credentials(ours[0]) if function else {})


def _credentials(function: FunctionConfig) -> Variables:
    own = function.credentials
    return {"AWS_ACCESS_KEY_ID": own.access_key_id, "AWS_SECRET_ACCESS_KEY": own.secret_access_key}
