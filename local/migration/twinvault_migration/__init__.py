"""Data that exists becomes declared records: what `twinvault migrate` runs (docs/migrate.md).

A source is read item by item, a mapping says which record each one is, and what is written is compared with the source
afterwards. It writes as any program does that has a vault, by the public names of `twinvault`, and no other way.
"""

from twinvault_migration.errors import ItemRefused, MappingError, MigrationError, ProgressError, SourceError
from twinvault_migration.mapping import Mapping, load_mapping
from twinvault_migration.migrating import Migration
from twinvault_migration.report import MigrationReport
from twinvault_migration.target import Migrated

__all__ = [
    "ItemRefused",
    "Mapping",
    "MappingError",
    "Migrated",
    "Migration",
    "MigrationError",
    "MigrationReport",
    "ProgressError",
    "SourceError",
    "load_mapping",
]
