"""Changes of a tenant's keys: its first ones, and new epochs.

Each is one transaction: the rows, the register (inserted, or conditional on its commitment), its mark, and the audit
entry. So there is never a row that the register does not list, and never a register without its mark. What a cancelled
transaction means is told by a look at what is there, and by no error code: where another writer was first, the register
is another one, and the change is planned anew on it; where somebody took the mark's place, planted the row of the next
epoch or changed a row, what is there does not fit, and the look refuses it.

A new epoch is used for what is wrapped from now on; what older epochs wrapped still opens under them. The index key
never changes, for it names partitions: its row is wrapped again under the new KEK. What becomes of the epochs that are
there already is `keys.epochs`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from twinvault.dynamodb.transaction import Outcome
from twinvault.errors import Conflict, DependencyError, IntegrityError, NotFound, OutcomeUnknown, Step
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.moving import open_index_to_move
from twinvault.keys.planning import Made, PlannedChange, Planner
from twinvault.keys.root import RootKeys
from twinvault.keys.rows import IDX, REGISTER, REGISTER_KEY, kek_name, row_place
from twinvault.keys.table import Committer
from twinvault.keys.tenant import Tenant

if TYPE_CHECKING:
    from twinvault.observe import Observer

DEFAULT_TTL_SECONDS = 300.0
_TRIES = 12
_PAUSE = 0.02

type Planning = Callable[[Tenant | None, str], PlannedChange | None]
"""Looks at the tenant's keys as they are and plans a change for the event of this id; None: there is nothing to do."""


class KeyChanges:
    """Makes and rotates tenants' keys; thread-safe."""

    def __init__(
        self,
        hierarchy: KeyHierarchy,
        root: RootKeys,
        *,
        planner: Planner,
        now: Callable[[], str],
        randomness: Callable[[int], bytes],
        sleep: Callable[[float], None],
        key_ttl_seconds: float = DEFAULT_TTL_SECONDS,
    ) -> None:
        """`now`: RFC 3339 UTC time as text. `key_ttl_seconds`: for how long any environment may hold a register."""
        self.hierarchy = hierarchy
        self.root = root
        self.planner = planner
        self.now = now
        self.key_ttl_seconds = key_ttl_seconds
        self._randomness = randomness
        self._sleep = sleep

    def begin(self, tenant: str, committer: Committer) -> Tenant:
        """The tenant's keys, its first ones made if it is new. Whoever loses that race gets the winner's.

        Raises:
            OutcomeUnknown: they may or may not be made; repeating is safe.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        observer = committer.observer
        there = self.hierarchy.tenant(tenant, observer=observer)
        if there is not None:
            return there

        def plan(found: Tenant | None, event_id: str) -> PlannedChange | None:
            if found is not None:
                return None
            now = self.now()
            register_key = self._made(REGISTER_KEY, tenant=tenant, now=now, observer=observer)
            first = self._made(kek_name(1), tenant=tenant, now=now, observer=observer)
            observer.crypto("wrap_dek", first.key.name)
            observer.crypto("encrypt", register_key.key.name)
            observer.key_event("make_register", REGISTER)
            observer.key_event("make_kek", first.key.name)
            observer.key_event("make_index_key", IDX)
            return self.planner.birth(register_key, first, now=now, event_id=event_id)

        self.change(tenant, plan, committer=committer)
        made = self.look(tenant, committer)
        if made is None:
            raise IntegrityError(
                Step.KEY_ROWS, where=row_place(tenant, REGISTER), detail="the keys that were made are not there"
            )
        return made

    def new_epoch(self, tenant: str, committer: Committer) -> int:
        """Makes the tenant's next KEK and wraps its index key under it; returns the epoch.

        Raises:
            NotFound: the tenant has no keys; its first write makes them.
            Conflict: too many epochs are alive, or others kept changing the tenant's keys.
            OutcomeUnknown: it may or may not be made.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        observer = committer.observer

        def plan(found: Tenant | None, event_id: str) -> PlannedChange:
            if found is None:
                raise NotFound("this tenant has no keys")
            found.register.require_room()
            now = self.now()
            index = open_index_to_move(found, hierarchy=self.hierarchy, root=self.root, observer=observer)
            register_key = self.hierarchy.register_key(found, observer=observer)
            made = self._made(kek_name(found.register.newest + 1), tenant=tenant, now=now, observer=observer)
            observer.crypto("wrap_dek", made.key.name)
            observer.crypto("encrypt", register_key.name)
            observer.key_event("rotate", made.key.name)
            return self.planner.epoch(found, made, index=index, register_key=register_key, now=now, event_id=event_id)

        planned = self.change(tenant, plan, committer=committer)
        # For this environment the new epoch is the one to wrap under from now on.
        self.look(tenant, committer)
        assert planned is not None  # noqa: S101  # for the type checker: this plan always wants something
        return planned.newest

    def change(self, tenant: str, plan: Planning, *, committer: Committer) -> PlannedChange | None:
        """Commits what `plan` wants and returns it; planned anew where another change came first.

        Raises:
            Conflict: others kept changing the tenant's keys.
            OutcomeUnknown: it may or may not be made; repeating is safe.
            DependencyError: the tables cannot be written now; also what `plan` raises.
        """
        tried: dict[str, PlannedChange] = {}
        moved = False
        with committer.writing():
            before = self.look(tenant, committer)
            for attempt in range(_TRIES):
                event_id = committer.event_id()
                planned = plan(before, event_id)
                if planned is None:
                    return None
                tried[event_id] = planned
                result = committer.commit(planned.statements, event_id=event_id, change=planned.change)
                outcome = result.outcome
                if outcome is Outcome.COMMITTED:
                    return planned
                if outcome is Outcome.REFUSED:
                    raise DependencyError("the keys cannot be written now", cause=result.cause)
                self._sleep(_PAUSE * (attempt + 1) * (1 + self._randomness(1)[0] / 256))
                # A mark that is taken while the register is the same, a row of the new epoch's name: refused here.
                after = self.look(tenant, committer)
                if after is not None and after.register.last_event in tried:
                    # The answer was lost, or the cancellation was of our own repetition: it is written.
                    committer.found_committed(after.register.last_event)
                    return tried[after.register.last_event]
                if _version(after) != _version(before):
                    moved = True
                elif outcome is Outcome.UNKNOWN:
                    raise OutcomeUnknown("the keys were sent and the outcome is unknown; repeating the request is safe")
                committer.new_attempt()
                before = after
        if moved:
            raise Conflict("others keep changing this tenant's keys; try again")
        raise DependencyError("the keys cannot be written now")

    def look(self, tenant: str, committer: Committer) -> Tenant | None:
        """The tenant's keys as they are now."""
        return self.hierarchy.tenant(tenant, observer=committer.observer, fresh=True)

    def _made(self, name: str, *, tenant: str, now: str, observer: "Observer") -> Made:
        return Made(*self.root.make(name, tenant=tenant, now=now, observer=observer))


def _version(tenant: Tenant | None) -> int:
    return tenant.written.version if tenant else 0
