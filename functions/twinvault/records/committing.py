"""Changes of keys for one activity, told of in the audit log: `keys.table.Committer` over it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from twinvault.audit.activity import Activity
from twinvault.audit.elements import HeadSeen, Wrote
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.transaction import Result, Statement
from twinvault.errors import TwinvaultError
from twinvault.keys.table import RegisterChange


@dataclass(frozen=True, slots=True)
class AuditedCommits:
    """`Committer` for one activity."""

    audit: AuditLog
    activity: Activity

    @property
    def observer(self) -> Activity:
        """See `Committer.observer`."""
        return self.activity

    def writing(self) -> AbstractContextManager[None]:
        """See `Committer.writing`."""
        return self.activity.writing()

    def new_attempt(self) -> None:
        """See `Committer.new_attempt`."""
        self.activity.new_attempt()

    def event_id(self) -> str:
        """See `Committer.event_id`."""
        return self.audit.event_id()

    def commit(self, statements: Sequence[Statement], *, event_id: str, change: RegisterChange | None) -> Result:
        """See `Committer.commit`."""
        return self.audit.commit(self.activity, statements, event_id=event_id, wrote=_wrote(change))

    def found_committed(self, event_id: str) -> None:
        """See `Committer.found_committed`."""
        self.audit.found_committed(self.activity, event_id)

    def refused(self, error: TwinvaultError) -> None:
        """See `Committer.refused`."""
        self.audit.refused(self.activity, error)


def _wrote(change: RegisterChange | None) -> dict[str, Wrote]:
    if change is None:
        return {}
    replaced = HeadSeen(*change.replaced) if change.replaced else None
    return {change.mark_pk: Wrote(change.version, change.digest, replaced)}
