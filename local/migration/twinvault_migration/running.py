"""A migration put together from a mapping: what the command runs, and the errors that it tells apart."""

from pathlib import Path

from twinvault import ConfigurationError, DependencyError, IntegrityError
from twinvault_migration.mapping import Mapping
from twinvault_migration.migrating import DEFAULT_UNITS, Migration, Tell
from twinvault_migration.opening import open_mapped_vault, open_source
from twinvault_migration.progress import Reached
from twinvault_migration.storing import Storing

TAMPERED = (IntegrityError,)
UNAVAILABLE = (DependencyError, ConfigurationError)


def migration(mapping: Mapping, principal: str, *, units: float = DEFAULT_UNITS, show: Tell) -> Migration:
    """The migration that a mapping describes, in the name of this principal; nobody is called yet.

    Raises:
        MappingError: with its values there is no store.
    """
    storing = Storing(open_mapped_vault(mapping), principal)
    return Migration(open_source(mapping), mapping, storing, units, show)


def progress_of(migrated: Migration, path: Path) -> Reached:
    """How far this migration came.

    Raises:
        ProgressError: the file is of another one.
    """
    return Reached.at(path, mapping=migrated.mapping.digest, source=migrated.source.name)
