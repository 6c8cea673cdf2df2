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

# The keys' policies name roles. This is the one that may make keys; a service of your own is given its own.
ROLE = "twinvault-dev-import"


def connect() -> "tuple[DynamoDBClient, KMSClient, TableNames, list[str]]":
    """Clients of the twin whose state folder the command line names, its tables, and the id of its root key."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / ".twinvault"
    state = StateFolder(folder.absolute())
    told = status.facts(state)
    caller = callers.access_key_id(ROLE)
    dynamodb = aws.dynamodb_client(told.endpoints["dynamodb"], region=told.region, access_key_id=caller)
    kms = aws.kms_client(told.endpoints["kms"], region=told.region, access_key_id=caller)
    made = json.loads(state.provisioned.read_bytes())
    (root_key,) = (name for path, name in made.items() if path.endswith("/RootKey"))
    tables = TableNames(**{name: told.tables[name] for name in ("records", "keys", "marks", "audit")})
    return dynamodb, kms, tables, [root_key]
