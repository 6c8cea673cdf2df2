"""A short history of one partition, every moment of it remembered."""

import pytest

from tests.records.attacks import Moments, partition
from tests.records.samples import line, puts
from tests.stores import World


@pytest.fixture
def world(world: World) -> World:
    """A store whose tenant has its first keys: their transaction is no part of what is looked at here."""
    world.begin()
    return world


@pytest.fixture
def moments(world: World) -> Moments:
    """Nothing; three lines; one of them changed and one added; a rotation; and a change under the new key."""
    made = Moments(world)
    made.now()
    partition(world).write(puts(line(1, payee="YES"), line(2), line(3)))
    made.now()
    partition(world).write(puts(line(1, payee="NO"), line(4)))
    made.now()
    partition(world).new_dek()
    made.now()
    partition(world).write(puts(line(2, payee="Cy")))
    made.now()
    return made
