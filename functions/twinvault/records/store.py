"""The store of one partition: what a team calls. `listing` asks across partitions.

A write's audit entry is part of its transaction; reads (`reads`) append theirs before they return.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from twinvault.envelope.names import require_sort_key
from twinvault.errors import InvalidInput, NotFound
from twinvault.records.batches import Batches
from twinvault.records.blinding import find_blinder
from twinvault.records.changes import ABSENT, NOTHING, Changes, Expected, Written, require_expected, updated
from twinvault.records.partition import Look, Snapshot
from twinvault.records.reads import PartitionReads
from twinvault.records.record import Draft
from twinvault.records.reindexing import reindex
from twinvault.records.requests import Idempotency, request_digest
from twinvault.records.rewriting import Rewritten, rewrite
from twinvault.records.spec import HEAD, Fields
from twinvault.records.writing import RowsPlan, WholePlan


@dataclass(frozen=True, slots=True)
class PartitionStore(PartitionReads):
    """One partition, for one activity (`Acting.partition` makes it). Once that has ended, each is `InvalidInput`."""

    def write(self, plan: WholePlan, *, base: Snapshot | None = None) -> Snapshot | None:
        """Writes what `plan` wants (see `Writer.write`); the audit entry is part of the transaction."""
        with self.activity.going_on():
            return self._writer.write(self.scope, self.kind, activity=self.activity, plan=plan, base=base)

    def write_rows(
        self,
        sks: Iterable[str],
        plan: RowsPlan,
        *,
        base: Look | None = None,
        idempotency: Idempotency | None = None,
    ) -> Look | None:
        """`write` at the cost of what it writes: the plan sees the head and these records (see `Writer.write_rows`).

        `base` spares the first look, if it shows all of these records, as what a write of them returned does.
        """
        with self.activity.going_on():
            return self._writer.write_rows(
                self.scope,
                self.kind,
                sks=[require_sort_key(sk) for sk in sks],
                activity=self.activity,
                plan=plan,
                base=base,
                idempotency=idempotency,
            )

    def answered(self, idempotency: Idempotency) -> bool:
        """Whether this very request was answered here already, for whoever writes in several steps.

        Raises:
            Unprocessable: another request was, under the same key.
            IntegrityError, DependencyError: as for any read.
        """
        with self.activity.going_on():
            name = self._writer.request_name(self.scope, idempotency, activity=self.activity)
            look = self._reader.look(self.scope, self.kind, sks=(), activity=self.activity, request=name)
        return idempotency.is_answered(look.answered if look else None, self._writer.freezer.now())

    def add(self, *drafts: Draft, expected: Expected = NOTHING, idempotency_key: str | None = None) -> Written:
        """Adds these records, which must be new. They are not read first: nothing but the head is.

        Args:
            drafts: 1 to 95 records.
            expected: the versions that records of this partition, and its head, must be of (see `Expected`).
            idempotency_key: the caller's name for this request: for a day the same request under it is answered as the
                first one was, and not written again. 1 to 255 visible ASCII characters.

        Raises:
            Conflict: there is such a record already, or one is not as expected; it is named. Nothing was stored.
            Unprocessable: the idempotency key was used for another request.
            InvalidInput, TooLarge: a draft cannot be stored; nothing was.
            OutcomeUnknown, IntegrityError, DependencyError: as for any write.
        """
        touched = [require_sort_key(draft.sk) for draft in drafts]
        once = _once(idempotency_key, "add", [_asked(draft) for draft in drafts], _expected(expected))
        look = touched if once else ()
        return self._change(touched, lambda _: Changes(add=drafts), look=look, expected=expected, once=once)

    def put(
        self,
        *drafts: Draft,
        head: Fields | None = None,
        expected: Expected = NOTHING,
        idempotency_key: str | None = None,
    ) -> Written:
        """Adds these records, or replaces, whole, those whose sort keys exist.

        `head` are the head's own fields, all of them; None: they stay as they are. The other arguments, and the errors,
        are those of `add`, but that a record may be there.
        """
        touched = [*(draft.sk for draft in drafts), *([] if head is None else [HEAD])]
        asked = [[_asked(draft) for draft in drafts], None if head is None else dict(head)]
        once = _once(idempotency_key, "put", asked, _expected(expected))
        changes = Changes(head=head, put=drafts)
        return self._change(touched, lambda _: changes, look=touched, expected=expected, once=once)

    def update(
        self,
        sk: str,
        fields: Fields,
        *,
        remove: Collection[str] = (),
        expected: Expected = NOTHING,
        idempotency_key: str | None = None,
    ) -> Written:
        """Gives a record these fields and takes those in `remove`; the others, sealed ones too, stay as they are.

        With `HEAD` as the sort key it is the head's own fields that change.

        Raises:
            Conflict: it is not there, or not as expected.
            InvalidInput, TooLarge, OutcomeUnknown, IntegrityError, DependencyError: as for `add`.
        """

        def plan(look: Look | None) -> Changes:
            return updated(look, sk, kind=self.kind, fields=fields, remove=remove)

        once = _once(idempotency_key, "update", [sk, dict(fields), sorted(remove)], _expected(expected))
        return self._change([sk], plan, look=[sk], expected=expected, once=once)

    def delete(self, *sks: str, expected: Expected = NOTHING, idempotency_key: str | None = None) -> Written:
        """Deletes these records, 1 to 95, for good: what a table writer puts back is refused at the next full read.

        Raises:
            Conflict: one of them is not there, or not as expected; nothing was deleted.
            InvalidInput, OutcomeUnknown, IntegrityError, DependencyError: as for `add`.
        """
        once = _once(idempotency_key, "delete", sks, _expected(expected))
        return self._change(sks, lambda _: Changes(delete=sks), look=sks, expected=expected, once=once)

    def rewrite(self, *, force: bool = False, most_writes: int | None = None) -> Rewritten:
        """Seals anew whatever of the partition is not as its declarations write it now (see `rewriting.rewrite`).

        `force` takes everything, for example under the newest DEK; `most_writes` stops after so many.

        Raises:
            InvalidInput, TooLarge: a record cannot be written as it is declared now; what was written before it is.
            Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write, likewise.
        """
        return rewrite(self, force=force, most_writes=most_writes)

    def reindex(self) -> int:
        """Writes again the records whose blind indexes are not what they should be, and returns how many there were.

        That is after a field became searchable, or is so in another way, or the tenant's blind indexes have new keys.

        Raises:
            InvalidInput: a record's value is none that can be searched by; nothing was written.
            Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write; repeating goes on.
        """
        keys, tenant = self._writer.freezer.keys, self.scope.tenant
        return reindex(self, lambda: find_blinder(keys, self.kind, tenant=tenant, observer=self.activity))

    def size(self, draft: Draft) -> int:
        """The size of the item that a draft will become here, in bytes as DynamoDB counts them or a little more.

        Raises:
            TooLarge: over DynamoDB's 400 KiB.
            InvalidInput: it is not a record of this kind.
        """
        return self._batches().check(draft)

    def batches(self, drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
        """These drafts in order, in parts that fit into one write each: what to add or put one after the other.

        A part is at most 500 write units, and the next one is given out no sooner than a DynamoDB partition, which
        takes 1,000 a second, has time for it.

        Raises:
            TooLarge, InvalidInput: as for `size`.
        """
        return self._batches().parts(drafts)

    def _batches(self) -> Batches:
        writer = self._writer
        return Batches(self.scope, self.kind, monotonic=writer.monotonic, sleep=writer.sleep)

    def new_dek(self) -> Look:
        """Makes a new version of the partition's DEK: later writes use it, and what was sealed before still opens.

        Returns the head as it then is.

        Raises:
            NotFound: there is no such partition.
            Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write.
        """

        def plan(look: Look | None) -> Changes:
            if look is None:
                raise NotFound("there is no such partition")
            return Changes(new_dek=True)

        look = self.write_rows((), plan)
        assert look is not None  # noqa: S101  # for the type checker: a plan that wants something leaves a head
        return look

    def _change(
        self,
        touched: Collection[str],
        changes: Callable[[Look | None], Changes],
        *,
        look: Collection[str],
        expected: Expected,
        once: Idempotency | None,
    ) -> Written:
        """One write of these changes of the records `touched`, of which those in `look` are read first."""
        if not touched:
            raise InvalidInput("a write must change a record at least")

        def plan(before: Look | None) -> Changes:
            require_expected(expected, before)
            return changes(before)

        after = self.write_rows([*look, *expected], plan, idempotency=once)
        assert after is not None  # noqa: S101  # for the type checker: a plan that wants something leaves a head
        there = {HEAD: after.head, **after.records}
        records = {sk: there[sk] for sk in touched if sk in there}
        if after.answered:
            return Written(after.answered.version, after.answered.digest, records, repeated=True)
        return Written(after.head.version, after.head.digest, records)


def _once(key: str | None, call: str, *asked: object) -> Idempotency | None:
    return None if key is None else Idempotency(key, request_digest(call, *asked))


def _asked(draft: Draft) -> list[object]:
    return [draft.entity, draft.sk, dict(draft.fields)]


def _expected(expected: Expected) -> dict[str, int | None]:
    return {sk: None if version is ABSENT else version for sk, version in expected.items()}
