"""A partition that cannot be read, mended: what opens is kept, or it is put back from a backup (docs/recovery.md).

Nothing is taken for granted of what is there but that it opens. What is lost is said before it is: whoever mends first
looks, and then says how many rows that do not open may go. Marks are never taken away: the new head goes above them.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twinvault.causes import Trouble
from twinvault.dynamodb.marks import Mark, head_mark_key
from twinvault.errors import Conflict, Contention, DependencyError, InvalidInput, NotFound
from twinvault.maintenance.applying import Applying
from twinvault.maintenance.report import RecoveryReport, counted, report_of
from twinvault.records.entity import HEAD_SEALED
from twinvault.records.head import HASH_KEY_BYTES
from twinvault.records.mending import MendTarget, is_mended, target_of
from twinvault.records.spec import HEAD, Fields, KindSpec
from twinvault.records.surveying import Survey, SurveyKeys, survey
from twinvault.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinvault.acting import Acting
    from twinvault.dynamodb.table import Table
    from twinvault.envelope.item import Item

_TRIES = 12
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Situation:
    """What was found of a partition at one moment.

    Attributes:
        living: the rows that are there.
        source: the rows that it is to be made of: the same, or a backup's.
        keys: its DEKs.
        mark: its newest mark.
    """

    living: Survey
    source: Survey
    keys: SurveyKeys
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """One partition to be mended, for one activity.

    Attributes:
        kind: as it is declared now.
        partition: its id, as whoever reads the table sees it.
        backup: a table that was restored from a backup; None: the partition is made of what is there.
    """

    acting: "Acting"
    kind: KindSpec
    partition: str
    backup: "Table | None" = None

    @property
    def scope(self) -> Scope:
        """The partition."""
        return Scope(self.acting.tenant, self.kind.kind, self.partition)

    def look(self) -> RecoveryReport:
        """What mending it would do: what is kept, what would be lost. Nothing is changed; audited before it returns.

        Raises:
            Gone: it was erased: there is nothing to be brought back.
            NotFound: there is no such partition, or none in the backup.
            Undeclared: a row is authentic and of a newer release: let that one do it.
            IntegrityError: the tenant's keys, or a mark, are damaged.
            KeyRefused, DependencyError: it cannot be looked at now.
        """
        with self.acting.activity.going_on():
            found = self._find()
            report = report_of(found.living, found.source, mark=found.mark, scope=self.scope)
            if found.keys.there and self._fields(found.source) is not None:
                target = self._target(found, None)
                report = replace(report, done=is_mended(found.living, found.mark, target=target, scope=self.scope))
        self.acting.release()
        return report

    def mend(self, *, lose: int = 0, head: Fields | None = None) -> RecoveryReport:
        """Makes it whole, as far as there is time for: where the report is not `done`, ask again.

        Args:
            lose: how many records may be given up, at most: rows that do not open, and what is not there as the
                head counts it. What `look` found is what may go: more that does not open meanwhile does not.
            head: the head's own fields, where no head opens.

        Raises:
            Conflict: more records than that would be lost, or others than at first; no key or no head of it opens; its
                marks leave no version; or somebody else writes it meanwhile.
            InvalidInput: `head` is none of the kind, or a head opens.
            OutcomeUnknown: asking again is safe.
            NotFound, Undeclared, IntegrityError, KeyRefused, DependencyError: as for `look`.
        """
        vault, activity = self.acting.vault, self.acting.activity
        applying = Applying(vault, activity, self.kind, self.scope)
        first: RecoveryReport | None = None
        with activity.going_on(), activity.writing():
            for attempt in range(_TRIES):
                found = self._find()
                first = first or report_of(found.living, found.source, mark=found.mark, scope=self.scope)
                applying.found(found.living)
                _require_no_more(found, first, has_written=bool(applying.events))
                target = self._wanted(found, lose=lose, head=head)
                if is_mended(found.living, found.mark, target=target, scope=self.scope):
                    return self._ended(first, found.living)
                if applying.is_over():
                    return self._paused(first, found.living)
                applying.apply(target, found.living, mark=found.mark, keys=found.keys)
                if applying.was_cancelled:
                    vault.writer.sleep(_PAUSE * (attempt + 1) * (1 + vault.writer.randomness(1)[0] / 256))
                    activity.new_attempt()
        raise Conflict("others keep changing this partition; try again")

    def _ended(self, first: RecoveryReport, living: Survey) -> RecoveryReport:
        """What was done, once a full read says that it was.

        Raises:
            IntegrityError: it does not: somebody changed a row meanwhile.
        """
        self.acting.vault.reader.read(self.scope, self.kind, activity=self.acting.activity)
        self.acting.release()
        version = living.head[0].version if living.head else 0
        return replace(first, done=True, version=version)

    def _paused(self, first: RecoveryReport, living: Survey) -> RecoveryReport:
        self.acting.release()
        return replace(first, version=living.head[0].version if living.head else 0)

    def _wanted(self, found: Situation, *, lose: int, head: Fields | None) -> MendTarget:
        lost, is_given = len(found.source.lost), head is not None and found.source.head is None
        unaccounted = 0 if is_given else found.source.unaccounted(found.mark)
        if lost + unaccounted > lose:
            raise Conflict(
                f"lose: {_unopened(lost)}, {unaccounted} or more are not as the head counts them, and {lose} may"
                " be lost: look first",
                field="lose",
            )
        if not found.keys.there:
            raise Conflict("keys: none of this partition opens: put their rows back first", field="keys")
        there = self._fields(found.source)
        # Whoever asks again, because there was no time, gives them again.
        if head is not None and there is not None and there != self.kind.as_stored(HEAD, head):
            raise InvalidInput("head: there is one that opens, or none is needed", field=HEAD)
        if self._fields(found.source, head=head) is None:
            raise Conflict("head: it does not open, so its own fields are lost: give them, or put it back", field=HEAD)
        return self._target(found, head)

    def _target(self, found: Situation, given: Fields | None) -> MendTarget:
        heads = [one for one in (found.source.head, found.living.head) if one is not None]
        head, state = heads[0] if heads else (None, None)
        return target_of(
            found.source,
            fields=self._fields(found.source, head=given) or {},
            head=head,
            hash_key=state.hash_key if state else self.acting.vault.writer.randomness(HASH_KEY_BYTES),
            dek=found.keys.newest(self.scope),
            scope=self.scope,
        )

    def _fields(self, source: Survey, *, head: Fields | None = None) -> Fields | None:
        """The head's own fields: as they are, none where the kind has none, or those that were given."""
        if source.head is not None:
            return source.head[0].kept
        own = {*self.kind.head.clear, *self.kind.head.sealed} - HEAD_SEALED
        return (None if head is None else self.kind.as_stored(HEAD, head)) if own else {}

    def _find(self) -> Situation:
        """The partition, its backup, its keys and its newest mark, as no writer changed it meanwhile."""
        vault, scope = self.acting.vault, self.scope
        self.acting.activity.asked(head_mark_key(scope.pk))
        vault.reader.tombstones.require_none(scope, observer=self.acting.activity)
        for _ in range(_TRIES):
            before = vault.records.get_isolated(scope.pk, HEAD)
            mark, items = vault.reader.marks.newest(head_mark_key(scope.pk)), vault.records.query(scope.pk)
            keys = SurveyKeys(*vault.keys.open_deks(scope, observer=self.acting.activity))
            if vault.records.get_isolated(scope.pk, HEAD) != before:
                continue
            stored = items if self.backup is None else self._stored(self.backup)
            if not stored:
                raise NotFound("there is no row of such a partition")
            living = self._survey(items, keys)
            return Situation(living, living if self.backup is None else self._survey(stored, keys), keys, mark)
        raise Contention("the partition keeps changing", retry_after=1)

    def _stored(self, backup: "Table") -> "Sequence[Item]":
        """The rows in the backup.

        Raises:
            NotFound: there is no such table.
        """
        try:
            return backup.query(self.scope.pk)
        except DependencyError as error:
            if error.cause is None or error.cause.trouble is not Trouble.MISSING:
                raise
            raise NotFound("there is no restored table of the name that partitions are put back from") from None

    def _survey(self, items: "Sequence[Item]", keys: SurveyKeys) -> Survey:
        return survey(
            items,
            keys,
            scope=self.scope,
            kind=self.kind.reopened(),
            lowest_format=self.acting.vault.reader.lowest_format,
            observer=self.acting.activity,
        )


def _unopened(count: int) -> str:
    return counted(count, one="row does not open", many="rows do not open")


def _require_no_more(found: Situation, first: RecoveryReport, *, has_written: bool) -> None:
    """Lets go only what was found at first: whoever said how many may be lost meant those.

    Raises:
        Conflict: other rows do not open now, or what this call wrote is not there as it wrote it.
    """
    more = len(found.source.lost) > first.lost or (found.source.lost.keys() - first.refused.keys() and not first.is_cut)
    if more or (has_written and found.source is found.living and found.source.unaccounted(found.mark)):
        raise Conflict("other rows do not open now than at first: look, and begin again")
