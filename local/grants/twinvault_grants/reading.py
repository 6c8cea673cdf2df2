"""A deployment, read from what a twin wrote down."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from twinvault_grants.asking import SplitBook
from twinvault_grants.splitting import split_identity, split_resource
from twinvault_grants.usage import Deployment
from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.services import DYNAMODB, KMS
from twinvault_lambda.config import ServerConfig
from twinvault_lambda.errors import ServerConfigError
from twinvault_serving.ledger import BadLedgerError, recorded


class GrantsError(Exception):
    """A file of a twin that cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class TwinFiles:
    """Where a twin has its policies, its callers, its server's configuration, its names and its ledgers."""

    policies: Path
    callers: Path
    server: Path
    provisioned: Path
    ledgers: Sequence[Path]


def read_deployment(files: TwinFiles) -> Deployment:
    """What is granted in a twin, and what was recorded.

    Raises:
        GrantsError: a file is missing, or is not of its form.
    """
    try:
        server = ServerConfig.from_json(files.server.read_text(encoding="utf-8"))
        listed = {key: _arn(each) for key, each in _json(files.callers).items()}
        return Deployment(
            functions={one.name: listed[one.credentials.access_key_id] for one in server.functions},
            policies=split_policies(_json(files.policies)),
            permissions=server.permissions,
            calls=tuple(chain.from_iterable(recorded(path) for path in files.ledgers)),
            names={str(name): path.rpartition("/")[2] for path, name in _json(files.provisioned).items()},
        )
    except (MalformedPolicyError, BadLedgerError, ServerConfigError) as error:
        raise GrantsError(str(error)) from None
    except (OSError, AttributeError, KeyError, TypeError) as error:
        raise GrantsError(f"What the twin wrote down is not whole: {type(error).__name__}: {error}.") from None


def split_policies(document: Mapping[str, Any]) -> SplitBook:
    """The policies of a policies file, taken apart.

    Raises:
        MalformedPolicyError: one of them would not be evaluated.
    """
    return SplitBook(
        {arn: tuple(split_identity(each, holder=arn)) for arn, each in document["identity"].items()},
        {arn: tuple(split_resource(one, resource=arn, words=DYNAMODB)) for arn, one in document["resource"].items()},
        {arn: tuple(split_resource(one, resource=arn, words=KMS)) for arn, one in document.get("keys", {}).items()},
    )


def _arn(caller: object) -> str:
    return str(caller["arn"]) if isinstance(caller, dict) else str(caller)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise GrantsError(f"{path} cannot be read.") from None
    if not isinstance(found, dict):
        raise GrantsError(f"{path} is not an object.")
    return found
