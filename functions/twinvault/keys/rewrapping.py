"""DEKs under a newer KEK: some rows at a time, in one transaction with its audit entry, each on its commitment.

The keys in the rows stay what they are, so nobody who reads or writes with them notices. A row that somebody changed
meanwhile is looked at again. Doing it twice changes nothing: what is under the KEK that seals now is left alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twinvault.dynamodb.transaction import Outcome, Statement, replace
from twinvault.envelope import NONCE_BYTES, SALT_BYTES, Label, tenant_key
from twinvault.envelope.item import Item, attribute, text_of
from twinvault.errors import Contention, DependencyError, IntegrityError, KeyRefused, OutcomeUnknown, Step, Undeclared
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import NamedKey, row_place
from twinvault.keys.sealed import parse_sealed, unwrap, wrap
from twinvault.keys.table import Committer, KeyTable

if TYPE_CHECKING:
    from twinvault.observe import Observer

MAX_ROWS = 25
"""Rows of one transaction: what a lost race costs, and what one entry tells of."""
_TRIES = 12
_PAUSE = 0.02

type Unopened = IntegrityError | KeyRefused | Undeclared


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What became of some rows.

    Attributes:
        done: how many were wrapped anew.
        already: how many were under that KEK, or had gone.
        refused: why the others were not: their KEK is revoked or refused by KMS, or the row does not open.
    """

    done: int
    already: int
    refused: tuple[Unopened, ...]


@dataclass(slots=True)
class _Plan:
    statements: list[Statement] = field(default_factory=list)
    commitments: dict[str, bytes] = field(default_factory=dict)
    already: int = 0
    refused: list[Unopened] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DekRewrapping:
    """Wraps DEKs of one store anew; thread-safe.

    `now`: RFC 3339 UTC time as text. `name`: the keys table's physical name.
    """

    hierarchy: KeyHierarchy
    table: KeyTable
    name: str
    now: Callable[[], str]
    randomness: Callable[[int], bytes]
    sleep: Callable[[float], None]

    def rewrap(self, rows: Sequence[Item], *, tenant: str, under: str, committer: Committer) -> Rewrapped:
        """Wraps these DEKs of the tenant (at most `MAX_ROWS`) under the KEK of this name, which must seal.

        Raises:
            OutcomeUnknown: some may or may not be done; repeating is safe.
            KeyRefused: KMS refuses that KEK.
            DependencyError: the tables cannot be read or written now; Contention: others keep changing the rows.
        """
        kek = self.hierarchy.kek(tenant, under, observer=committer.observer)
        with committer.writing():
            for attempt in range(_TRIES):
                plan = self._planned(rows, tenant, kek=kek, observer=committer.observer)
                if not plan.statements:
                    return Rewrapped(0, plan.already, tuple(plan.refused))
                event_id = committer.event_id()
                result = committer.commit(plan.statements, event_id=event_id, change=None)
                done = Rewrapped(len(plan.statements), plan.already, tuple(plan.refused))
                if result.outcome is Outcome.COMMITTED:
                    return done
                if result.outcome is Outcome.REFUSED:
                    raise DependencyError("the keys cannot be written now", cause=result.cause)
                self.sleep(_PAUSE * (attempt + 1) * (1 + self.randomness(1)[0] / 256))
                rows = self._again(rows, tenant)
                if plan.commitments == {name: made for name, made in _commitments(rows) if name in plan.commitments}:
                    # The answer was lost, or the cancellation was of our own repetition: it is written.
                    committer.found_committed(event_id)
                    return done
                if result.outcome is Outcome.UNKNOWN:
                    raise OutcomeUnknown("the keys were sent and the outcome is unknown; repeating is safe")
                committer.new_attempt()
        raise Contention("others keep changing these keys", retry_after=1)

    def _planned(self, rows: Sequence[Item], tenant: str, *, kek: NamedKey, observer: "Observer") -> _Plan:
        plan = _Plan()
        for item in rows:
            if text_of(item, "key_id") == kek.name:
                plan.already += 1
                continue
            try:
                self._plan_one(plan, item, tenant=tenant, kek=kek, observer=observer)
            except (IntegrityError, KeyRefused, Undeclared) as refusal:
                plan.refused.append(refusal)
        return plan

    def _plan_one(self, plan: _Plan, item: Item, *, tenant: str, kek: NamedKey, observer: "Observer") -> None:
        name = text_of(item, "sk")
        if self.hierarchy.loader.is_erased(name, tenant=tenant):
            # Under a newer KEK it would outlive the one whose end makes its erasure final.
            raise IntegrityError(Step.ERASED_KEY, where=row_place(tenant, name))
        row = parse_sealed(item, tenant=tenant, name=name)
        opener = self.hierarchy.kek(tenant, row.wrapped_under, observer=observer)
        dek = unwrap(row, kek=opener, label=Label.DEK)
        observer.crypto("unwrap_dek", opener.name)
        salt, nonce = self.randomness(SALT_BYTES), self.randomness(NONCE_BYTES)
        written = row.written.again(self.now())
        made = wrap(dek, tenant=tenant, kek=kek, label=Label.DEK, written=written, salt=salt, nonce=nonce)
        observer.crypto("wrap_dek", kek.name)
        observer.key_event("rewrap", name)
        plan.statements.append(replace(self.name, made, remove=(), commitment=row.commitment))
        plan.commitments.update(_commitments([made]))

    def _again(self, rows: Sequence[Item], tenant: str) -> list[Item]:
        """The same rows as they are now; a row that has gone is nobody's any more."""
        found = (self.table.get(tenant_key(tenant), text_of(item, "sk")) for item in rows)
        return [item for item in found if item is not None]


def _commitments(rows: Sequence[Item]) -> list[tuple[str, bytes]]:
    found = ((text_of(item, "sk"), attribute(item, "key_commitment", kind="B")) for item in rows)
    return [(name, value) for name, value in found if isinstance(value, bytes)]
