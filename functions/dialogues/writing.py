"""Imports of whole dialogues, in as many transactions as they need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dialogues.declarations import Element
from dialogues.entities import DIALOGUE, KIND, STATE_COMPLETE, STATE_IMPORTING
from dialogues.exporting import export_document
from dialogues.importing import ImportPlan, plan_import
from dialogues.mapping import plain
from dialogues.reading import StoredDialogues
from dialogues.strict_json import canonical
from twinvault import Acting, Changes, Conflict, Draft, PartitionStore, Record, Snapshot, TooLarge


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    id: str
    created: bool
    records: int
    transactions: int


class Dialogues(StoredDialogues):
    """The dialogues of one tenant, for one activity: what is stored, and imports."""

    def __init__(self, acting: Acting, *, now: Callable[[], str]) -> None:
        """`now` is RFC 3339 UTC time as text."""
        super().__init__(acting)
        self._now = now

    def import_document(self, document: Element) -> Imported:
        """Stores a whole dialogue, or finds that it is stored already with this very content.

        One that needs more than one transaction is `importing` until the last; the same document completes it.

        Raises:
            Unprocessable, TooLarge: a field breaks a rule, a record is too large; nothing is stored.
            Conflict: it exists with other content.
        """
        plan = plan_import(document)
        partition = self._acting.hidden_partition(DIALOGUE, plan.dialogue_id, create=True)
        steps = _Steps(plan, document, partition=partition, now=self._now)
        snapshot, transactions = partition.peek(), 0
        while True:
            snapshot = partition.write(steps.next, base=snapshot)
            if not steps.wrote:
                self._acting.release()
                break
            transactions += 1
            if snapshot is None or snapshot.head.fields["state"] == STATE_COMPLETE:
                break
        return Imported(plan.dialogue_id, transactions > 0, len(plan.drafts) + 1, transactions)


class _Steps:
    """The plan of an import, asked anew at each transaction: what is missing, and what stands in the way."""

    def __init__(
        self, plan: ImportPlan, document: Element, *, partition: PartitionStore, now: Callable[[], str]
    ) -> None:
        self._plan = plan
        self._document = document
        self._now = now
        self._partition = partition
        self._known = set[bytes]()
        """Commitments, unique per write, of records that were compared: each transaction looks at all of them."""
        self.wrote = False
        """Whether the last call wanted something written."""
        for path, draft in plan.drafts:
            try:
                partition.size(draft)
            except TooLarge as error:
                field = path or "dialogue"
                raise TooLarge(f"{field}: {error.message}", field=field) from None

    def next(self, snapshot: Snapshot | None) -> Changes | None:
        """What to write next; None once the dialogue is complete with this content."""
        if snapshot is not None and snapshot.head.fields["state"] == STATE_COMPLETE:
            if canonical(export_document(snapshot, pk=self._partition.pk)) == canonical(self._document):
                self.wrote = False
                return None
            raise Conflict("id: this dialogue exists with other content", field="id")
        drafts = [draft for _, draft in self._plan.drafts]
        if snapshot is not None:
            drafts = self._missing(drafts, snapshot)
        batch = self._partition.first_batch(drafts)
        state = STATE_COMPLETE if len(batch) == len(drafts) else STATE_IMPORTING
        self.wrote = True
        return Changes(self._head(state, snapshot), batch)

    def _missing(self, drafts: Sequence[Draft], snapshot: Snapshot) -> list[Draft]:
        """The drafts that an unfinished import has not written yet."""
        remaining = {draft.sk: draft for draft in drafts}
        for sk, record in snapshot.records.items():
            draft = remaining.pop(sk, None)
            if draft is None or not (record.commitment in self._known or _same(draft, record)):
                raise Conflict("id: an unfinished import of this dialogue has other content", field="id")
            self._known.add(record.commitment)
        return list(remaining.values())

    def _head(self, state: str, snapshot: Snapshot | None) -> dict[str, Any]:
        """The head's own fields. A dialogue is listed by the time at which its import began."""
        return {
            **self._plan.head,
            "state": state,
            "list_kind": KIND,
            "list_status": self._plan.head["status"] if state == STATE_COMPLETE else state,
            "list_at": snapshot.head.fields["list_at"] if snapshot else self._now(),
        }


def _same(draft: Draft, record: Record) -> bool:
    return _fingerprint(DIALOGUE.as_stored(draft.entity, draft.fields)) == _fingerprint(record.fields)


def _fingerprint(fields: dict[str, Any]) -> bytes:
    return canonical({name: plain(value) for name, value in fields.items()})
