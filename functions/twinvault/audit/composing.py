"""From what an activity did to what its entries say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from twinvault.audit.elements import (
    Element,
    Wrote,
    asked_element,
    crypto_element,
    key_element,
    kms_element,
    mark_hash,
    row_hash,
    saw_element,
    wrote_element,
)
from twinvault.audit.entry import MAX_TEXT, Event, EventOutcome
from twinvault.audit.notes import Asked, Crypto, KeyEvent, KmsCall, Note, Saw
from twinvault.errors import IntegrityError, TwinvaultError

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity


def event_of(
    activity: "Activity", outcome: EventOutcome, *, event_id: str, time: str, error: Exception | None = None
) -> Event:
    """The event of an activity that ends, so far, like this. Of tampering it says the step that failed, and where."""
    tampering = error if isinstance(error, IntegrityError) else None
    return Event(
        event_id=event_id,
        attempt=activity.notes.attempt,
        began=activity.began,
        time=time,
        origin=activity.origin,
        principal=activity.principal,
        tenant=activity.tenant,
        action=activity.action,
        outcome=outcome,
        problem=_problem(error) if error else "",
        step=tampering.check[:MAX_TEXT] if tampering else "",
        row=_row(tampering) if tampering else "",
    )


def _row(error: IntegrityError) -> str:
    where = error.where
    return row_hash(where.table, pk=where.pk, sk=where.sk) if where else ""


def elements_of(notes: Sequence[Note], wrote: Mapping[str, Wrote]) -> tuple[list[Element], list[Element]]:
    """What notes say, as elements that know which notes they came from; and, apart, what says what was written.

    `wrote` is by mark partition key. The last look at a partition stands with the write of it.
    """
    looks = list(_partitions(notes))
    written = []
    for mark, one in sorted((mark_hash(mark_pk), one) for mark_pk, one in wrote.items()):
        mine = [element for about, element in looks if about == mark]
        look = mine[-1] if mine else None
        looks = [(about, element) for about, element in looks if element is not look]
        written.append(replace(wrote_element(mark, one, look=look), sources=look.sources if look else ()))
    return [*_crypto(notes), *_simple(notes), *(element for _, element in looks)], written


def _crypto(notes: Iterable[Note]) -> list[Element]:
    by_kind: dict[Crypto, list[Note]] = {}
    for note in notes:
        if isinstance(note.what, Crypto):
            by_kind.setdefault(note.what, []).append(note)
    made = []
    for what in sorted(by_kind, key=lambda one: (one.operation, one.key_id, one.outcome)):
        count = sum(note.count for note in by_kind[what])
        element = crypto_element(what.operation, what.key_id, outcome=what.outcome, count=count)
        made.append(replace(element, sources=tuple(by_kind[what])))
    return made


def _simple(notes: Iterable[Note]) -> Iterable[Element]:
    for note in notes:
        match note.what:
            case KeyEvent(operation, key_id):
                yield replace(key_element(operation, key_id), sources=(note,))
            case KmsCall(request_id):
                yield replace(kms_element(request_id), sources=(note,))
            case _:
                pass


def _partitions(notes: Iterable[Note]) -> list[tuple[str, Element]]:
    """By mark, in the order in which they were noted.

    That a partition was asked for goes without saying where it was seen, and so does a look that found what the one
    before it had found: an entry that could not be stored lets it be noted again.
    """
    made: list[tuple[str, Element]] = []
    last: dict[str, int] = {}
    for note in notes:
        match note.what:
            case Saw(mark, head):
                element = saw_element(mark, head)
            case Asked(mark):
                element = asked_element(mark)
            case _:
                continue
        before = made[last[mark]][1] if mark in last else None
        if before is None or (before != element and "saw" in before.content and "saw" in element.content):
            last[mark] = len(made)
            made.append((mark, replace(element, sources=(note,))))
        else:
            larger = element if "saw" in element.content else before
            made[last[mark]] = mark, replace(larger, sources=(*before.sources, note))
    return made


def _problem(error: Exception) -> str:
    """What kind of problem an error is to a caller; `internal` for what is none of ours: a bug."""
    return error.problem if isinstance(error, TwinvaultError) else TwinvaultError.problem
