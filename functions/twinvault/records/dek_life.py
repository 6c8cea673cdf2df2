"""The versions of one partition's DEK: what each is used for, and the end of those that nothing is under any more.

    current    the head names it: what is written is sealed under it
    in use     from the head's lowest version on: records may be under it
    retired    below the lowest: no record is under it, and one that is, is refused

A retired version is destroyed with a write of the head, which is its condition: a row of the keys table is deleted in
the very transaction that finds the head saying that nothing needs it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING

from twinvault.envelope.item import Item, text_of
from twinvault.errors import Conflict, NotFound
from twinvault.keys.deks import dek_made_at
from twinvault.keys.rows import dek_name, dek_prefix, dek_version, is_dek_name
from twinvault.records.changes import Changes
from twinvault.records.partition import Look, Snapshot

if TYPE_CHECKING:
    from twinvault.keys.hierarchy import KeyHierarchy
    from twinvault.keys.table import KeyTable
    from twinvault.records.store import PartitionStore

_AT_ONCE = 50
"""Rows of one transaction, of which a write has 100."""


@dataclass(frozen=True, slots=True)
class DekUse:
    """One version of a partition's DEK, whose row is there.

    Attributes:
        version: its number.
        state: current, in-use or retired.
        created_at: when it was made, as its row says.
        wrapped_under: the KEK that its row names.
        records: how many records of the partition are under it, its head included.
    """

    version: int
    state: str
    created_at: str
    wrapped_under: str
    records: int


@dataclass(frozen=True, slots=True)
class DeksDestroyed:
    """What became of a partition's retired DEKs.

    Attributes:
        destroyed: the versions whose rows this call deleted.
        lowest: the lowest version that a record may be under.
        current: the version that records are sealed under now.
    """

    destroyed: list[int]
    lowest: int
    current: int


@dataclass(frozen=True, slots=True)
class DekLife:
    """The versions of DEKs of one store's partitions.

    Attributes:
        wait_seconds: for how long after a version was made some environment may still seal under the one before it.
        now: RFC 3339 UTC time as text.
    """

    hierarchy: "KeyHierarchy"
    table: "KeyTable"
    wait_seconds: float
    now: Callable[[], str]

    def uses(self, partition: "PartitionStore") -> list[DekUse]:
        """What each version is used for, the lowest first: by a read of the whole partition.

        Raises:
            NotFound: there is no such partition.
            IntegrityError, DependencyError: as for any read.
        """
        rows, before = self._rows(partition), _read(partition)
        state, under = before.state, Counter(one.key_id for one in (before.head, *before.records.values()))
        return [
            DekUse(
                version,
                _state(version, lowest=state.lowest_dek_version, current=state.dek_version),
                text_of(row, "created_at"),
                text_of(row, "key_id"),
                under[text_of(row, "sk")],
            )
            for version, row in rows.items()
        ]

    def destroy(self, partition: "PartitionStore") -> DeksDestroyed:
        """Deletes the rows of the retired versions, once every row of the partition was looked at; safe to repeat.

        Raises:
            NotFound: there is no such partition.
            Conflict: an environment may still hold a head in which one of them is current: the message says until when;
                or others keep writing the partition.
            IntegrityError: a row of the partition does not open, or is under a retired version: nothing is destroyed.
            OutcomeUnknown: it may or may not be done.
            KeyRefused, DependencyError: as for any key.
        """
        before = _read(partition)
        lowest = before.state.lowest_dek_version
        versions = [version for version in self._rows(partition) if version < lowest]
        if versions:
            self._require_waited(partition, lowest)
        for some in batched(versions, _AT_ONCE):
            partition.undeclared().write_rows((), partial(_ends, versions=some))
            for version in some:
                self.hierarchy.forget(partition.scope.tenant, dek_name(partition.scope, version))
        return DeksDestroyed(versions, lowest, before.state.dek_version)

    def _require_waited(self, partition: "PartitionStore", lowest: int) -> None:
        """Lets a version pass that was made so long ago that nobody has a head any more from before it was there."""
        made = dek_made_at(
            self.hierarchy, self.table, scope=partition.scope, version=lowest, observer=partition.activity
        )
        until = datetime.fromisoformat(made) + timedelta(seconds=self.wait_seconds)
        if datetime.fromisoformat(self.now()) < until:
            from_then = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            raise Conflict(f"older DEKs may still be in use somewhere, from memory: not before {from_then}")

    def _rows(self, partition: "PartitionStore") -> dict[int, Item]:
        """The rows of its DEKs by version, the lowest first."""
        scope = partition.scope
        items = self.table.query(scope.keys_pk, dek_prefix(scope))
        named = {text_of(item, "sk"): item for item in items}
        return {dek_version(name, scope=scope): item for name, item in named.items() if is_dek_name(name, scope=scope)}


def _read(partition: "PartitionStore") -> Snapshot:
    snapshot = partition.undeclared().peek()
    if snapshot is None:
        raise NotFound("there is no such partition")
    return snapshot


def _state(version: int, *, lowest: int, current: int) -> str:
    if version < lowest:
        return "retired"
    return "current" if version == current else "in-use"


def _ends(look: Look | None, *, versions: Sequence[int]) -> Changes | None:
    """The end of those of these versions that the head, as it is now, says that nothing is under."""
    lowest = look.state.lowest_dek_version if look else 0
    gone = [version for version in versions if version < lowest]
    return Changes(as_they_are=True, destroy_deks=gone) if gone else None
