"""What a caller's code holds while it is served: everything it gives out acts for one activity, in its tenant's name.

An activity is one request of one caller, from its beginning to its audit entry (`Vault.acting`).
"""

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, overload

from twinvault.audit.activity import Activity
from twinvault.dynamodb.marks import head_mark_key
from twinvault.errors import InvalidInput, TwinvaultError
from twinvault.keys.rows import NamedKey
from twinvault.records.anew import AnewReader
from twinvault.records.finding import Finder, FoundPage
from twinvault.records.listing import Listing
from twinvault.records.opaque import opaque_id
from twinvault.records.spec import KindSpec
from twinvault.records.store import PartitionStore
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.partition import TypedPartition
from twinvault.records.typed.record import Record
from twinvault.records.typed.records import Page, of_found
from twinvault.scope import Scope
from twinvault.tenant_holds import TenantHolds
from twinvault.tenant_keys import TenantKeys

if TYPE_CHECKING:
    from twinvault.vault import Vault

_LISTED = "list_kind"


@dataclass(frozen=True, slots=True)
class Acting:
    """What one activity may do, in its tenant's name."""

    vault: "Vault"
    activity: Activity

    @property
    def tenant(self) -> str:
        """Whose data this is about."""
        return self.activity.tenant

    @property
    def keys(self) -> TenantKeys:
        """The tenant's keys: what there are, and new ones."""
        return TenantKeys(self)

    @property
    def holds(self) -> TenantHolds:
        """The tenant's legal holds: what is under one, and new ones."""
        return TenantHolds(self)

    @overload
    def partition(self, kind: Kind, partition: str, *, after_erasure: bool = False) -> TypedPartition: ...

    @overload
    def partition(self, kind: KindSpec, partition: str, *, after_erasure: bool = False) -> PartitionStore: ...

    def partition(
        self, kind: Kind | KindSpec, partition: str, *, after_erasure: bool = False
    ) -> TypedPartition | PartitionStore:
        """The partition of this id, which everyone who reads the table sees: of typed records, or of drafts.

        With `after_erasure` one that was erased counts as one that never was, so that a write begins another at its
        place, with keys of its own. `Conflict` says that what stood there is not swept yet.

        Raises:
            InvalidInput: the id cannot stand in a key (1 to 63 of a-z, 0-9, '.', '_' and '-').
        """
        if isinstance(kind, Kind):
            return TypedPartition(self.partition(kind.spec, partition, after_erasure=after_erasure), kind)
        vault, scope = self.vault, Scope(self.tenant, kind.kind, partition)
        self.activity.asked(head_mark_key(scope.pk))
        writer = replace(vault.writer, reader=AnewReader(vault.reader)) if after_erasure else vault.writer
        return PartitionStore(vault.records, writer.reader, writer, vault.audit, scope, kind, self.activity)

    @overload
    def hidden_partition(
        self, kind: Kind, caller_id: str, *, create: Literal[True], after_erasure: bool = False
    ) -> TypedPartition: ...

    @overload
    def hidden_partition(
        self, kind: Kind, caller_id: str, *, create: bool, after_erasure: bool = False
    ) -> TypedPartition | None: ...

    @overload
    def hidden_partition(
        self, kind: KindSpec, caller_id: str, *, create: Literal[True], after_erasure: bool = False
    ) -> PartitionStore: ...

    @overload
    def hidden_partition(
        self, kind: KindSpec, caller_id: str, *, create: bool, after_erasure: bool = False
    ) -> PartitionStore | None: ...

    def hidden_partition(
        self, kind: Kind | KindSpec, caller_id: str, *, create: bool, after_erasure: bool = False
    ) -> TypedPartition | PartitionStore | None:
        """The partition of a caller's id, any text up to 256 characters, under a key that does not show the id.

        Returns None where the tenant has no such partition because it has nothing hidden at all. With `create` the
        tenant's index key is made if need be, so that this is never None; whoever only reads may not do that.
        `after_erasure` is that of `partition`.

        Raises:
            InvalidInput: the id is empty, too long or not Unicode text.
        """
        if isinstance(kind, Kind):
            hidden = self.hidden_partition(kind.spec, caller_id, create=create, after_erasure=after_erasure)
            return TypedPartition(hidden, kind) if hidden else None
        key = self._index_key(create=create)
        if key is None:
            return None
        partition = opaque_id(caller_id, kind=kind.kind, index_key=key.key)
        return self.partition(kind, partition, after_erasure=after_erasure)

    def listing(self, kind: Kind | KindSpec) -> Listing | None:
        """Questions across the kind's partitions; None where the tenant has none.

        Raises:
            InvalidInput: the kind's head declares no `list_kind`, `list_status` and `list_at`.
        """
        spec = kind.spec if isinstance(kind, Kind) else kind
        if _LISTED not in spec.head.clear:
            raise InvalidInput(f"kind {spec.kind}: its head declares no list_kind, list_status and list_at")
        key = self._index_key(create=False)
        if key is None:
            return None
        return Listing(
            self.vault.records,
            self.vault.reader,
            kind=spec,
            key=key,
            activity=self.activity,
            refused=self._refused,
            randomness=os.urandom,
        )

    def seconds_left(self) -> float:
        """How long new attempts are still begun; 0 when the time is up."""
        return max(0.0, self.activity.deadline - time.monotonic())

    @overload
    def find[R: Record](
        self, kind: Kind, entity: type[R], /, *, limit: int = 100, cursor: str | None = None, **by: object
    ) -> Page[R]: ...

    @overload
    def find(
        self, kind: KindSpec, entity: str, /, *, limit: int = 100, cursor: str | None = None, **by: object
    ) -> FoundPage: ...

    def find[R: Record](
        self,
        kind: Kind | KindSpec,
        entity: type[R] | str,
        /,
        *,
        limit: int = 100,
        cursor: str | None = None,
        **by: object,
    ) -> Page[R] | FoundPage:
        """Records of the kind whose searchable field has this value, in any partition; audited before they return.

            acting.find(CLUB, Person, email="ada@example.com")

        Each was opened and compared: authentic, perhaps neither the newest nor all. `refused` names what does not open.

        Args:
            kind: the kind of partition.
            entity: the records' type, of a `Kind`; of a `KindSpec` the entity's name, or `head`.
            limit: how many hits to look at, 1 to 1,000; a page may hold fewer records, or none, and have a next one.
            cursor: of the page before; None: the first page.
            by: the one field, by its name, and the value.

        Raises:
            InvalidInput: the kind has no such entity, not one searchable field is given, or the value is none that can
                be searched by; `limit` is out of range, or `cursor` not of this question.
            IntegrityError, KeyRefused, DependencyError: the tenant's own keys, the index or the audit log.
        """
        if isinstance(kind, Kind) and isinstance(entity, type):
            name, plain = kind.searched(entity, by)
            return of_found(
                entity, self.find(kind.spec, name, limit=limit, cursor=cursor, **plain), refused=self._refused
            )
        if isinstance(kind, Kind) or isinstance(entity, type):
            raise InvalidInput("entity: must be a record type of a `Kind`, or a name of a `KindSpec`", field="entity")
        vault = self.vault
        finder = Finder(vault.records, vault.reader, vault.keys, kind, self.activity, self._refused, os.urandom)
        page = finder.page(entity, by, limit=limit, cursor=cursor)
        self.release()
        return page

    def release(self) -> None:
        """Appends this activity's success: call it before what `peek` or a listing read leaves.

        Raises:
            DependencyError: the entry could not be made durable; nothing may leave.
        """
        self.vault.audit.release(self.activity)

    def _refused(self, error: TwinvaultError) -> None:
        """Appends that something does not open, before it is named as such."""
        self.vault.audit.refused(self.activity, error)

    def _index_key(self, *, create: bool) -> NamedKey | None:
        with self.activity.going_on():
            if create:
                self.vault.writer.begin(self.tenant, self.activity)
            return self.vault.keys.index_key(self.tenant, observer=self.activity)
