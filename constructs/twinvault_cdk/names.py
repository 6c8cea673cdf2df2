"""What everything of an application's stage is called: one place says it, for keys, tables, functions and roles alike.

Keys' policies name roles before there are any, by the names that this module says and nothing else
(docs/adr/0006-key-policies-name-roles-by-condition.md).
"""

from dataclasses import dataclass

LONGEST_NAME = 64  # of a function and of a role (AWS Lambda API Reference, "CreateFunction"; IAM, "CreateRole")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of one application's stage in one region. An account has one role of a name, whatever its region."""

    application: str
    stage: str
    region: str

    @property
    def prefix(self) -> str:
        """What all physical names begin with."""
        return f"{self.application}-{self.stage}"

    @property
    def title(self) -> str:
        """The same, as people read it."""
        return f"{self.application.capitalize()} {self.stage}"

    @property
    def backup_table(self) -> str:
        """What a records table must be called that is restored from a backup to put partitions back from.

        It is fixed, so that nothing has to be deployed when it is needed. There need not be such a table.
        """
        return f"{self.prefix}-restored"

    def stack(self, name: str) -> str:
        """The name of a stack."""
        return f"{self.application.capitalize()}-{self.stage}-{name}"

    def function(self, name: str) -> str:
        """The name of a function."""
        return f"{self.prefix}-{name}"

    def role(self, function: str) -> str:
        """The name of a function's role. It says the region: an account has one of a name."""
        return f"{self.function(function)}-{self.region}"
