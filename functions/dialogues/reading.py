"""A tenant's dialogues as they are stored: read, export, list, and new keys for them. Nothing here writes a record."""

from collections.abc import Sequence
from dataclasses import dataclass

from dialogues.declarations import Element
from dialogues.elements import DIALOGUE_STATUS
from dialogues.entities import DIALOGUE, META, STATE_COMPLETE, STATE_IMPORTING
from dialogues.exporting import export_document, left_out, require_dialogue, require_whole
from dialogues.graph import graph_of
from dialogues.mapping import plain
from twinvault import (
    HEAD,
    Acting,
    DeksDestroyed,
    DekUse,
    Incomplete,
    InvalidInput,
    NotFound,
    Opened,
    PartitionStore,
    Refused,
    Snapshot,
)

STATUSES = (*DIALOGUE_STATUS.words, STATE_IMPORTING)
"""What dialogues are listed by: their status, or `importing` while an import of them is not complete."""

MAX_PAGE = 50
MAX_SHOWN = 256
"""Characters of a title in a list, of which a dialogue's own may have as many as its document holds."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list."""

    items: Sequence[Element]
    cursor: str | None
    refused: Sequence[Refused] = ()
    """What is not among the items, for it cannot be opened."""


class StoredDialogues:
    """The dialogues of one tenant, for one activity, as they are stored (`writing.Dialogues` adds imports)."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def name(self, dialogue_id: str) -> None:
        """Tells the audit log that this dialogue is asked for, and does nothing else.

        Raises:
            InvalidInput: it is no dialogue's id.
            IntegrityError, DependencyError: the tenant's index key cannot be had.
        """
        self._acting.hidden_partition(DIALOGUE, dialogue_id, create=False)

    def partition_id(self, dialogue_id: str) -> str:
        """The id of the partition in which a dialogue stands, whether or not it can be read; likewise.

        Raises:
            NotFound: this tenant has no keys, so no dialogue.
            InvalidInput, IntegrityError, DependencyError: as for `name`.
        """
        return self._existing(dialogue_id).scope.partition

    def export(self, dialogue_id: str) -> Element:
        """The document of a dialogue, equal to what was imported.

        Raises:
            NotFound: this tenant has no such dialogue.
            Incomplete: its import has not been completed.
            IntegrityError: what is stored is changed, incomplete, or another dialogue.
            Undeclared: a newer release stored more of it than this one knows.
        """
        partition, snapshot = self._read(dialogue_id)
        document = export_document(snapshot, pk=partition.pk)
        require_whole(document, snapshot, pk=partition.pk)
        return document

    def read(self, dialogue_id: str) -> Element:
        """The dialogue opened: its document, the graph that follows from it, and the state of its storage.

        Of what a newer release stored, it has what this one knows, and the names of the rest: `stored.undeclared`.
        """
        partition, snapshot = self._read(dialogue_id)
        document = export_document(snapshot, pk=partition.pk)
        stored = {
            "partition_key": partition.pk,
            "version": snapshot.head.version,
            "records": snapshot.state.count + 1,
            "created_at": snapshot.head.created_at,
            "updated_at": snapshot.head.updated_at,
        }
        if unknown := left_out(document, snapshot):
            stored["undeclared"] = unknown
        return {"dialogue": document, "graph": graph_of(document), "stored": stored}

    def list(self, *, status: str | None, limit: int, cursor: str | None) -> ListPage:
        """One page of this tenant's dialogues, newest first within a status.

        One that cannot be opened is named by its partition, with the reason, beside them: it hides none of the others.

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
            return ListPage((), None)
        # Head and meta are written together, by a dialogue's first write.
        page = listing.open_page(
            (HEAD, META),
            status=status,
            limit=limit,
            cursor=cursor,
            check=lambda one: listing.require_id(one.scope, one.records[META].fields.get("source_id")),
        )
        items = [_summary(one) for one in page if _still(one, status)]
        self._acting.release()
        # What status one has that does not open, nobody knows.
        return ListPage(items, page.cursor, page.refused)

    def new_dek(self, dialogue_id: str) -> int:
        """Makes a new version of a dialogue's DEK for what is written from now on; returns the version.

        Raises:
            NotFound: this tenant has no such dialogue.
        """
        return self._existing(dialogue_id).new_dek().state.dek_version

    def dek_uses(self, dialogue_id: str) -> Sequence[DekUse]:
        """What each version of a dialogue's DEK is used for; errors as for `new_dek`, and as for any read."""
        return self._acting.keys.of_partition(self._existing(dialogue_id))

    def destroy_deks(self, dialogue_id: str, *, longest_seconds: float) -> DeksDestroyed:
        """Ends the versions of a dialogue's DEK that nothing is under any more (see `TenantKeys.destroy_deks`)."""
        return self._acting.keys.destroy_deks(self._existing(dialogue_id), longest_seconds=longest_seconds)

    def _read(self, dialogue_id: str) -> tuple[PartitionStore, Snapshot]:
        partition = self._existing(dialogue_id)
        snapshot = partition.peek()
        if snapshot is None:
            raise NotFound("there is no such dialogue")
        require_dialogue(snapshot, pk=partition.pk, dialogue_id=dialogue_id)
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


def _still(one: Opened, status: str | None) -> bool:
    """An index lags: what has left the status since is left out."""
    return status in {None, one.records[HEAD].fields.get("list_status")}


def _shown(title: str | None) -> str | None:
    """A title as a list shows it: whole, unless it is longer than a title is."""
    return title if title is None or len(title) <= MAX_SHOWN else f"{title[: MAX_SHOWN - 1]}…"


def _summary(one: Opened) -> Element:
    head, meta = one.records[HEAD], one.records[META]
    known = {
        "id": meta.fields.get("source_id"),
        "title": _shown(meta.fields.get("title")),
        "state": head.fields["state"],
        "status": head.fields["status"],
        "total_alignment": plain(head.fields.get("total_alignment")),
        "created_at": head.created_at,
        "updated_at": head.updated_at,
    }
    return {name: value for name, value in known.items() if value is not None}
