"""Imports of whole dialogues, in as many transactions as they need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dialogues.canonical_json import canonical
from dialogues.declarations import Element
from dialogues.entities import DIALOGUE, KIND, STATE_COMPLETE, STATE_IMPORTING
from dialogues.exporting import export_document, left_out, require_dialogue
from dialogues.importing import ImportPlan, plan_import
from dialogues.mapping import plain
from dialogues.reading import StoredDialogues
from twinvault import (
    Acting,
    Changes,
    Conflict,
    Draft,
    Idempotency,
    Look,
    PartitionStore,
    Snapshot,
    StoredRecord,
    TooLarge,
)

_TRANSACTIONS_LEFT = 3
"""An import ends for now when its time would not suffice for so many more of its slowest transaction."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        id: the dialogue's.
        result: `created`, `unchanged`, or `importing`: the time was up, and the same document again goes on with it.
        records: how many the dialogue has, its head included.
        stored: how many of them are stored.
        transactions: how many this call needed.
    """

    id: str
    result: Literal["created", "unchanged", "importing"]
    records: int
    stored: int
    transactions: int


class Dialogues(StoredDialogues):
    """The dialogues of one tenant, for one activity: what is stored, and imports."""

    def __init__(self, acting: Acting, *, now: Callable[[], str]) -> None:
        """`now` is RFC 3339 UTC time as text."""
        super().__init__(acting)
        self._now = now

    def import_document(
        self, document: Element, *, idempotency_key: str | None = None, after_erasure: bool = False
    ) -> Imported:
        """Stores a whole dialogue, or finds that it is stored already with this very content.

        One that needs more than one transaction is `importing` until the last; the same document completes it. What
        does not fit into the activity's time is left for the next call. For a day the same caller can import no other
        document into this dialogue under the same `idempotency_key`. With `after_erasure` a dialogue of this id that
        was erased is in nobody's way: another one begins at its place, with keys of its own.

        Raises:
            Unprocessable: a field breaks a rule, or the key was used for another document; nothing is stored.
            TooLarge: a record is too large; nothing is stored.
            InvalidInput: the key has not 1 to 255 visible ASCII characters.
            Conflict: it exists with other content; or one was erased, and is not swept yet.
            Gone: one of this id was erased, and nobody said `after_erasure`.
            IntegrityError: what is stored in its place is changed, incomplete, or another dialogue.
        """
        plan = plan_import(document)
        partition = self._acting.hidden_partition(DIALOGUE, plan.dialogue_id, create=True, after_erasure=after_erasure)
        once = None if idempotency_key is None else Idempotency(idempotency_key, plan.digest)
        return _Import(plan, document, partition, self._acting, self._now, once).run()


@dataclass(slots=True)
class _Import:
    """One import: looks at the whole partition once, and then writes what is missing, each record at its own cost."""

    plan: ImportPlan
    document: Element
    partition: PartitionStore
    acting: Acting
    now: Callable[[], str]
    idempotency: Idempotency | None = None
    transactions: int = 0
    slowest: float = 0.0
    """The seconds that its slowest transaction took."""
    known: set[bytes] = field(default_factory=set)
    """Commitments, unique per write, of records that were compared: each look sees all of them again."""

    def run(self) -> Imported:
        """Looks and writes until the dialogue is whole, or the time is up.

        Raises:
            TooLarge, Conflict, IntegrityError: see `Dialogues.import_document`.
        """
        self._check_sizes()
        if self.idempotency is not None:
            # What is stored is compared in any case; this refuses another document under the same key.
            self.partition.answered(self.idempotency)
        while True:
            snapshot = self.partition.peek()
            if snapshot is not None:
                require_dialogue(snapshot, pk=self.partition.pk, dialogue_id=self.plan.dialogue_id)
            if snapshot is not None and snapshot.head.fields["state"] == STATE_COMPLETE:
                return self._compared(snapshot)
            missing = self._missing(snapshot)
            done = self._append(missing, snapshot)
            if done == len(missing):
                return self._imported("created", len(self.plan.drafts))
            if done is not None:
                return self._imported("importing", len(self.plan.drafts) - len(missing) + done)

    def _check_sizes(self) -> None:
        for path, draft in self.plan.drafts:
            try:
                self.partition.size(draft)
            except TooLarge as error:
                place = path or "dialogue"
                raise TooLarge(f"{place}: {error.message}", field=place) from None

    def _compared(self, snapshot: Snapshot) -> Imported:
        """The end of an import that finds the dialogue complete: by others, or by itself, whose answer was lost."""
        stored = export_document(snapshot, pk=self.partition.pk)
        if canonical(stored) != canonical(self.document) or left_out(stored, snapshot):
            raise Conflict("id: this dialogue exists with other content", field="id")
        self.acting.release()
        return self._imported("created" if self.transactions else "unchanged", len(self.plan.drafts))

    def _imported(self, result: Literal["created", "unchanged", "importing"], drafts: int) -> Imported:
        return Imported(self.plan.dialogue_id, result, len(self.plan.drafts) + 1, drafts + 1, self.transactions)

    def _missing(self, snapshot: Snapshot | None) -> list[Draft]:
        """The drafts that an unfinished import has not written yet."""
        remaining = {draft.sk: draft for _, draft in self.plan.drafts}
        for sk, record in snapshot.records.items() if snapshot else ():
            if record.foreign:  # a newer release's, beside those of the document
                continue
            draft = remaining.pop(sk, None)
            if draft is None or not (record.commitment in self.known or _same(draft, record)):
                raise Conflict("id: an unfinished import of this dialogue has other content", field="id")
            self.known.add(record.commitment)
        return list(remaining.values())

    def _append(self, missing: Sequence[Draft], base: Look | None) -> int | None:
        """Writes what is missing until the time is up; returns how many. None: somebody else wrote meanwhile."""
        done, look = 0, base
        for batch in self.partition.batches(missing) if missing else [[]]:
            if self.transactions and self.acting.seconds_left() < _TRANSACTIONS_LEFT * self.slowest:
                break
            left = self.acting.seconds_left()
            state = STATE_COMPLETE if done + len(batch) == len(missing) else STATE_IMPORTING
            step = _Step(self._head(state, look), batch, after=look)
            # The row that remembers the request goes with the step that completes it.
            once = self.idempotency if state == STATE_COMPLETE else None
            look = self.partition.write_rows((), step.plan, base=look, idempotency=once)
            if not step.fits:
                return None
            done += len(batch)
            self.transactions += 1
            self.slowest = max(self.slowest, left - self.acting.seconds_left())
        return done

    def _head(self, state: str, look: Look | None) -> dict[str, Any]:
        """The head's own fields. A dialogue is listed by the time at which its import began."""
        return {
            **self.plan.head,
            "state": state,
            "list_kind": KIND,
            "list_status": self.plan.head["status"] if state == STATE_COMPLETE else state,
            "list_at": look.head.fields["list_at"] if look else self.now(),
        }


@dataclass(slots=True)
class _Step:
    """One transaction of an import: it is right only on top of the state for which it was planned."""

    head: dict[str, Any]
    batch: Sequence[Draft]
    after: Look | None
    fits: bool = True

    def plan(self, found: Look | None) -> Changes | None:
        """What to write; None if somebody else has written."""
        self.fits = _version(found) == _version(self.after)
        return Changes(head=self.head, add=self.batch) if self.fits else None


def _version(look: Look | None) -> int:
    return look.head.version if look else 0


def _same(draft: Draft, record: StoredRecord) -> bool:
    return _fingerprint(DIALOGUE.as_stored(draft.entity, draft.fields)) == _fingerprint(record.fields)


def _fingerprint(fields: dict[str, Any]) -> bytes:
    return canonical({name: plain(value) for name, value in fields.items()})
