"""What a process holds: a vault, the library put together over its tables and keys.

    with vault.acting(tenant="acme", principal="u-17", action="contract.read") as acting:
        record = acting.partition(CONTRACT, "c-2026-001").get("terms")

What is done within is one activity of one caller (`acting.Acting`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from twinvault.acting import Acting
from twinvault.audit.activity import Activity
from twinvault.audit.entry import Origin
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.table import Table
from twinvault.keys.changing import KeyChanges
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.holds import LegalHolds
from twinvault.keys.signer import Signer
from twinvault.records.reading import Reader
from twinvault.records.writing import Writer

DEFAULT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Vault:
    """The library put together over its tables and keys (`open_vault` does it). One per process; thread-safe."""

    records: Table
    reader: Reader
    writer: Writer
    audit: AuditLog
    keys: KeyHierarchy
    changes: KeyChanges
    origin: Origin
    key_table: Table
    holds: LegalHolds
    backup: Table | None = None
    """A records table that was restored from a backup, to put partitions back from."""
    signer: Signer | None = None
    """The audit key, where this process makes receipts of erasures."""

    @contextmanager
    def acting(
        self,
        *,
        tenant: str,
        principal: str,
        action: str,
        function: str = "",
        request_id: str = "",
        trace_id: str = "",
        span_id: str = "",
        seconds: float = DEFAULT_SECONDS,
        count: Callable[[str, int], None] | None = None,
    ) -> Iterator[Acting]:
        """One activity, recorded: whatever fails within is in the audit log before the error leaves.

        Args:
            tenant: whose data; everything within is this tenant's.
            principal: who acts, as the audit log will say for ever: an opaque subject, no name and no address.
            action: what is asked, for example `contract.read`.
            function: the function's name, if another than the vault was opened for.
            request_id: the invocation's; empty where there is none.
            trace_id: the trace's, as in the service's logs; empty where there is none.
            span_id: the span's, likewise.
            seconds: after these no new attempt is started, no call is waited for, and a second is left for the entry.
            count: receives every metric, as (name, value).

        Raises:
            DependencyError, InvalidInput: an error could not itself be recorded; a text is over 256 characters.
        """
        about = {"function": function, "request_id": request_id, "trace_id": trace_id, "span_id": span_id}
        activity = Activity(
            tenant=tenant,
            principal=principal,
            action=action,
            deadline=time.monotonic() + seconds,
            origin=replace(self.origin, **{name: text for name, text in about.items() if text}),
            count=count or (lambda _name, _value: None),
        )
        with self.audit.recording(activity):
            yield Acting(self, activity)
