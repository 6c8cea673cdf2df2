"""The works of one sort: what there is of them, and a drive of one. What a step does, each sort says."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from twinvault.errors import NotFound
from twinvault.maintenance.holding import Holding
from twinvault.maintenance.work import Work


class DrivenWorks(ABC):
    """The works of one sort of one activity's tenant."""

    def __init__(self, holding: Holding, *, is_one: Callable[[Work], bool], missing: str | None = None) -> None:
        """`is_one`: whether a work is of this sort.

        `missing`: what is said where the work of an id is of another; None: that is found all the same.
        """
        self._acting = holding.acting
        self._holding = holding
        self._works = holding.works
        self._is_one = is_one
        self._missing = missing

    def get(self, work_id: str) -> Work:
        """How a work stands.

        Raises:
            NotFound, InvalidInput: there is none of this id, or it cannot be one.
            IntegrityError: its row was changed or moved.
            DependencyError: as for any key.
        """
        work = self._find(work_id)
        self._acting.release()
        return work

    def newest(self) -> list[Work]:
        """The tenant's newest works of this sort, at most 100, the newest first. Errors as for `get`."""
        works = [work for work in self._works.newest() if self._is_one(work)]
        self._acting.release()
        return works

    def drive(self, work_id: str) -> Work:
        """Does as much of a work as the activity has time for; returns how it then stands.

        Where somebody else is at it nothing is done, and its lease says until when.

        Raises:
            NotFound, InvalidInput, IntegrityError: as for `get`.
            Conflict: this release knows no such work; or what is to be done is being written by too many.
            DependencyError: it cannot be done now. What was done before it is written down.
        """
        return self._holding.drive(self._find(work_id), self._stepping)

    @abstractmethod
    def _stepping(self, work: Work) -> Callable[[Work], Work]:
        """What does a step of this work."""

    def _find(self, work_id: str) -> Work:
        work = self._works.get(work_id).work
        if self._missing is not None and not self._is_one(work):
            raise NotFound(self._missing)
        return work
