"""A tenant's dialogues: import, read, export, list. The first user of the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dialogues.document import canonical
from dialogues.entities import DIALOGUE, KIND, META, STATE_COMPLETE, STATE_IMPORTING
from dialogues.exporting import export_document
from dialogues.graph import describe
from dialogues.importing import Plan, plan_import
from dialogues.mapping import Element, plain
from twinvault import (
    HEAD,
    Acting,
    Changes,
    Conflict,
    Draft,
    Incomplete,
    InvalidInput,
    NotFound,
    Opened,
    PartitionStore,
    Record,
    Snapshot,
    TooLarge,
)

STATUSES = ("open", "converging", "converged", "abandoned", STATE_IMPORTING)
"""What dialogues are listed by: their status, or `importing` while an import of them is not complete."""

MAX_PAGE = 50  # two records of each are fetched in one call, which takes 100


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    id: str
    created: bool
    records: int
    transactions: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: Sequence[Element]
    cursor: str | None


class Dialogues:
    """The dialogues of one tenant, for one activity."""

    def __init__(self, acting: Acting, *, now: Callable[[], str]) -> None:
        """`now` is RFC 3339 UTC time as text."""
        self._acting = acting
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
        steps = _Steps(plan, document, partition, now=self._now)
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

    def export(self, dialogue_id: str) -> Element:
        """The document of a dialogue, equal to what was imported.

        Raises:
            NotFound: this tenant has no such dialogue.
            Incomplete: its import has not been completed.
        """
        _, snapshot = self._read(dialogue_id)
        return export_document(snapshot)

    def read(self, dialogue_id: str) -> Element:
        """The dialogue opened: its document, the graph that follows from it, and the state of its storage."""
        partition, snapshot = self._read(dialogue_id)
        document = export_document(snapshot)
        stored = {
            "partition_key": partition.pk,
            "version": snapshot.head.version,
            "records": snapshot.state.count + 1,
            "created_at": snapshot.head.created_at,
            "updated_at": snapshot.head.updated_at,
        }
        return {"dialogue": document, "graph": describe(document), "stored": stored}

    def list(self, *, status: str | None, limit: int, cursor: str | None) -> Page:
        """One page of this tenant's dialogues, newest first within a status.

        Raises:
            InvalidInput: an unknown status, a limit outside 1 to 50, or a cursor of another tenant or question.
        """
        if status is not None and status not in STATUSES:
            raise InvalidInput(f"status: must be one of {', '.join(STATUSES)}", field="status")
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit: must be from 1 to {MAX_PAGE}", field="limit")
        listing = self._acting.listing(DIALOGUE)
        if listing is None:
            if cursor is not None:
                raise InvalidInput("cursor: was not given out for this listing", field="cursor")
            self._acting.release()
            return Page((), None)
        hits = listing.page(status=status, limit=limit, cursor=cursor)
        opened = listing.open_each(hits.scopes, (HEAD, META))
        items = [_summary(one) for one in opened if _still(one, status)]
        self._acting.release()
        return Page(items, hits.cursor)

    def new_dek(self, dialogue_id: str) -> int:
        """Makes a new version of a dialogue's DEK for what is written from now on; returns the version.

        Raises:
            NotFound: this tenant has no such dialogue.
        """
        return self._existing(dialogue_id).new_dek().state.dek_version

    def _read(self, dialogue_id: str) -> tuple[PartitionStore, Snapshot]:
        partition = self._existing(dialogue_id)
        snapshot = partition.peek()
        if snapshot is None:
            raise NotFound("there is no such dialogue")
        if snapshot.head.fields["state"] != STATE_COMPLETE:
            raise Incomplete("this dialogue's import was not completed; import the same document again")
        self._acting.release()
        return partition, snapshot

    def _existing(self, dialogue_id: str) -> PartitionStore:
        """The partition of a dialogue, for callers that may not make a tenant's first keys."""
        partition = self._acting.hidden_partition(DIALOGUE, dialogue_id, create=False)
        if partition is None:
            raise NotFound("there is no such dialogue")
        return partition


class _Steps:
    """The plan of an import, asked anew at each transaction: what is missing, and what stands in the way."""

    def __init__(self, plan: Plan, document: Element, partition: PartitionStore, *, now: Callable[[], str]) -> None:
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
            if canonical(export_document(snapshot)) == canonical(self._document):
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
        wanted = {draft.sk: draft for draft in drafts}
        for sk, record in snapshot.records.items():
            draft = wanted.pop(sk, None)
            if draft is None or not (record.commitment in self._known or _same(draft, record)):
                raise Conflict("id: an unfinished import of this dialogue has other content", field="id")
            self._known.add(record.commitment)
        return list(wanted.values())

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


def _still(one: Opened, status: str | None) -> bool:
    """An index lags: a dialogue that has left the status since is left out."""
    head = one.records.get(HEAD)
    return head is not None and META in one.records and status in {None, head.fields.get("list_status")}


def _summary(one: Opened) -> Element:
    head, meta = one.records[HEAD], one.records[META]
    known = {
        "id": meta.fields.get("source_id"),
        "title": meta.fields.get("title"),
        "state": head.fields["state"],
        "status": head.fields["status"],
        "total_alignment": plain(head.fields.get("total_alignment")),
        "created_at": head.created_at,
        "updated_at": head.updated_at,
    }
    return {name: value for name, value in known.items() if value is not None}
