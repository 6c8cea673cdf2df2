"""Twinvault: an encrypted record store on Amazon DynamoDB.

This is the public surface: what stands in `__all__` keeps its promises from one minor version to the next. The rooms
below (`envelope`, `keys`, `records`, `audit`) are for those who change the library.
"""

from twinvault.compose import Acting, Vault, open_vault
from twinvault.errors import (
    CallerError,
    ConfigurationError,
    Conflict,
    Contention,
    DependencyError,
    Forbidden,
    Incomplete,
    IntegrityError,
    InvalidInput,
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    Step,
    TooLarge,
    TwinvaultError,
    Unauthenticated,
    Unprocessable,
)
from twinvault.records.listing import Listing
from twinvault.records.reading import Snapshot
from twinvault.records.record import Draft, Record
from twinvault.records.spec import FLAG, NULLABLE, NUMBER, TEXT, EntitySpec, KindSpec, head_spec
from twinvault.records.store import PartitionStore
from twinvault.records.writing import Changes, TableNames
from twinvault.scope import Scope

__all__ = [
    "FLAG",
    "NULLABLE",
    "NUMBER",
    "TEXT",
    "Acting",
    "CallerError",
    "Changes",
    "ConfigurationError",
    "Conflict",
    "Contention",
    "DependencyError",
    "Draft",
    "EntitySpec",
    "Forbidden",
    "Incomplete",
    "IntegrityError",
    "InvalidInput",
    "KeyRefused",
    "KindSpec",
    "Listing",
    "NotFound",
    "OutcomeUnknown",
    "PartitionStore",
    "Record",
    "Scope",
    "Snapshot",
    "Step",
    "TableNames",
    "TooLarge",
    "TwinvaultError",
    "Unauthenticated",
    "Unprocessable",
    "Vault",
    "head_spec",
    "open_vault",
]
