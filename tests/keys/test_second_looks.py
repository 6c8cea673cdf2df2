"""Nothing is refused for longer than a moment by a register that somebody has in memory; and nobody drives that."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fakes import FakeKms
from tests.keys.test_changing import note, put
from tests.keys.test_epochs import do, text
from tests.stores import World, make_world
from twinvault.errors import DependencyError, KeyRefused
from twinvault.keys.cache import CacheLimits
from twinvault.keys.instant import Instant

REMEMBERED = CacheLimits().refusal_ttl


@dataclass
class Elsewhere:
    """Another environment, with a clock of its own, whose loads of registers are counted."""

    world: World
    at: float = 1000.0
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.cache._clock = lambda: Instant(self.at, self.at)
        loader = self.world.keys.loader
        load = loader.load

        def counted(tenant: str, open_rows: Any) -> Any:
            self.loads.append(tenant)
            return load(tenant, open_rows)

        loader.load = counted  # type: ignore[method-assign]

    def is_refused(self, name: str = "one") -> bool:
        try:
            return text(self.world, name) != "text 1"
        except KeyRefused:
            return True


@pytest.fixture
def elsewhere(world: World) -> Elsewhere:
    """It has loaded the register of a revocation, and was refused by it."""
    put(note(world, "one"), 1)
    put(note(world, "two"), 1)
    do(world, lambda one: one.revoke(1))
    found = Elsewhere(world.another_environment())
    assert found.is_refused()
    return found


def test_what_was_reinstated_opens_elsewhere_long_before_the_key_ttl(world: World, elsewhere: Elsewhere) -> None:
    do(world, lambda one: one.reinstate(1))
    assert elsewhere.is_refused(), "what was refused a moment ago is refused without a look"
    elsewhere.at += REMEMBERED
    assert not elsewhere.is_refused()
    assert not elsewhere.is_refused("two")


def test_while_it_stays_revoked_it_stays_refused(world: World, elsewhere: Elsewhere) -> None:
    elsewhere.at += REMEMBERED
    assert elsewhere.is_refused()
    assert elsewhere.is_refused("two")


def test_while_the_tables_do_not_answer_what_is_known_refuses(world: World, elsewhere: Elsewhere) -> None:
    do(world, lambda one: one.reinstate(1))
    elsewhere.at += REMEMBERED
    loader = elsewhere.world.keys.loader
    load = loader.load

    def silent(tenant: str, open_rows: Any) -> Any:
        raise DependencyError("the keys table does not answer")

    loader.load = silent  # type: ignore[method-assign]
    assert elsewhere.is_refused()
    loader.load = load  # type: ignore[method-assign]
    elsewhere.at += REMEMBERED
    assert not elsewhere.is_refused()


def test_a_rotation_after_all_was_revoked_is_used_elsewhere(world: World) -> None:
    put(note(world, "one"), 1)
    do(world, lambda one: one.revoke())
    other = Elsewhere(world.another_environment())
    with pytest.raises(KeyRefused):
        put(note(other.world, "new"), 1)
    world.rotate()
    other.at += REMEMBERED
    put(note(other.world, "new"), 1)
    assert text(world.another_environment(), "new") == "text 1"


def test_whoever_asks_without_end_makes_one_look_in_a_while(world: World, kms: FakeKms) -> None:
    """Partitions under many epochs, all of them revoked, each asked for again and again."""
    for number in range(4):
        put(note(world, f"n{number}"), 1)
        world.rotate()
    do(world, lambda one: one.revoke())
    calls = len(kms.calls)
    other = Elsewhere(world.another_environment())
    for _ in range(5):
        for number in range(4):
            assert other.is_refused(f"n{number}")
    assert len(other.loads) <= 2, "the register, and once more"
    other.at += REMEMBERED
    for _ in range(5):
        for number in range(4):
            assert other.is_refused(f"n{number}")
    assert len(other.loads) <= 3
    assert len(kms.calls) - calls == 1, "and KMS was asked for the register key, once"


def test_a_look_of_one_tenant_is_not_anothers(world: World) -> None:
    other = world.another_environment()
    assert other.cache.may_look_again("acme")
    assert not other.cache.may_look_again("acme")
    assert other.cache.may_look_again("others")


def test_looks_are_forgotten_when_there_are_too_many(world: World) -> None:
    other = make_world(world.client, world.kms, world.tables, limits=CacheLimits(size=3))
    for number in range(10):
        assert other.cache.may_look_again(f"t{number}")
    assert len(other.cache._looks) <= 4
