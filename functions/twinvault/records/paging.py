"""A page of records, and how many it may hold. Pure."""

from dataclasses import dataclass

from twinvault.errors import InvalidInput
from twinvault.records.record import StoredRecord

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of a partition's records, and the cursor of the next page."""

    records: tuple[StoredRecord, ...]
    cursor: str | None


def require_limit(limit: object) -> None:
    """Lets the size of a page pass.

    Raises:
        InvalidInput: it is no whole number from 1 to `MAX_PAGE`.
    """
    if type(limit) is not int or limit not in range(1, MAX_PAGE + 1):
        raise InvalidInput(f"limit: must be a whole number from 1 to {MAX_PAGE}", field="limit")
