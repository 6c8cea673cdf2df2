"""Loading a tenant: one Query and the newest mark, and where they do not fit, a bracketed look.

A Query is only read-committed against transactions: it can see half of one, and the mark is read after it. So what does
not fit is looked at again between two TransactGetItems of the register, which no transaction in flight overlaps. Every
change of a key row is one transaction with the register's. So if the register is the same before and after, nothing
changed between, and what does not fit is tampering, at once. If it differs, others write, and it is looked at anew.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import Mark, erased_mark_key, register_mark_key
from twinvault.envelope import tenant_key
from twinvault.envelope.item import Item, text_of
from twinvault.errors import Contention, IntegrityError, Step
from twinvault.keys.rows import IDX, REGISTER, REGISTER_KEY, dek_version, row_place, scope_of
from twinvault.keys.tenant import MOST_ROWS, TenantRows, look_over

if TYPE_CHECKING:
    from twinvault.keys.table import KeyTable, RegisterMarks
    from twinvault.scope import Scope

_PAUSE = 0.02


class TenantLoader:
    """Loads tenants; thread-safe."""

    def __init__(
        self,
        table: "KeyTable",
        marks: "RegisterMarks",
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        patience: float = 10.0,
    ) -> None:
        """`patience`: seconds for which a register that keeps changing is looked at anew."""
        self._table = table
        self._marks = marks
        self._monotonic = monotonic
        self._sleep = sleep
        self._patience = patience

    def load[T](self, tenant: str, open_rows: Callable[[TenantRows], T]) -> T | None:
        """Returns what `open_rows` makes of the tenant's rows, or None where there never were any.

        Raises:
            IntegrityError: rows were taken away, planted, changed or put back.
            Contention: others kept changing the tenant's keys.
            DependencyError: a table cannot be read now; also what `open_rows` raises.
        """
        try:
            rows = look_over(self._items(tenant), self._mark(tenant), tenant=tenant)
            return open_rows(rows) if rows else None
        except IntegrityError:
            # Perhaps half of a transaction.
            rows = self._bracketed(tenant)
            return open_rows(rows) if rows else None

    def erased_up_to(self, scope: "Scope") -> int:
        """The highest version of the partition's DEK that was erased; 0 where none ever was.

        Raises:
            IntegrityError: what stands there is no mark.
            DependencyError: the marks cannot be read now.
        """
        mark = self._marks.newest(erased_mark_key(scope.pk))
        return mark.version if mark else 0

    def is_erased(self, name: str, *, tenant: str) -> bool:
        """Whether this DEK of the tenant was erased: its row can only have been put back. Errors: `erased_up_to`."""
        scope = scope_of(name, tenant)
        return dek_version(name, scope=scope) <= self.erased_up_to(scope)

    def _bracketed(self, tenant: str) -> TenantRows | None:
        """Rows between whose reading no transaction changed the register."""
        pk = tenant_key(tenant)
        until = self._monotonic() + self._patience
        while self._monotonic() < until:
            try:
                before = self._table.get_isolated(pk, REGISTER)
                items, mark = self._items(tenant), self._mark(tenant)
                after = self._table.get_isolated(pk, REGISTER)
            except Contention:
                pass
            else:
                if before == after:
                    if before != next((item for item in items if text_of(item, "sk") == REGISTER), None):
                        raise IntegrityError(
                            Step.KEY_ROWS, where=row_place(tenant, REGISTER), detail="exchanged meanwhile"
                        )
                    return look_over(items, mark, tenant=tenant)
            self._sleep(_PAUSE)
        raise Contention("the tenant's keys keep changing", retry_after=1)

    def _items(self, tenant: str) -> Sequence[Item]:
        # One more than there can be, and no more: who plants thousands of rows is told from one who plants one.
        return self._table.query_range(tenant_key(tenant), IDX, last=REGISTER_KEY, limit=MOST_ROWS + 1)

    def _mark(self, tenant: str) -> Mark | None:
        return self._marks.newest(register_mark_key(tenant))
