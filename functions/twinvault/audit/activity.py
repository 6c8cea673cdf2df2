"""An activity: one request of one caller, from its beginning to its audit entry."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from twinvault.audit.chain import CryptoCount, Event, EventOutcome, HeadSeen
from twinvault.errors import IntegrityError
from twinvault.observe import CryptoOperation, CryptoOutcome


@dataclass(slots=True, kw_only=True)
class Activity:
    """Who acts and until when; collects what the audit entry will say. Implements `observe.Observer`.

    Attributes:
        tenant: whose data.
        principal: who acts: the issuer's opaque subject; never a name or an address.
        trace_id, span_id: as in the service's logs; empty where there is no trace.
        action: what is asked, for example `report.read`.
        deadline: the monotonic time, in seconds, after which no new attempt is started.
        count: receives every metric.
    """

    tenant: str
    principal: str
    trace_id: str = ""
    span_id: str = ""
    action: str
    deadline: float
    count: Callable[[str, int], None] = field(default=lambda _name, _value: None)
    _crypto: Counter[tuple[CryptoOperation, str, CryptoOutcome]] = field(default_factory=Counter, init=False)
    _kms: list[str] = field(default_factory=list, init=False)
    _heads: dict[str, HeadSeen] = field(default_factory=dict, init=False)

    def crypto(self, operation: CryptoOperation, key_id: str, *, outcome: CryptoOutcome = "success") -> None:
        """See `Observer.crypto`."""
        self._crypto[operation, key_id, outcome] += 1

    def kms_call(self, request_id: str) -> None:
        """See `Observer.kms_call`."""
        if request_id:
            self._kms.append(request_id)

    def metric(self, name: str, value: int = 1) -> None:
        """See `Observer.metric`."""
        self.count(name, value)

    def head(self, pk: str, *, version: int, commitment: bytes) -> None:
        """A partition was fully read in this state; the latest state of each partition is kept."""
        seen = head_seen(pk, version=version, commitment=commitment)
        self._heads[seen.partition] = seen

    def settled(self) -> None:
        """An entry with what was done so far is durable; the next one begins anew."""
        self._crypto.clear()
        self._kms.clear()
        self._heads.clear()

    def event(
        self,
        outcome: EventOutcome,
        *,
        event_id: str,
        time: str,
        error: Exception | None = None,
        wrote: HeadSeen | None = None,
    ) -> Event:
        """The event of this activity so far. An `IntegrityError` adds the check that failed and the row's hash.

        `wrote` is the head that the event's own transaction writes. It is not remembered: if that transaction fails,
        no later entry may name a head that never was.
        """
        tampering = error if isinstance(error, IntegrityError) else None
        heads = {**self._heads, **({wrote.partition: wrote} if wrote else {})}
        return Event(
            event_id=event_id,
            time=time,
            trace_id=self.trace_id,
            span_id=self.span_id,
            principal=self.principal,
            tenant=self.tenant,
            action=self.action,
            outcome=outcome,
            crypto=tuple(CryptoCount(*key, count) for key, count in sorted(self._crypto.items())),
            heads=tuple(heads[name] for name in sorted(heads)),
            kms_request_ids=tuple(self._kms),
            check=tampering.check if tampering else "",
            row=hashlib.sha256(tampering.where.encode(errors="replace")).hexdigest() if tampering else "",
        )


def head_seen(pk: str, *, version: int, commitment: bytes) -> HeadSeen:
    """A partition's state as the audit log names it: by the hash of its key."""
    return HeadSeen(hashlib.sha256(pk.encode()).hexdigest(), version, commitment.hex())
