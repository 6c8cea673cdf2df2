"""Long work that nobody drives, carried on: the works of all tenants, as their index lists them."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from twinvault.errors import TwinvaultError
from twinvault.maintenance.holding import RESERVE_SECONDS
from twinvault.maintenance.rows import ERASURE_INDEX, INDEX, KEY_INDEX, listed_ids, listed_tenant

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.vault import Vault

PRINCIPAL = "twinvault:maintenance"
"""Who acts, as the audit log says: nobody who has a token."""
ACTION = "maintain.resume"
KEY_ACTION = "key.resume"
ERASURE_ACTION = "erase.resume"
_PARTITIONS, _KEYS, _ERASURES = (INDEX, ACTION), (KEY_INDEX, KEY_ACTION), (ERASURE_INDEX, ERASURE_ACTION)


class Driver(Protocol):
    """What drives works of one activity's tenant."""

    def drive(self, work_id: str) -> object:
        """Does as much of a work as the activity has time for."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What one run came to.

    Attributes:
        running: how many works the index lists.
        driven: how many of them this run looked after, itself or by seeing that somebody does.
        failed: how many of these could not be driven.
    """

    running: int
    driven: int
    failed: int


def carry_on(
    vault: "Vault",
    driver: "Callable[[Acting], Driver]",
    *,
    of_keys: bool = False,
    of_erasures: bool = False,
    seconds: float,
    about: Mapping[str, str],
    count: Callable[[str, int], None],
    report: Callable[[TwinvaultError], None],
) -> Carried:
    """Drives the works that are running, in any order, for `seconds`; each in its tenant's name and by itself.

    Those of partitions, those of keys and sweeps of what was erased are listed apart: each sort has its own function.

    `about` says which function and request this is (`Vault.acting`), `report` is told what kept a work from being
    driven: the others are driven all the same.

    Raises:
        DependencyError: the index cannot be read now.
    """
    until = time.monotonic() + seconds
    index, action = _ERASURES if of_erasures else _KEYS if of_keys else _PARTITIONS
    works = _running(vault, index)
    driven = failed = 0
    for tenant, work_id in works:
        left = until - time.monotonic()
        if left <= RESERVE_SECONDS:
            break
        driven += 1
        try:
            with vault.acting(
                tenant=tenant, principal=PRINCIPAL, action=action, seconds=left, count=count, **about
            ) as acting:
                driver(acting).drive(work_id)
        except TwinvaultError as error:
            failed += 1
            report(error)
    return Carried(len(works), driven, failed)


def _running(vault: "Vault", index: str) -> list[tuple[str, str]]:
    """The works that this index lists, each with its tenant, in any order."""
    listed = [(listed_tenant(item), listed_ids(item)) for item in vault.key_table.query(index)]
    works = [(tenant, work_id) for tenant, ids in listed if tenant for work_id in ids]
    # One that takes all the time there is must not keep the same others waiting each time.
    random.shuffle(works)
    return works
