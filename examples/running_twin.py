"""The running twin's engines, as another team's own service would reach its tables and keys in an account.

    twinvault up
    .venv/bin/python examples/own_records.py [STATE FOLDER]

In an account none of this is needed: boto3's clients take region and credentials from where they run, and the names of
the tables and the key are the stack's outputs (docs/deploy.md).
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from twinvault import TableNames
from twinvault_local import status
from twinvault_local.provision import aws, callers
from twinvault_local.state import StateFolder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

# Policies name roles. This is the one that may make keys; a service of your own is given its own.
ROLE = "twinvault-dev-import-eu-central-1"


def engine() -> "DynamoDBClient":
    """A client of the engine that holds the tables, which asks no policy: for looking, and for tampering by hand."""
    told = status.facts(_state())
    anybody = callers.AccessKey(told.engine_access_key_id, "any")
    return aws.dynamodb_client(told.endpoints["dynamodb_engine"], region=told.region, caller=anybody)


def connect() -> "tuple[DynamoDBClient, KMSClient, TableNames, list[str]]":
    """Clients of the twin whose state folder the command line names, its tables, and the id of its root key."""
    state = _state()
    told = status.facts(state)
    caller = callers.read(state.callers, callers.access_key_id(ROLE))
    dynamodb = aws.dynamodb_client(told.endpoints["dynamodb"], region=told.region, caller=caller)
    kms = aws.kms_client(told.endpoints["kms"], region=told.region, caller=caller)
    made = json.loads(state.provisioned.read_bytes())
    (root_key,) = (name for path, name in made.items() if path.endswith("/RootKey"))
    tables = TableNames(**{name: told.tables[name] for name in ("records", "keys", "marks", "audit")})
    return dynamodb, kms, tables, [root_key]


def _state() -> StateFolder:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / ".twinvault"
    return StateFolder(folder.absolute())
