"""A partition beside a model in memory: whatever is done in whatever order, with answers lost, both are the same.

Two environments write in turn. What the model says of a call, an error included, is what the store must do.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults import Fault, Line
from tests.records.samples import LINE, line
from tests.stores import World
from twinvault.errors import Conflict
from twinvault.records.blind import Blind
from twinvault.records.changes import ABSENT, Changes, Written
from twinvault.records.partition import Look, Snapshot
from twinvault.records.spec import HEAD, TEXT, EntitySpec, KindSpec, head_spec
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope

STEPS = 50
"""2,000 steps in all."""

ENTRY = EntitySpec("line", LINE.sk, LINE.clear, LINE.sealed, searchable={"payee": Blind(slot=1)})
BOOK = KindSpec("book", (ENTRY,), head_spec({"title": TEXT}))
PAYEES = ["Bo", "Cy"]
NUMBERS = st.integers(1, 6)
SKS = NUMBERS.map(lambda number: f"line#{number:04d}")
FIELDS = st.fixed_dictionaries(
    {"amount": st.integers(-5, 5)},
    optional={
        "payee": st.sampled_from(PAYEES),
        "paid": st.none() | st.booleans(),
        "memo": st.lists(st.integers()),
    },
)
WHO = st.integers(0, 1)
LOST = st.sampled_from([Fault.PASS, Fault.PASS, Fault.PASS, Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.ERROR_AFTER])


class Machine(RuleBasedStateMachine):
    """See above. `worlds` and `line` are set by the test."""

    worlds: tuple[World, World]
    line: Line

    def __init__(self) -> None:
        super().__init__()
        # A tenant of its own: what is found is this partition's alone.
        self.scope = Scope(f"t-{os.urandom(6).hex()}", BOOK.kind, "p1")
        self.records: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, int] = {}
        self.head: dict[str, Any] = {}
        self.version = 0

    def here(self, who: int) -> PartitionStore:
        world = self.worlds[who]
        return world.partition(self.scope, BOOK, world.activity(self.scope.tenant))

    def lose(self, fault: Fault) -> None:
        """What happens to the next transaction of the second environment."""
        if fault is not Fault.PASS:
            self.line.next(fault)

    def wrote(self, done: Written, records: dict[str, dict[str, Any]]) -> None:
        self.version += 1
        assert done.version == self.version
        assert {sk: record.fields for sk, record in done.records.items()} == records
        self.records |= records
        self.versions |= dict.fromkeys(records, self.version)

    @initialize()
    def begin(self) -> None:
        self.line.clear()

    @rule(who=WHO, number=NUMBERS, fields=FIELDS, lost=LOST)
    def put(self, who: int, number: int, fields: dict[str, Any], lost: Fault) -> None:
        draft = line(number)
        self.lose(lost if who else Fault.PASS)
        self.wrote(self.here(who).put(type(draft)(draft.entity, draft.sk, fields)), {draft.sk: fields})

    @rule(who=WHO, number=NUMBERS, fields=FIELDS, lost=LOST)
    def add(self, who: int, number: int, fields: dict[str, Any], lost: Fault) -> None:
        draft = line(number)
        draft = type(draft)(draft.entity, draft.sk, fields)
        if draft.sk in self.records:
            with pytest.raises(Conflict, match=f"{draft.sk}: there is such a record already"):
                self.here(who).add(draft)
        else:
            self.lose(lost if who else Fault.PASS)
            self.wrote(self.here(who).add(draft), {draft.sk: fields})

    @rule(who=WHO, sk=SKS, fields=FIELDS, remove=st.sets(st.sampled_from(["paid", "memo"])))
    def update(self, who: int, sk: str, fields: dict[str, Any], remove: set[str]) -> None:
        remove -= fields.keys()
        if sk not in self.records:
            with pytest.raises(Conflict, match=f"{sk}: there is no such record"):
                self.here(who).update(sk, fields, remove=remove)
            return
        after = {name: value for name, value in {**self.records[sk], **fields}.items() if name not in remove}
        self.wrote(self.here(who).update(sk, fields, remove=remove), {sk: after})

    @rule(who=WHO, sks=st.sets(SKS, min_size=1, max_size=3), lost=LOST)
    def delete(self, who: int, sks: set[str], lost: Fault) -> None:
        if not sks <= self.records.keys():
            with pytest.raises(Conflict, match="there is no such record"):
                self.here(who).delete(*sks)
            return
        self.lose(lost if who else Fault.PASS)
        self.wrote(self.here(who).delete(*sks), {})
        for sk in sks:
            del self.records[sk], self.versions[sk]

    @precondition(lambda self: self.version)
    @rule(who=WHO, title=st.sampled_from(["Spring", "Autumn"]))
    def change_the_head(self, who: int, title: str) -> None:
        done = self.here(who).update(HEAD, {"title": title})
        self.version += 1
        self.head["title"] = title
        assert (done.version, done.records[HEAD].fields) == (self.version, self.head)

    @precondition(lambda self: self.version)
    @rule(who=WHO)
    def rotate(self, who: int) -> None:
        self.here(who).new_dek()
        self.version += 1

    @rule(who=WHO, put=NUMBERS, gone=SKS)
    def several(self, who: int, put: int, gone: str) -> None:
        """One record put and another one deleted, if it is there and another."""
        draft = line(put, amount=1)

        def plan(look: Look | None) -> Changes:
            there = look is not None and gone in look.records and gone != draft.sk
            return Changes(put=[draft], delete=[gone] if there else [])

        self.here(who).write_rows([draft.sk, gone], plan)
        self.version += 1
        if gone != draft.sk:
            self.records.pop(gone, None)
            self.versions.pop(gone, None)
        self.records[draft.sk] = dict(draft.fields)
        self.versions[draft.sk] = self.version

    @rule(who=WHO, sk=SKS, wrong=st.integers(1, 3))
    def expect_something_else(self, who: int, sk: str, wrong: int) -> None:
        expected: Any = {sk: self.versions.get(sk, 0) + wrong}
        with pytest.raises(Conflict, match=sk):
            self.here(who).put(line(1), expected=expected)
        right: Any = {sk: self.versions.get(sk, ABSENT), HEAD: self.version or ABSENT}
        done = self.here(who).put(line(1), expected=right)
        self.wrote(done, {"line#0001": dict(line(1).fields)})

    @rule(who=WHO, fields=FIELDS)
    def ask_twice(self, who: int, fields: dict[str, Any]) -> None:
        key = os.urandom(8).hex()
        draft = type(line(2))("line", "line#0002", fields)
        first = self.here(who).put(draft, idempotency_key=key)
        self.wrote(first, {draft.sk: fields})
        again = self.here(1 - who).put(draft, idempotency_key=key)
        assert (again.repeated, again.version, again.digest) == (True, first.version, first.digest)

    @rule(who=WHO, sks=st.sets(SKS))
    def get(self, who: int, sks: set[str]) -> None:
        found = self.here(who).get_many(sks)
        there = {sk: self.records[sk] for sk in sks if sk in self.records}
        assert {sk: record.fields for sk, record in found.items()} == there

    @rule(who=WHO, limit=st.integers(1, 4))
    def page_through(self, who: int, limit: int) -> None:
        found, cursor = {}, None
        while True:
            page = self.here(who).query("line#", limit=limit, cursor=cursor)
            found |= {record.sk: record.fields for record in page.records}
            cursor = page.cursor
            if cursor is None:
                break
        assert found == self.records

    @rule(who=WHO, payee=st.sampled_from(PAYEES), limit=st.integers(1, 3))
    def find(self, who: int, payee: str, limit: int) -> None:
        found, cursor = set(), None
        while True:
            with self.worlds[who].vault.acting(tenant=self.scope.tenant, principal="u-1", action="find") as acting:
                page = acting.find(BOOK, "line", payee=payee, limit=limit, cursor=cursor)
            found |= {one.record.sk for one in page.records}
            cursor = page.cursor
            if cursor is None:
                break
        # DynamoDB Local's indexes do not lag.
        assert found == {sk for sk, fields in self.records.items() if fields.get("payee") == payee}

    @invariant()
    def is_as_the_model_says(self) -> None:
        snapshot = self.here(0).read()
        if snapshot is None:
            assert self.version == 0
        else:
            assert self.seen(snapshot) == (self.version, self.records, self.versions)

    def seen(self, snapshot: Snapshot) -> tuple[int, dict[str, Any], dict[str, int]]:
        assert snapshot.head.fields == self.head
        records = {sk: record.fields for sk, record in snapshot.records.items()}
        return snapshot.head.version, records, {sk: record.version for sk, record in snapshot.records.items()}


@pytest.mark.timeout(1200)  # some 2,000 transactions, on whatever machine
@pytest.mark.parametrize("examples", [10, pytest.param(40, marks=pytest.mark.long)])
def test_the_store_and_a_model_in_memory_stay_the_same(
    world: World, faulty: World, request: pytest.FixtureRequest, examples: int
) -> None:
    Machine.worlds, Machine.line = (world, faulty), request.getfixturevalue("line")
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
