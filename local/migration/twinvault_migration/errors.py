"""The package's errors. None holds a value of the source: they name fields, limits and places.

MigrationError
├── MappingError     the mapping file, or what it names
├── SourceError      the source cannot be read, or is not what it should be
├── ProgressError    the file that says how far a migration came is of another one
└── ItemRefused          one item cannot become a record, or not here; the others go on
"""


class MigrationError(Exception):
    """What the package has to say."""


class MappingError(MigrationError):
    """The mapping file, or a module that it names, cannot be used."""


class SourceError(MigrationError):
    """The source cannot be read."""


class ProgressError(MigrationError):
    """What is there of a migration is not of this one."""


class ItemRefused(MigrationError):
    """One item of the source cannot become a record.

    Attributes:
        reason: the rule, in words without values.
        entity: the entity that it would have become; empty where that is not known.
        field: the field, or the source's attribute, that it is about; empty where it is about none.
    """

    def __init__(self, reason: str, *, entity: str = "", field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.entity = entity
        self.field = field
