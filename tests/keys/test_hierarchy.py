"""The hierarchy over the real keys table: races, killed writers, rows taken away, outages and refusals."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.fakes import OUTAGE, FakeKms, Recorder
from tests.faults import Fault, line_to
from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World, make_world
from twinvault.dynamodb.marks import Mark, mark_item, register_mark_key
from twinvault.errors import DependencyError, IntegrityError, KeyRefused, Step, TwinvaultError
from twinvault.keys.cache import CacheLimits
from twinvault.keys.register import State
from twinvault.keys.sealed import seal_register
from twinvault.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = "ledger"
TENANT = ["idx", "kek#000001", "register", "register-key"]


def names(world: World) -> list[str]:
    return sorted(item["sk"]["S"] for item in world.items(world.tables.keys))


def index_key(world: World, tenant: str = "acme", *, create: bool = True) -> bytes | None:
    if create:
        world.begin(tenant)
    key = world.keys.index_key(tenant, observer=Recorder())
    return key.key if key else None


def write(world: World, scope: Scope = SCOPE) -> None:
    world.partition(scope, LEDGER, world.activity(scope.tenant)).write(puts(line(1)))


def read(world: World, scope: Scope = SCOPE) -> Any:
    return world.partition(scope, LEDGER, world.activity(scope.tenant)).read()


def edit(world: World, sk: str, **change: Any) -> None:
    key = {"pk": {"S": "tenant#acme"}, "sk": {"S": sk}}
    item = world.client.get_item(TableName=world.tables.keys, Key=key)["Item"]
    world.client.put_item(TableName=world.tables.keys, Item=item | change)


def delete(world: World, sk: str) -> None:
    world.client.delete_item(TableName=world.tables.keys, Key={"pk": {"S": "tenant#acme"}, "sk": {"S": sk}})


# -- beginnings -------------------------------------------------------------------------------------------------------


def test_many_writers_begin_a_tenant_and_end_with_one_key_of_each(world: World) -> None:
    worlds = [world.another_environment() for _ in range(8)]
    barrier = threading.Barrier(8)

    def begin(number: int) -> bytes | None:
        barrier.wait(20)
        key = index_key(worlds[number])
        write(worlds[number], Scope("acme", KIND, f"p{number % 3}")) if number < 3 else None
        return key

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(begin, range(8)))
    assert len(set(keys)) == 1
    assert names(world) == [f"dek#ledger#p{number}#000001" for number in range(3)] + TENANT
    assert all(read(world.another_environment(), Scope("acme", KIND, f"p{number}")) for number in range(3))


class Killed(BaseException):
    """The writer is gone in the middle of its work."""


@dataclass
class Mortal:
    """Whatever it wraps, until the nth call of any of its methods; dies before or after that call."""

    inner: Any
    lives: list[int]
    after: bool

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if name == "meta":  # of the SDK's clients, and no call
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            self.lives[0] -= 1
            if self.lives[0] == 0 and not self.after:
                raise Killed
            answer = method(*args, **kwargs)
            if self.lives[0] == 0:
                raise Killed
            return answer

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_writer_killed_before_or_after_any_call_leaves_nothing_that_harms_the_next(
    client: Any, *, after: bool
) -> None:
    calls = 0
    while True:
        calls += 1
        kms, lives = FakeKms(), [calls]
        whole = make_world(client, kms)
        mortal = make_world(Mortal(client, lives, after), Mortal(kms, lives, after), whole.tables)
        try:
            index_key(mortal)
            write(mortal)
        except Killed:
            died = True
        else:
            died = False
        worlds = [whole, whole.another_environment()]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, worlds))
            first, second = pool.map(index_key, worlds)
        assert first == second
        assert names(whole) == ["dek#ledger#p1#000001", *TENANT]
        assert read(whole.another_environment()) is not None
        if not died:
            break
    assert calls > 8, "the beginning of a tenant takes more calls than that"


def test_a_first_insert_that_meets_another_under_way_is_tried_again(
    dynamodb_endpoint: str, client: Any, aws: dict[str, Any]
) -> None:
    """The service cancels it with TransactionConflict, and the other transaction may yet fail: no row, no tampering."""
    kms = FakeKms()
    whole = make_world(client, kms)
    with line_to(dynamodb_endpoint, namespace=aws["aws_access_key_id"]) as faults:
        config = Config(retries={"total_max_attempts": 1})
        there = boto3.client("dynamodb", endpoint_url=faults.endpoint, config=config, **aws)
        here = make_world(there, kms, whole.tables)
        faults.next(Fault.CONFLICT, Fault.PASS, Fault.CONFLICT, Fault.CONFLICT)
        assert index_key(here) == index_key(whole)
        there.close()
    assert names(whole) == TENANT


def test_a_lost_answer_to_an_insert_does_no_harm(dynamodb_endpoint: str, client: Any, aws: dict[str, Any]) -> None:
    kms = FakeKms()
    whole = make_world(client, kms)
    with line_to(dynamodb_endpoint, namespace=aws["aws_access_key_id"]) as faults:
        there = boto3.client(
            "dynamodb", endpoint_url=faults.endpoint, config=Config(retries={"total_max_attempts": 1}), **aws
        )
        faults.next(Fault.LOSE_ANSWER, Fault.LOSE_ANSWER, Fault.LOSE_REQUEST)
        assert index_key(make_world(there, kms, whole.tables)) == index_key(whole)
        there.close()


def test_only_the_key_that_was_read_back_is_used(world: World, kms: FakeKms) -> None:
    """Someone else's KEK may have been first: ours is thrown away."""
    index_key(world)
    assert kms.calls == ["generate_data_key"] * 2 + ["decrypt"] * 2
    other = make_world(world.client, kms, world.tables)
    assert index_key(other) == index_key(world)
    assert kms.calls[4:] == ["decrypt"] * 2


def test_no_key_is_made_for_a_tenant_that_only_reads(world: World, kms: FakeKms) -> None:
    assert index_key(world, create=False) is None
    assert read(world) is None
    assert names(world) == []
    assert kms.calls == []


@pytest.mark.parametrize("tenant", ["", "A", "a#b", "a" * 64, "a\n"])
def test_a_tenant_that_cannot_stand_in_a_key_has_none(world: World, tenant: str) -> None:
    with pytest.raises(TwinvaultError):
        index_key(world, tenant)
    assert names(world) == []


def test_a_kind_that_hides_no_ids_can_be_listed_all_the_same(world: World) -> None:
    """A listing needs the tenant's index key for its cursors: it must not take a plain kind for a robbed one."""
    write(world)
    assert index_key(world.another_environment(), create=False) is not None


# -- rows that are missing, edited or someone else's ------------------------------------------------------------------


@pytest.mark.parametrize("gone", [*TENANT, "dek#ledger#p1#000001"])
def test_a_row_that_was_taken_away_is_tampering_and_never_made_anew(world: World, gone: str) -> None:
    index_key(world)
    write(world)
    delete(world, gone)
    for use in (read, write):
        with pytest.raises(IntegrityError):
            use(world.another_environment())
    if gone in TENANT:
        for create in (True, False):
            with pytest.raises(IntegrityError):
                index_key(world.another_environment(), create=create)
    assert gone not in names(world)


def test_keys_are_made_only_where_there_are_none(world: World, kms: FakeKms) -> None:
    index_key(world)
    for sk in TENANT:
        delete(world, sk)
    made = kms.calls.count("generate_data_key")
    with pytest.raises(IntegrityError):
        write(world.another_environment())
    assert kms.calls.count("generate_data_key") == made
    assert names(world) == []


@pytest.mark.parametrize(
    ("sk", "change"),
    [
        pytest.param("kek#000001", {"wrapped": {"B": b"x" * 60}}, id="other wrapped bytes"),
        pytest.param("kek#000001", {"key": {"S": "0" * 32}}, id="another key id"),
        pytest.param("register-key", {"wrapped": {"B": b"x" * 60}}, id="other wrapped bytes of the register key"),
        pytest.param("register-key", {"root_key_id": {"S": "root-9"}}, id="a root key of the register key's own"),
        pytest.param("register", {"version": {"N": "2"}}, id="another version of the register"),
        pytest.param("register", {"content_encrypted": {"B": bytes(272)}}, id="another register"),
        pytest.param("kek#000001", {"root_key_id": {"S": "root-9"}}, id="a root key that settings do not list"),
        pytest.param("dek#ledger#p1#000001", {"key_commitment": {"B": bytes(32)}}, id="another commitment"),
        pytest.param("dek#ledger#p1#000001", {"key_id": {"S": "kek#000002"}}, id="a KEK that is not there"),
        pytest.param("dek#ledger#p1#000001", {"created_at": {"S": "2000"}}, id="another time"),
        pytest.param("dek#ledger#p1#000001", {"state": {"S": "active"}}, id="a state"),
    ],
)
def test_an_edited_row_yields_no_key(world: World, sk: str, change: dict[str, Any]) -> None:
    write(world)
    edit(world, sk, **change)
    fresh = world.another_environment()
    with pytest.raises(IntegrityError):
        read(fresh)
    with pytest.raises(IntegrityError):
        write(fresh)


def test_a_root_key_that_left_the_settings_opens_nothing_and_is_not_asked(world: World, kms: FakeKms) -> None:
    write(world)
    asked = len(kms.calls)
    with pytest.raises(IntegrityError):
        read(make_world(world.client, kms, world.tables, roots=("root-2",)))
    assert len(kms.calls) == asked


def test_a_listed_root_key_still_opens_when_another_is_active(world: World, kms: FakeKms) -> None:
    write(world)
    kms.roots["root-2"] = bytes(32)
    assert read(make_world(world.client, kms, world.tables, roots=("root-2", "root-1"))) is not None


def test_the_rows_of_one_tenant_copied_over_anothers_do_not_open(world: World) -> None:
    for tenant in ("acme", "bolt"):
        index_key(world, tenant)
        write(world, Scope(tenant, KIND, "p1"))
    for item in world.items(world.tables.keys):
        if item["pk"]["S"] == "tenant#bolt":
            world.client.put_item(
                TableName=world.tables.keys,
                Item=item | {"pk": {"S": "tenant#acme"}, "tenant_id": {"S": "acme"}},
            )
    with pytest.raises(IntegrityError):
        read(world.another_environment())
    with pytest.raises(IntegrityError):
        index_key(world.another_environment())


def test_a_key_of_another_partition_is_not_even_looked_for(world: World, kms: FakeKms) -> None:
    write(world)
    fresh = world.another_environment()
    asked = len(kms.calls)
    with pytest.raises(IntegrityError) as refused:
        fresh.keys.dek(Scope("acme", KIND, "p2"), "dek#ledger#p1#000001", observer=Recorder())
    assert refused.value.step is Step.KEY_ID
    assert len(kms.calls) == asked


# -- KMS that cannot answer, and KMS that refuses ---------------------------------------------------------------------


def test_an_outage_is_survived_by_what_is_cached_and_told_where_nothing_is(world: World, kms: FakeKms) -> None:
    write(world)
    kms.fault = OUTAGE
    assert read(world) is not None
    write(world)
    with pytest.raises(DependencyError) as refused:
        read(world.another_environment())
    assert not isinstance(refused.value, KeyRefused)
    assert refused.value.retry_after > 0
    kms.fault = None
    assert read(world.another_environment()) is not None


def test_a_refusal_closes_everything_at_the_keks_ttl(client: Any, kms: FakeKms) -> None:
    clock = [0.0]
    world = make_world(client, kms, limits=CacheLimits(ttl=100))
    object.__setattr__(world.cache, "_clock", lambda: _instant(clock[0]))
    write(world)
    kms.refused.add("root-1")
    clock[0] = 50
    assert read(world) is not None
    clock[0] = 100
    for use in (read, write):
        with pytest.raises(KeyRefused):
            use(world)
    assert world.cache._state.entries == {}
    asked = len(kms.calls)
    with pytest.raises(KeyRefused):
        read(world)
    assert len(kms.calls) == asked, "a refusal is remembered"


def _instant(seconds: float) -> Any:
    from twinvault.keys.instant import Instant

    return Instant(seconds, seconds)


def test_a_tenant_cannot_begin_while_kms_refuses_and_nothing_is_left_behind(world: World, kms: FakeKms) -> None:
    for fault, error in ((OUTAGE, DependencyError), (KeyRefused("no"), KeyRefused)):
        kms.fault = fault
        with pytest.raises(error):
            index_key(world.another_environment())
    assert names(world) == []


def test_what_was_done_under_which_key_is_observed(world: World) -> None:
    seen = world.begin("acme")
    assert seen.key_events == [("make_register", "register"), ("make_kek", "kek#000001"), ("make_index_key", "idx")]
    world.keys.index_key("acme", observer=seen)
    for operation in (
        ("wrap_dek", "kek#000001", "success"),
        ("encrypt", "register-key", "success"),
        ("derive_kek", "register-key", "success"),
        ("derive_kek", "kek#000001", "success"),
        ("unwrap_dek", "kek#000001", "success"),
    ):
        assert operation in seen.operations
    assert seen.metrics["KmsCalls"] == len(seen.kms_ids) == 4
    before, hits = len(seen.operations), seen.metrics.get("KeyCacheHit", 0)
    world.keys.index_key("acme", observer=seen)
    assert len(seen.operations) == before
    assert seen.metrics["KeyCacheHit"] == hits + 1


# -- states -----------------------------------------------------------------------------------------------------------


def restate(world: World, state: State, *, epoch: int | None = None) -> None:
    """Seals a register in which an epoch, the newest, is in this state: what a later release's own moves will do."""
    found = world.keys.tenant("acme", observer=Recorder(), fresh=True)
    assert found is not None
    key = world.keys.register_key(found, observer=Recorder())
    changed = epoch or found.register.newest
    epochs = tuple(replace(one, state=state) if one.epoch == changed else one for one in found.register.epochs)
    register = replace(found.register, epochs=epochs)
    written = found.written.again("2026-11-24T09:00:00Z")
    item, digest = seal_register(
        register, tenant="acme", key=key, written=written, salt=os.urandom(32), nonce=os.urandom(12)
    )
    world.client.put_item(TableName=world.tables.keys, Item=item)
    mark = mark_item(register_mark_key("acme"), Mark(written.version, digest, register.last_event))
    world.client.put_item(TableName=world.tables.marks, Item=mark)


@pytest.mark.parametrize(
    ("state", "opens", "wraps"),
    [(State.ACTIVE, True, True), (State.RETIRED, True, False), (State.REVOKED, False, False)],
)
def test_a_kek_is_used_as_its_state_in_the_register_allows(
    world: World, state: State, *, opens: bool, wraps: bool
) -> None:
    write(world)
    restate(world, state)
    uses: list[tuple[bool, Callable[[World], Any]]] = [
        (opens, read),
        (opens, write),
        (opens, lambda fresh: index_key(fresh, create=False)),
        (wraps, lambda fresh: write(fresh, Scope("acme", KIND, "p2"))),
    ]
    for allowed, use in uses:
        fresh = world.another_environment()
        if allowed:
            use(fresh)
        else:
            with pytest.raises(KeyRefused):
                use(fresh)


def test_new_keys_are_wrapped_under_an_older_epoch_where_the_newest_is_retired(world: World) -> None:
    write(world)
    world.rotate()
    restate(world, State.RETIRED)
    write(world.another_environment(), Scope("acme", KIND, "p2"))
    (row,) = [item for item in world.items(world.tables.keys) if item["sk"]["S"] == "dek#ledger#p2#000001"]
    assert row["key_id"] == {"S": "kek#000001"}


def test_a_refused_register_key_closes_everything_before_its_ttl(client: Any, kms: FakeKms) -> None:
    clock = [0.0]
    world = make_world(client, kms, limits=CacheLimits(ttl=100))
    object.__setattr__(world.cache, "_clock", lambda: _instant(clock[0]))
    write(world)
    assert index_key(world) is not None
    kms.refused.add("root-1")
    clock[0] = 90  # past the refresh point, and all of it still alive
    with pytest.raises(KeyRefused):
        world.keys.tenant("acme", observer=Recorder())
    assert world.cache._state.entries == {}
