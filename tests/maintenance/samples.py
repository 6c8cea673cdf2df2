"""Notes of a tenant to work on, a clock to be set, and drivers that die."""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stores import World
from twinvault.dynamodb.transaction import Result, Statement
from twinvault.maintenance.driving import Maintenance
from twinvault.maintenance.jobs import JOBS, Job, JobStep
from twinvault.maintenance.work import Work
from twinvault.records.record import Draft
from twinvault.records.spec import TEXT, EntitySpec, KindSpec
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope

LINE = EntitySpec("line", re.compile(r"line#[0-9]+"), {"mark": TEXT}, frozenset({"text"}))
NOTE = KindSpec("note", (LINE,))
OTHER = KindSpec("other", (LINE,))
ACTING = "maintain.test"


class Clock:
    """The time of day, set by hand: what is written by other means is later than this, unless it is set."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def pass_on(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class House:
    """One environment's view of a tenant's works."""

    world: World
    clock: Clock = field(default_factory=Clock)
    jobs: Sequence[Job] = JOBS
    tenant: str = "acme"
    seconds: float = 30.0
    kinds: Sequence[KindSpec] = (NOTE, OTHER)

    def do[T](self, what: Callable[[Maintenance], T], *, principal: str = "ann", tenant: str | None = None) -> T:
        """Something asked of the maintenance, in an activity of its own."""
        with self.world.vault.acting(
            tenant=tenant or self.tenant, principal=principal, action=ACTING, seconds=self.seconds
        ) as acting:
            return what(Maintenance(acting, kinds=self.kinds, jobs=self.jobs, now=self.clock))

    def begin(self, job: str = "rewrite", kind: str = "note", **more: Any) -> Work:
        return self.do(lambda one: one.begin(job, kind), **more)[0]

    def drive(self, work: Work, **more: Any) -> Work:
        return self.do(lambda one: one.drive(work.id), **more)

    def get(self, work: Work, **more: Any) -> Work:
        return self.do(lambda one: one.get(work.id), **more)

    def index(self) -> list[str]:
        """The running works as the index lists them, of all tenants."""
        items = [item for item in self.world.items(self.world.tables.keys) if item["pk"]["S"] == "work"]
        return sorted(one for item in items for one in item["open"]["S"].split(" ") if one)

    def other(self) -> "House":
        """The same tenant from another environment, with the same clock."""
        return replace(self, world=self.world.another_environment())


def note(world: World, name: str, *, tenant: str = "acme", kind: KindSpec = NOTE) -> PartitionStore:
    return world.partition(Scope(tenant, kind.kind, name), kind, world.activity(tenant))


def write_notes(world: World, count: int, *, lines: int = 3, tenant: str = "acme", kind: KindSpec = NOTE) -> list[str]:
    names = [f"n{number:03d}" for number in range(count)]
    for name in names:
        drafts = [Draft("line", f"line#{n}", {"mark": "m", "text": f"text {n} of {name}"}) for n in range(lines)]
        note(world, name, tenant=tenant, kind=kind).put(*drafts)
    return names


def versions(world: World, name: str, *, tenant: str = "acme", kind: KindSpec = NOTE) -> dict[str, int]:
    """The versions of a note's records, the head's under `head`."""
    snapshot = note(world.another_environment(), name, tenant=tenant, kind=kind).read()
    assert snapshot is not None
    return {"head": snapshot.head.version, **{sk: record.version for sk, record in snapshot.records.items()}}


def texts(world: World, name: str) -> list[str]:
    snapshot = note(world.another_environment(), name).read()
    assert snapshot is not None
    return [record.fields["text"] for record in snapshot.records.values()]


class Killed(BaseException):
    """The process is gone: nothing is logged, nothing is cleared up."""


@dataclass
class Deadly:
    """A transactor that dies at a call of one's choice, before or after the engine has done it."""

    inner: Any
    at: int
    after: bool
    calls: int = 0

    def execute(self, statements: Sequence[Statement], *, deadline: float) -> Result:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise Killed
        result = self.inner.execute(statements, deadline=deadline)
        if self.calls == self.at:
            raise Killed
        return result


def deadly(world: World, *, at: int, after: bool) -> tuple[World, Deadly]:
    """Another environment, whose `at`-th transaction is its last."""
    mine = world.another_environment()
    dying = Deadly(mine.transactor, at, after)
    mine.audit._transactions = dying
    return mine, dying


@dataclass
class Noting:
    """A job that writes nothing: it tells what it was asked to do. `act` may raise, wait or answer for a partition."""

    name: str = "noting"
    act: Callable[[str], JobStep | None] = lambda _: None
    seen: list[str] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def step(self, partition: PartitionStore, *, since: str, is_over: Callable[[], bool]) -> JobStep:
        name = partition.scope.partition
        with self.turn:
            self.seen.append(name)
        return self.act(name) or JobStep(rewritten=1)
