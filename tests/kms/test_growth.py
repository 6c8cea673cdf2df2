"""Ten thousand keys, aliases, grants and tags: what one call does is counted, and must not grow with their number.

Counted, not timed: the steps that Python takes within the KMS (its calls, and the turns of its loops), and the most
memory that a call holds at once, which shows what C does in one step (a sort, a copy of a list).
"""

import statistics
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from tests.kms.engines import InProcess, caller, in_process
from tests.kms.running import ACCOUNT, REGION
from twinvault_kms.catalog import Catalog
from twinvault_kms.indexes import Names, Schedule
from twinvault_kms.model import Alias, Counter, Grant, Key, KeyOrigin, Material, MaterialState, PutEntity

FEW, MANY = 100, 10_000
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
PACKAGE = "twinvault_kms"
TOOL = sys.monitoring.PROFILER_ID
COUNTED = sys.monitoring.events.PY_START | sys.monitoring.events.JUMP | sys.monitoring.events.CALL


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with filled(tmp_path_factory.mktemp("few"), FEW) as kms:
        yield kms


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with filled(tmp_path_factory.mktemp("many"), MANY) as kms:
        yield kms


@contextmanager
def filled(folder: Path, size: int) -> Iterator[InProcess]:
    """A store with so many keys, grants (on one key), aliases (likewise) and, half of it, tags."""
    with in_process(folder) as kms:
        first = kms.key()
        catalog = kms.engine.journal.catalog
        policy = catalog.keys[first].policy
        changes: list[PutEntity] = [PutEntity(Counter(keys=size))]
        for number in range(2, size + 1):
            key_id, (_, material) = kms.engine.ring.key_id(number), ("", f"{number:064x}")
            kept = Material(material, version=1, state=MaterialState.CURRENT, derived=True)
            key = Key(
                key_id,
                ACCOUNT,
                REGION,
                number,
                created=1.0,
                spec="SYMMETRIC_DEFAULT",
                usage="ENCRYPT_DECRYPT",
                origin=KeyOrigin.AWS_KMS,
                policy=policy,
                materials=(kept,),
                tags=tuple((f"tag-{each}", "value") for each in range(50)) if number % 50 == 0 else (),
                rotation_days=365,
                next_rotation=1e10 + number,
            )
            changes.append(PutEntity(key))
        for number in range(size):
            changes.append(PutEntity(Alias(ACCOUNT, REGION, f"alias/a-{number:05}", first, created=1.0, updated=1.0)))
            changes.append(PutEntity(grant(first, number)))
        kms.engine.journal.append(changes)
        yield kms


def grant(key_id: str, number: int) -> Grant:
    return Grant(
        grant_id=f"{number:064x}",
        key_id=key_id,
        created=1.0,
        issuing_account=f"arn:aws:iam::{ACCOUNT}:root",
        operations=("Decrypt",),
        grantee=ROLE if number == 0 else f"{OTHER}-{number}",
        retiring=f"{OTHER}-{number}",
        name=f"grant-{number}",
    )


def first_key(kms: InProcess) -> str:
    return next(iter(kms.engine.journal.catalog.keys))


def held(call: Callable[[], object]) -> int:
    """The most bytes that a call holds at once."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def steps(call: Callable[[], object]) -> int:
    """How many steps a call takes within the KMS."""
    counted = 0

    def one(code: Any, *_: Any) -> None:
        nonlocal counted
        if PACKAGE in code.co_filename:
            counted += 1

    sys.monitoring.use_tool_id(TOOL, "growth")
    try:
        for event in (sys.monitoring.events.PY_START, sys.monitoring.events.JUMP, sys.monitoring.events.CALL):
            sys.monitoring.register_callback(TOOL, event, one)
        sys.monitoring.set_events(TOOL, COUNTED)
        call()
    finally:
        sys.monitoring.set_events(TOOL, 0)
        sys.monitoring.free_tool_id(TOOL)
    return counted


def create_grant(kms: InProcess) -> None:
    name = f"fresh-{next(FRESH)}"
    kms.ask("CreateGrant", KeyId=first_key(kms), GranteePrincipal=OTHER, Operations=["Decrypt"], Name=name)


def create_alias(kms: InProcess) -> None:
    # Not of the key with all the others: a request says all aliases of its key (kms:ResourceAliases), on AWS up to 50.
    key = list(islice(kms.engine.journal.catalog.keys, 3))[2]
    kms.ask("CreateAlias", AliasName=f"alias/fresh-{next(FRESH)}", TargetKeyId=key)


def page_of(operation: str, **asked: Any) -> Callable[[InProcess], None]:
    def listed(kms: InProcess) -> None:
        marker = kms.ask(operation, Limit=40, **asked)["NextMarker"]
        kms.ask(operation, Limit=40, Marker=marker, **asked)

    return listed


def decrypt_by_grant(kms: InProcess) -> None:
    blob = kms.ask("Encrypt", KeyId=first_key(kms), Plaintext=b"x")["CiphertextBlob"]
    kms.ask_as(caller(ROLE), "Decrypt", CiphertextBlob=blob)


def rotate_one(kms: InProcess) -> None:
    """Time passes until the next of all keys is due, and no further."""
    kms.engine.clock.offset += kms.engine.journal.catalog.schedule.next() + 0.5 - kms.engine.clock.now()
    kms.ask("GenerateRandom", NumberOfBytes=1)


FRESH = count()
CALLS: dict[str, Callable[[InProcess], None]] = {
    "CreateKey": lambda kms: kms.ask("CreateKey") and None,
    "CreateKey with tags": lambda kms: (
        kms.ask("CreateKey", Tags=[{"TagKey": str(each), "TagValue": ""} for each in range(50)]) and None
    ),
    "CreateAlias": create_alias,
    "CreateGrant with a name": create_grant,
    "Decrypt by a grant": decrypt_by_grant,
    "DescribeKey by alias": lambda kms: kms.ask("DescribeKey", KeyId="alias/a-00007") and None,
    "ListAliases": page_of("ListAliases"),
    "ListKeys": page_of("ListKeys"),
    "ListGrants": lambda kms: page_of("ListGrants", KeyId=first_key(kms))(kms),
    "ListGrants of one grantee": lambda kms: (
        kms.ask("ListGrants", KeyId=first_key(kms), GranteePrincipal=ROLE) and None
    ),
    "ListRetirableGrants": lambda kms: kms.ask("ListRetirableGrants", RetiringPrincipal=f"{OTHER}-7") and None,
    "a rotation that is due": rotate_one,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_costs_the_same_among_many(few: InProcess, many: InProcess, name: str):
    call = CALLS[name]
    costs = []
    for kms in (few, many):
        call(kms)  # what is made once, such as compiled checks of the request, is not counted
        measured = [(steps(partial(call, kms)), held(partial(call, kms))) for _ in range(5)]
        costs.append((statistics.median(each[0] for each in measured), statistics.median(each[1] for each in measured)))
    (steps_few, held_few), (steps_many, held_many) = costs
    assert steps_many <= steps_few + 60, costs  # a place among 10,000 names is found in 7 steps more than among 100
    assert held_many <= held_few + 20_000, costs  # a copy of 10,000 references is 80,000


def test_a_store_of_many_opens_and_replays_in_steps_in_proportion(few: InProcess, many: InProcess):
    def replayed(kms: InProcess) -> float:
        entities = kms.engine.journal.catalog.entities()
        taken = steps(lambda: Catalog().apply([PutEntity(each) for each in entities]))
        return taken / len(entities)

    assert replayed(many) < 1.5 * replayed(few) + 10


def test_names_stand_in_order_once_each():
    names = Names(["b", "a", "b"])
    names.add("c")
    names.add("a")
    assert names.whole() == ("a", "b", "c")
    names.discard("b")
    names.discard("no such name")
    assert (names.whole(), list(names.after("a")), "b" in names) == (("a", "c"), ["c"], False)


def test_what_is_due_is_due_once_and_until_it_is_put_anew():
    schedule = Schedule()
    for due in (5.0, 7.0, 5.0):
        schedule.put("key", due)
    schedule.put("gone", 1.0)
    schedule.drop("gone")
    assert (schedule.next(), schedule.until(4.0), schedule.until(6.0), schedule.until(6.0)) == (
        5.0,
        [],
        ["key"],
        ["key"],
    )
    schedule.put("key", float("inf"))
    assert (schedule.next(), schedule.until(1e12)) == (float("inf"), [])


def test_a_schedule_that_keeps_changing_does_not_grow():
    schedule = Schedule()
    for due in range(10_000):
        schedule.put("key", float(due + 1))
    assert len(schedule._heap) <= 66
    assert schedule.until(10_000.0) == ["key"]
