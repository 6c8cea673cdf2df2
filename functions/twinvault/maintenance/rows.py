"""The rows of long work in the keys table (docs/format.md, "Work"), and what is in them. Pure.

    pk = tenant#{tenant}   sk = work#{id}    the work, sealed under the tenant's register key
    pk = work              sk = {tenant}     which of the tenant's works are running: their ids, and nothing else
    pk = work-of-keys      sk = {tenant}     the same of works of keys, which another function drives
    pk = work-of-erasures  sk = {tenant}     the same of sweeps of what was erased, likewise

The last three are how a schedule finds what nobody drives without looking at every tenant. They are hints:
neither sealed nor secret, and what they name is opened before anything is done. All works of a tenant begin and end by
a condition on one of them, so that there are never more at once than may be.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twinvault.dynamodb.transaction import Statement, exchange, insert, replace
from twinvault.envelope import ID, NONCE_BYTES, SALT_BYTES, Label, require_id
from twinvault.envelope.item import Item, attribute, text_of
from twinvault.errors import IntegrityError
from twinvault.keys.rows import WORK, NamedKey, is_tombstone_name
from twinvault.keys.sealed import Payload, SealedRow, Written, open_payload, parse_sealed, seal_payload
from twinvault.maintenance.work import Work, decode
from twinvault.scope import Scope

REWRAP, FINALIZE, KEYS = "rewrap", "finalize", "keys"
"""The jobs of works of keys, and what stands where others have the kind of their partitions."""
SWEEP, SWEEP_TENANT, WHOLE_TENANT = "sweep", "sweep-tenant", "tenant"
"""The jobs that sweep what was erased: of one kind, and of a whole tenant; and what stands for the kind of that."""
INDEX, KEY_INDEX, ERASURE_INDEX = "work", "work-of-keys", "work-of-erasures"
OPEN = "open"
_OF_PARTITION = re.compile(rf"dek#(?P<kind>{ID.pattern})#(?P<partition>{ID.pattern})#(?:[0-9]{{6}}|erased)")
_DEK = re.compile(rf"dek#(?P<kind>{ID.pattern})#(?P<partition>{ID.pattern})#[0-9]{{6}}")


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A work, opened, and the row that it was found in."""

    work: Work
    row: SealedRow


def work_name(work_id: str) -> str:
    """The sort key of a work's row.

    Raises:
        InvalidInput: it is no id.
    """
    return WORK + require_id(work_id, field="id")


def open_work(item: Item, *, tenant: str, key: NamedKey) -> WorkRow:
    """Opens a row that was found at the place of a work of this tenant; `key` is the tenant's register key.

    Raises:
        IntegrityError: it was changed or moved, or holds no work.
        Undeclared: it is authentic and holds what no such row holds here.
    """
    name = text_of(item, "sk")
    row = parse_sealed(item, tenant=tenant, name=name)
    payload = open_payload(row, key=key, label=Label.WORK)
    written = row.written
    try:
        work = decode(payload, work_id=name.removeprefix(WORK), begun=written.created_at, updated=written.updated_at)
    except IntegrityError as refusal:
        raise refusal.at(row.place) from None
    return WorkRow(work, row)


@dataclass(frozen=True, slots=True)
class WorkSealer:
    """Makes the statements of one tenant's works.

    Attributes:
        table: the keys table's physical name.
        key: the tenant's register key.
        randomness: `os.urandom` outside of tests.
        index: where its running works are listed.
    """

    table: str
    tenant: str
    key: NamedKey
    randomness: Callable[[int], bytes]
    index: str = INDEX

    def added(self, work: Work) -> Statement:
        """The INSERT of a work that begins."""
        return insert(self.table, self._item(work, Written(1, work.begun, work.begun)))

    def changed(self, work: Work, found: WorkRow) -> Statement:
        """The UPDATE that puts this work in the place of the one that was found, if nobody else was faster."""
        item = self._item(work, found.row.written.again(work.updated))
        return replace(self.table, item, remove=(), commitment=found.row.commitment)

    def listed(self, ids: Sequence[str], before: Item | None) -> Statement:
        """What makes these the running works of the tenant, if the row is still as it was found."""
        item = {"pk": {"S": self.index}, "sk": {"S": self.tenant}, OPEN: {"S": " ".join(ids)}}
        if before is None:
            return insert(self.table, item)
        return exchange(self.table, item, name=OPEN, before=before.get(OPEN))

    def _item(self, work: Work, written: Written) -> dict[str, dict[str, Any]]:
        payload = Payload(work_name(work.id), work.encode(), Label.WORK)
        salt, nonce = self.randomness(SALT_BYTES), self.randomness(NONCE_BYTES)
        return seal_payload(payload, tenant=self.tenant, key=self.key, written=written, salt=salt, nonce=nonce)[0]


def is_of_keys(work: Work) -> bool:
    """Whether it is done to keys, and not to partitions."""
    return work.kind == KEYS and work.job in {REWRAP, FINALIZE}


def is_of_erasures(work: Work) -> bool:
    """Whether it sweeps what was erased."""
    return work.job in {SWEEP, SWEEP_TENANT}


def listed_ids(item: Item | None) -> list[str]:
    """The ids in a row of the index, each once; whatever else stands there is nobody's work."""
    text = attribute(item, OPEN, kind="S") if item else None
    return list(dict.fromkeys(filter(ID.fullmatch, text.split(" ")))) if isinstance(text, str) else []


def listed_tenant(item: Item) -> str | None:
    """The tenant of a row of the index; None where it is no tenant's."""
    tenant = text_of(item, "sk")
    return tenant if ID.fullmatch(tenant) else None


def dek_of(item: Item, tenant: str) -> Scope | None:
    """The partition that a row is of which stands where DEKs and tombstones do; None where it is none's."""
    match = _OF_PARTITION.fullmatch(text_of(item, "sk"))
    return Scope(tenant, match["kind"], match["partition"]) if match else None


def erased_partition_of(item: Item, *, kind: str) -> str | None:
    """The partition that a tombstone's row is of; None where the row is none, or of another kind."""
    found = dek_of(item, "") if is_tombstone_name(text_of(item, "sk")) else None
    return found.partition if found and found.kind == kind else None


def partition_of(item: Item, *, kind: str) -> str | None:
    """The partition that a DEK's row is of; None where the row is none, or of another kind."""
    match = _DEK.fullmatch(text_of(item, "sk"))
    return match["partition"] if match and match["kind"] == kind else None
