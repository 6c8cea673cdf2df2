"""The legal holds of an activity's tenant, as its caller's code sees, puts and lifts them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import head_mark_key, hold_mark_key
from twinvault.envelope import require_id
from twinvault.errors import InvalidInput
from twinvault.keys.holding import MAX_TEXT, Hold
from twinvault.records.committing import AuditedCommits
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.acting import Acting


@dataclass(frozen=True, slots=True)
class TenantHolds:
    """The legal holds of an activity's tenant. Each call is audited before it returns."""

    _acting: "Acting"

    def standing(self) -> tuple[Hold, ...]:
        """What is under a hold, the tenant itself first; nothing where it has no keys.

        Raises:
            IntegrityError: the row of holds was changed, taken away or put back.
            KeyRefused, DependencyError: as for any key.
        """
        acting = self._acting
        with acting.activity.going_on():
            acting.activity.asked(hold_mark_key(acting.tenant))
            found = acting.vault.holds.standing(acting.tenant, observer=acting.activity)
        acting.release()
        return found

    def put(
        self,
        *,
        kind: str | None = None,
        partition: str | None = None,
        caller_id: str | None = None,
        reason: str = "",
    ) -> tuple[Hold, bool]:
        """Holds a partition, or without one the tenant; returns the hold, and whether this call put it.

        What is held already stays as it is. Of the tenant it is put even where the row of holds is lost; what else was
        held is lost with that, and the audit log says so.

        Raises:
            InvalidInput: kind or partition is no id, or only one of them is given; a text is over 256 characters.
            NotFound: the tenant has no keys.
            TooLarge: there are as many holds as may be: hold the tenant.
            OutcomeUnknown: it may or may not be put; repeating is safe.
            IntegrityError, KeyRefused, DependencyError: as for `standing`.
        """
        acting = self._acting
        _require_text(reason, "reason")
        _require_text(caller_id or "", "id")
        self._ask(kind, partition)
        hold = Hold(
            kind=kind,
            partition=partition,
            caller_id=caller_id,
            since=acting.vault.holds.now(),
            principal=acting.activity.principal,
            reason=reason,
        )
        with acting.activity.going_on():
            put = acting.vault.holds.put(acting.tenant, hold, committer=self._committer)
        acting.release()
        return put

    def lift(self, *, kind: str | None = None, partition: str | None = None) -> Hold:
        """Lifts the hold of a partition, or without one of the tenant; returns what it was.

        Raises:
            InvalidInput: kind or partition is no id, or only one of them is given.
            NotFound: this is not under hold.
            OutcomeUnknown: it may or may not be lifted.
            IntegrityError, KeyRefused, DependencyError: as for `standing`.
        """
        acting = self._acting
        self._ask(kind, partition)
        with acting.activity.going_on():
            lifted = acting.vault.holds.lift(acting.tenant, kind=kind, partition=partition, committer=self._committer)
        acting.release()
        return lifted

    def _ask(self, kind: str | None, partition: str | None) -> None:
        """Notes what this is about: the audit log names it by its mark."""
        acting = self._acting
        if kind is None and partition is None:
            acting.activity.asked(hold_mark_key(acting.tenant))
            return
        if kind is None or partition is None:
            raise InvalidInput("partition: needs its kind, and a kind a partition", field="partition")
        scope = Scope(acting.tenant, require_id(kind, field="kind"), require_id(partition, field="partition"))
        acting.activity.asked(head_mark_key(scope.pk))

    @property
    def _committer(self) -> AuditedCommits:
        return AuditedCommits(self._acting.vault.audit, self._acting.activity)


def _require_text(text: str, field: str) -> None:
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"{field}: over the limit of {MAX_TEXT} characters", field=field)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{field}: holds a lone surrogate, which is not Unicode text", field=field) from None
