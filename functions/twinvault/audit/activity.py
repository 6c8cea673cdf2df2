"""One request of one caller: who asks, until when, and what was done for it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from twinvault.audit.chains import Chain
from twinvault.audit.elements import HeadSeen, mark_hash
from twinvault.audit.entry import MAX_TEXT, Origin
from twinvault.audit.notes import Asked, KeyEvent, KmsCall, Note, Notes, Saw
from twinvault.deadlines import CLOSING_SECONDS, within
from twinvault.errors import DependencyError, IntegrityError, InvalidInput
from twinvault.observe import CryptoOperation, CryptoOutcome, KeyOperation


@dataclass(slots=True, kw_only=True)
class Activity:
    """What the audit log will say of one request, from its begin to its last entry; safe for threads.

    Implements `observe.Observer`. A partition or a register is named by its mark's partition key (`dynamodb.marks`).

    Attributes:
        tenant: whose data.
        principal: who acts: the issuer's opaque subject, never a name or an address.
        action: what is asked, for example `report.read`.
        deadline: the monotonic time, in seconds, after which no new attempt is started.
        began: when it began: RFC 3339, UTC, to the microsecond. The log says it where nobody has.
        origin: the function, deployment and request that it belongs to.
        count: receives every metric.

    Raises:
        InvalidInput: a text is over 256 characters.
    """

    tenant: str
    principal: str
    action: str
    deadline: float
    began: str = ""
    origin: Origin = field(default_factory=Origin)
    count: Callable[[str, int], None] = field(default=lambda _name, _value: None)
    notes: Notes = field(default_factory=Notes, init=False)
    """What no entry says yet: the audit log's business, like all below."""
    doubtful: dict[str, list[Note]] = field(default_factory=dict, init=False)
    """By event, what an entry says of which it is not known whether it was stored."""
    turn: threading.Lock = field(default_factory=threading.Lock, init=False)
    """Held while an entry is made and stored: the threads of an activity share its chain."""
    chain: Chain | None = field(default=None, init=False)
    ended: bool = field(default=False, init=False)
    """Whether its last entry is written: nothing may be done in its name any more."""

    def __post_init__(self) -> None:
        """Refuses what could not stand in an entry."""
        texts = {"tenant": self.tenant, "principal": self.principal, "action": self.action}
        for name, text in {**texts, **self.origin.texts()}.items():
            if len(text) > MAX_TEXT:
                raise InvalidInput(f"{name}: over the limit of {MAX_TEXT} characters", field=name)

    def require_going_on(self) -> None:
        """Refuses what is asked for in the name of an activity that has ended: no entry would say it.

        Raises:
            InvalidInput: it has ended.
        """
        if self.ended:
            raise InvalidInput("this activity has ended; what it gave out is of use within it alone")

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """What the calling thread does herein is in this activity's name, and has its time and no more.

        Raises:
            InvalidInput: it has ended.
        """
        self.require_going_on()
        with within(self.deadline):
            yield

    @contextmanager
    def turns(self) -> Iterator[None]:
        """The turn of the calling thread, which waits for it no longer than there is time.

        Raises:
            DependencyError: another thread has had it until the time was up.
        """
        if not self.turn.acquire(timeout=max(0.0, self.deadline - time.monotonic()) + CLOSING_SECONDS):
            raise DependencyError("the audit log cannot be written now")
        try:
            yield
        finally:
            self.turn.release()

    def crypto(self, operation: CryptoOperation, key_id: str, *, outcome: CryptoOutcome = "success") -> None:
        """See `Observer.crypto`."""
        self.notes.count(operation, key_id[:MAX_TEXT], outcome=outcome)

    def kms_call(self, request_id: str) -> None:
        """See `Observer.kms_call`."""
        if request_id:
            self.notes.add(KmsCall(request_id[:MAX_TEXT]))

    def key_event(self, operation: KeyOperation, key_id: str) -> None:
        """See `Observer.key_event`."""
        self.notes.add(KeyEvent(operation, key_id[:MAX_TEXT]))

    def metric(self, name: str, value: int = 1) -> None:
        """See `Observer.metric`."""
        self.count(name, value)

    def count_error(self, error: Exception) -> None:
        """Counts what an error is an alarm of: something that does not open, or a store that refuses or is silent."""
        if isinstance(error, IntegrityError):
            self.metric("OpenFailed")
        if isinstance(error, DependencyError) and error.cause is not None and error.cause.is_of_the_store:
            self.metric("StoreErrors")
            self.metric(f"StoreErrors{error.cause.trouble}")

    def asked(self, mark_pk: str) -> None:
        """This partition was asked for, whether or not it is there or may be looked at."""
        self.notes.add(Asked(mark_hash(mark_pk)))

    def saw(self, mark_pk: str, head: HeadSeen | None) -> None:
        """This partition was looked at whole, in this state; None: there was nothing."""
        self.notes.add(Saw(mark_hash(mark_pk), head))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A write of the calling thread, with all its attempts."""
        with self.notes.trying():
            yield

    def new_attempt(self) -> None:
        """The calling thread plans its write anew: the operations and key events of the attempt before do not count."""
        self.notes.new_attempt()
