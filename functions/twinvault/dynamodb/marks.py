"""Marks: of each partition, each tenant's register and its holds, which version is newest and what digest its seal has.

    pk = head#{hex SHA-256(LP("records") LP(the partition's pk))}    a partition's heads
         register#{tenant}                                           a tenant's registers
         hold#{tenant}                                               a tenant's legal holds
         erased#{the same hex}                                       a partition's DEKs that were erased
         erasure#{tenant}#{id}                                       an erasure that was asked for
    sk = {version:020d}

The table is insert-only: the transaction of each write inserts the mark of the head (or register) that it writes, and
nobody can take a mark away or change one. So what is put back, deleted or forked is not what the newest mark names, and
the next write finds its place taken. The marks of what was erased name the highest version of a DEK that was: no key up
to that version is used again, whoever puts its row back (docs/format.md, "Marks").
"""

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinvault.dynamodb.transaction import Statement, insert
from twinvault.envelope.aad import lp
from twinvault.envelope.item import attribute, text_of
from twinvault.errors import IntegrityError, Place, Step

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table
    from twinvault.envelope.item import Item

DIGEST_BYTES = 32
_VERSION = re.compile(r"[0-9]{20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mark:
    """One version of a head or a register.

    Attributes:
        version: the head's (or register's) version, from 1.
        digest: the digest of its seal, 32 bytes.
        event: the id of the audit event of the write that made it, a UUID.
    """

    version: int
    digest: bytes
    event: str


class Marks:
    """The marks table, read."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def newest(self, mark_pk: str) -> Mark | None:
        """The newest mark of a partition or tenant, strongly consistent; None where nothing was ever written.

        Raises:
            IntegrityError: what stands there is no mark: somebody else inserted it.
            DependencyError: the table cannot be read now.
        """
        item = self._table.last(mark_pk)
        return None if item is None else parse_mark(item)


def head_mark_key(partition_pk: str) -> str:
    """The pk of the marks of a partition: it shows neither the tenant nor the partition."""
    return f"head#{_hidden(partition_pk)}"


def erased_mark_key(partition_pk: str) -> str:
    """The pk of the marks of a partition's erased DEKs; a mark's version is here that of the highest one."""
    return f"erased#{_hidden(partition_pk)}"


def register_mark_key(tenant: str) -> str:
    """The pk of the marks of a tenant's register."""
    return f"register#{tenant}"


def hold_mark_key(tenant: str) -> str:
    """The pk of the marks of a tenant's legal holds."""
    return f"hold#{tenant}"


def erasure_mark_key(tenant: str, erasure_id: str) -> str:
    """The pk of the marks of an erasure that was asked for."""
    return f"erasure#{tenant}#{erasure_id}"


def mark_statement(mark_pk: str, mark: Mark, *, table: str) -> Statement:
    """The INSERT of a mark: it fails where another write has taken the version."""
    return insert(table, mark_item(mark_pk, mark))


def mark_item(mark_pk: str, mark: Mark) -> dict[str, dict[str, Any]]:
    """A mark as a DynamoDB item."""
    return {
        "pk": {"S": mark_pk},
        "sk": {"S": f"{mark.version:020d}"},
        "digest": {"B": mark.digest},
        "event": {"S": mark.event},
    }


def parse_mark(item: "Item") -> Mark:
    """The mark that an item found in the table is: step 10 of docs/format.md as far as it is about the mark alone.

    Raises:
        IntegrityError: it has not the form of one.
    """
    sk, digest = text_of(item, "sk"), attribute(item, "digest", kind="B")
    if not _VERSION.fullmatch(sk) or not isinstance(digest, bytes) or len(digest) != DIGEST_BYTES:
        raise IntegrityError(Step.MARK, where=Place("marks", text_of(item, "pk"), sk), detail="this is no mark")
    return Mark(int(sk), digest, text_of(item, "event"))


def _hidden(partition_pk: str) -> str:
    return hashlib.sha256(lp(b"records") + lp(partition_pk.encode(errors="replace"))).hexdigest()
