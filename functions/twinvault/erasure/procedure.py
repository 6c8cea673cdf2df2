"""How something is erased: asked for, called off or made final, each by somebody and each in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import erasure_mark_key, head_mark_key, register_mark_key
from twinvault.envelope import require_id
from twinvault.erasure.act import Eraser
from twinvault.erasure.request import ErasureRequest, ErasureState
from twinvault.erasure.requests import ErasureRequests
from twinvault.erasure.sweeping import Sweeping
from twinvault.errors import Conflict, InvalidInput, NotFound
from twinvault.maintenance.rows import WHOLE_TENANT
from twinvault.records.typed.kind import Kind, specs_by_name
from twinvault.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from twinvault.acting import Acting
    from twinvault.erasure.facts import Erased
    from twinvault.maintenance.work import Work
    from twinvault.records.spec import KindSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRules:
    """What a store asks of whoever erases.

    Attributes:
        hold_hours: for how long an erasure that was asked for can be called off; 0: it can be made final at once.
        four_eyes: whether another principal than the one who asked must make it final.
    """

    hold_hours: int
    four_eyes: bool


@dataclass(frozen=True, slots=True)
class ErasureProcedure:
    """The erasures of one activity's tenant. Each call is audited before it returns.

    `now`: RFC 3339 UTC time as text, to the microsecond.
    """

    acting: "Acting"
    rules: ErasureRules
    now: Callable[[], str]

    def request(
        self, *, kind: str | None = None, partition: str | None = None, caller_id: str | None = None
    ) -> tuple[ErasureRequest, bool]:
        """Asks that a partition be erased, or without one the tenant; also says whether this call asked for it.

        `partition` is its id as whoever reads the table sees it, `caller_id` the caller's own, which is sealed.

        Raises:
            InvalidInput: kind or partition is no id, or only one of them is given.
            Gone: the tenant was erased.
            Held: it is under a legal hold.
            NotFound: there never was such a partition, or the tenant has no keys.
            OutcomeUnknown: it may or may not be asked for; repeating is safe.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        acting, scope = self.acting, self._scope(kind, partition)
        with acting.activity.going_on():
            acting.vault.holds.require_none(acting.tenant, scope, observer=acting.activity)
            if scope and acting.vault.reader.marks.newest(head_mark_key(scope.pk)) is None:
                raise NotFound("there is no such partition")
            made = self._requests.request(
                kind=kind, partition=partition, caller_id=caller_id, hold_hours=self.rules.hold_hours
            )
        acting.release()
        return made

    def get(self, erasure_id: str) -> ErasureRequest:
        """How an erasure stands.

        Raises:
            NotFound: there is none of this id.
            InvalidInput: this cannot be an id.
            IntegrityError: its row was changed, moved, taken away or put back.
            KeyRefused, DependencyError: as for any key.
        """
        return self._of(erasure_id, lambda all_of_them: all_of_them.get(erasure_id))

    def newest(self) -> tuple[list[ErasureRequest], list[str]]:
        """The newest erasures, the newest first, and the sort keys of rows that do not open.

        Raises:
            KeyRefused, DependencyError: as for any key.
        """
        with self.acting.activity.going_on():
            found = self._requests.newest()
        self.acting.release()
        return found

    def cancel(self, erasure_id: str) -> ErasureRequest:
        """Calls an erasure off; safe to repeat.

        Raises:
            Conflict: it is final.
            OutcomeUnknown: it may or may not be called off.
            NotFound, InvalidInput, IntegrityError, KeyRefused, DependencyError: as for `get`.
        """
        return self._of(erasure_id, lambda all_of_them: all_of_them.cancel(erasure_id))

    def make_final(self, erasure_id: str, kinds: "Iterable[Kind | KindSpec]") -> "tuple[ErasureRequest, Work]":
        """Erases what was asked for, from now on and for good; returns how the erasure stands, and the sweep.

        First it is decided: from then on nobody calls it off. Then it is erased, and then said what was. Whoever is
        killed in between, or loses the answer, asks again and is told the same. `kinds` are those there can be.

        Raises:
            Conflict: it was called off, its time has not come, or others keep writing what is to be erased.
            Forbidden: another principal than the one who asked must say so, and did not.
            Held: it is under a legal hold. If that was put once it was decided, it is erased when the hold is lifted
                and this is asked again.
            OutcomeUnknown: it may or may not be done.
            NotFound, InvalidInput, IntegrityError, KeyRefused, DependencyError: as for `get`.
        """
        acting, known = self.acting, specs_by_name(kinds)
        acting.activity.asked(erasure_mark_key(acting.tenant, require_id(erasure_id, field="id")))
        with acting.activity.going_on():
            found = self._requests.get(erasure_id)
            scope = self._scope(found.kind, found.partition)
            if found.state is ErasureState.REQUESTED:
                # Of what is decided the act asks, and knows what it has done already.
                acting.vault.holds.require_none(acting.tenant, scope, observer=acting.activity)
            # Also what is done already: who may not say so may not ask for it either.
            found = self._requests.make_final(erasure_id, four_eyes=self.rules.four_eyes)
            if found.erased is None:
                erased = self._erase(scope, known, since=found.requested.at)
                # Before it is said, whoever is killed here: it is swept, and no other request tells its id.
                self._sweeping(known).begin(found.kind)
                self._requests.forget(kind=found.kind, partition=found.partition)
                found = self._requests.done(erasure_id, erased)
        acting.release()
        return found, self._sweep(found, known)

    def _of(self, erasure_id: str, what: Callable[[ErasureRequests], ErasureRequest]) -> ErasureRequest:
        acting = self.acting
        acting.activity.asked(erasure_mark_key(acting.tenant, require_id(erasure_id, field="id")))
        with acting.activity.going_on():
            found = what(self._requests)
        acting.release()
        return found

    def _scope(self, kind: str | None, partition: str | None) -> Scope | None:
        """The partition, or None of the tenant; the audit log names it by its mark."""
        if kind is None and partition is None:
            self.acting.activity.asked(register_mark_key(self.acting.tenant))
            return None
        if kind is None or partition is None:
            raise InvalidInput("partition: needs its kind, and a kind a partition", field="partition")
        scope = Scope(self.acting.tenant, kind, partition)
        self.acting.activity.asked(head_mark_key(scope.pk))
        return scope

    def drive(self, erasure_id: str, kinds: "Iterable[Kind | KindSpec]") -> "tuple[ErasureRequest, Work]":
        """Does as much of the sweep of what was erased as the activity has time for; returns how both stand.

        Raises:
            Conflict: nothing was erased yet.
            NotFound, InvalidInput, IntegrityError, KeyRefused, DependencyError: as for `get`.
        """
        found, known = self.get(erasure_id), specs_by_name(kinds)
        if found.erased is None:
            raise Conflict("nothing was erased yet: make the erasure final first")
        return found, self._sweeping(known).drive(self._sweep(found, known).id)

    def _erase(self, scope: Scope | None, kinds: "Mapping[str, KindSpec]", *, since: str) -> "Erased":
        if scope is None:
            return Eraser(self.acting.vault).erase_tenant(self.acting.tenant, activity=self.acting.activity)
        if scope.kind not in kinds:
            raise NotFound("this release knows no such kind")
        # Asked again, perhaps days later, it must not come upon another partition that began there since.
        return Eraser(self.acting.vault).erase_partition(
            scope, kinds[scope.kind], activity=self.acting.activity, since=since
        )

    def _sweep(self, found: ErasureRequest, kinds: "Mapping[str, KindSpec]") -> "Work":
        """The newest sweep that comes by this erasure, whether or not it runs."""
        sweeping = self._sweeping(kinds)
        mine = (work for work in sweeping.newest() if work.kind == (found.kind or WHOLE_TENANT))
        return next(mine, None) or sweeping.begin(found.kind)[0]

    def _sweeping(self, kinds: "Mapping[str, KindSpec]") -> Sweeping:
        return Sweeping(self.acting, kinds=kinds.values(), now=self.now)

    @property
    def _requests(self) -> ErasureRequests:
        vault = self.acting.vault
        return ErasureRequests(vault.holds.rows, vault.audit, self.acting.activity, self.now)
