"""What the key hierarchy needs of others: the keys table, the marks, and commits that the audit log tells of."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from twinvault.dynamodb.marks import Mark
    from twinvault.dynamodb.transaction import Result, Statement
    from twinvault.envelope.item import Item
    from twinvault.errors import TwinvaultError
    from twinvault.observe import Observer


class KeyTable(Protocol):
    """The keys table. All reads are strongly consistent."""

    def get(self, pk: str, sk: str) -> "Item | None":
        """The row, or None."""

    def get_isolated(self, pk: str, sk: str) -> "Item | None":
        """The row, or None, by TransactGetItems: no transaction that touches it is half done.

        Raises:
            Contention: one is under way.
        """

    def query(self, pk: str, prefix: str, *, limit: int | None = None) -> "Sequence[Item]":
        """The rows whose sort key begins with `prefix`, in order; all pages unless limited."""

    def query_range(self, pk: str, first: str, *, last: str, limit: int) -> "Sequence[Item]":
        """The rows whose sort keys lie from `first` to `last`, in order, at most `limit`."""


class RegisterMarks(Protocol):
    """The marks of registers and of holds (docs/format.md, "Marks")."""

    def newest(self, mark_pk: str) -> "Mark | None":
        """The newest mark, strongly consistent; None where nothing was ever written.

        Raises:
            IntegrityError: what stands there is no mark.
        """


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """What a transaction makes of a tenant's register, or of its legal holds, which have marks of the same kind.

    Attributes:
        mark_pk: where its marks stand.
        version: the register's new version.
        digest: the new register's seal.
        replaced: version and digest of the one before; None for a new tenant.
    """

    mark_pk: str
    version: int
    digest: bytes
    replaced: tuple[int, bytes] | None


class Committer(Protocol):
    """Writes for one activity, each together with the audit entry that tells of it."""

    @property
    def observer(self) -> "Observer":
        """The activity, as those see it who do something for it."""

    def writing(self) -> "AbstractContextManager[None]":
        """Around one change with all its attempts."""

    def new_attempt(self) -> None:
        """The change is planned anew: what was done for the attempt before does not count."""

    def event_id(self) -> str:
        """A new event's id, which is sealed into what the event's own transaction writes."""

    def commit(self, statements: "Sequence[Statement]", *, event_id: str, change: RegisterChange | None) -> "Result":
        """Applies the statements and the entry together or not at all; `failed` counts among `statements`.

        `change` is None where the register stays: of rows that it says nothing of.
        """

    def found_committed(self, event_id: str) -> None:
        """A commit whose outcome was not known turns out to have been applied, entry and all."""

    def refused(self, error: "TwinvaultError") -> None:
        """Says in an entry that something did not open, and the change goes on without it.

        Raises:
            DependencyError: the audit log cannot be written now.
        """
