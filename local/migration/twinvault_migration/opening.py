"""What a mapping names, opened: the vault and the source. The only module that makes clients.

Regions, endpoints and credentials are those of the environment, as boto3 finds them; a source of another account or
region has its own (`source.profile`, `source.region`).
"""

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from twinvault import ConfigurationError, InvalidInput, TableNames, Vault, open_vault
from twinvault_migration.errors import MappingError
from twinvault_migration.mapping import Mapping
from twinvault_migration.sources import ExportSource, Source, TableSource

_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=15)


def open_mapped_vault(mapping: Mapping) -> Vault:
    """The vault that `[store]` describes; nobody is called yet.

    Raises:
        MappingError: with these values there can be none.
    """
    store = mapping.store
    try:
        session = boto3.Session()  # of this environment, whatever else the process made before
        return open_vault(
            store=store["name"],
            dynamodb=session.client("dynamodb", config=_CONFIG),
            kms=session.client("kms", config=_CONFIG),
            tables=TableNames(**{name: store[name] for name in ("records", "keys", "marks", "audit")}),
            root_keys=store["root_keys"],
            function="migrate",
        )
    except (ConfigurationError, InvalidInput, BotoCoreError) as error:
        raise MappingError(f"store: {error}") from None


def open_source(mapping: Mapping) -> Source:
    """The source that `[source]` describes; nothing is read yet.

    Raises:
        MappingError: there is no such profile, or no region.
    """
    source = mapping.source
    if "export" in source:
        return ExportSource(mapping.folder / source["export"])
    try:
        session = boto3.Session(profile_name=source.get("profile"), region_name=source.get("region"))
        return TableSource(session.client("dynamodb", config=_CONFIG), source["table"])
    except BotoCoreError as error:
        raise MappingError(f"source: {error}") from None
