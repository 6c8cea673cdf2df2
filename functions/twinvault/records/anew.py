"""A reader for whoever begins another partition at the place of one that was erased."""

from collections.abc import Collection

from twinvault.audit.activity import Activity
from twinvault.errors import Gone
from twinvault.records.beginning import Beginning, find_beginning
from twinvault.records.partition import Look, Snapshot
from twinvault.records.reading import Reader
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope


class AnewReader(Reader):
    """A reader to which a partition that was erased is one that never was, and that knows what the next begins with."""

    def __init__(self, reader: Reader) -> None:
        """It shares everything with the other: a pool of threads is nothing to have one of for each request."""
        vars(self).update(vars(reader))

    def beginning(self, scope: Scope, *, activity: Activity) -> Beginning:
        """See `Reader.beginning`.

        Raises:
            Conflict: it was erased, and not all that stood there is swept yet.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        return find_beginning(scope, tombstones=self.tombstones, table=self.table, observer=activity)

    def read(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        """See `Reader.read`."""
        try:
            return super().read(scope, kind, activity=activity)
        except Gone:
            return None

    def read_bracketed(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        """See `Reader.read_bracketed`."""
        try:
            return super().read_bracketed(scope, kind, activity=activity)
        except Gone:
            return None

    def look(
        self, scope: Scope, kind: KindSpec, *, sks: Collection[str], activity: Activity, request: str | None = None
    ) -> Look | None:
        """See `Reader.look`."""
        try:
            return super().look(scope, kind, sks=sks, activity=activity, request=request)
        except Gone:
            return None
