"""The twin provisions from stage dev: dev and prod differ in what differences.txt lists and in nothing else."""

from pathlib import Path

import pytest

from tests.stacks.conftest import CHOSEN, with_prod
from tests.stacks.sample_stages import context
from twinvault_verdict import committed, stages

LINES = committed.read((Path(__file__).parent / "differences.txt").read_text(encoding="utf-8"))
ALLOWED = [line.fields for line in LINES]
VALUES = context()["stages"]


def differences(dev, prod, stack, stages_values=VALUES):
    both = (dev.stage, prod.stage)
    values = (stages_values[dev.stage], stages_values[prod.stage])
    return stages.differences(dev.template(stack), prod.template(stack), names=both, values=values)


ALL = ["Store", "Address", "Api"]


@pytest.mark.parametrize("stack", ALL)
def test_a_stage_may_choose_what_may_be_null(dev, chosen, stack):
    patterns = [pattern for where, pattern in ALLOWED if where == stack]
    found = differences(dev, chosen, stack, with_prod(**CHOSEN))
    assert sorted(".".join(path) for path in found if not any(committed.path_matches(path, p) for p in patterns)) == []
    assert [p for p in found if stages.is_about_permissions(p, chosen.template(stack))] == []


@pytest.mark.parametrize("stack", ["Store", "Api"])
def test_dev_and_prod_differ_only_where_the_list_says(dev, prod, stack):
    patterns = [pattern for where, pattern in ALLOWED if where == stack]
    found = differences(dev, prod, stack)
    assert sorted(".".join(path) for path in found if not any(committed.path_matches(path, p) for p in patterns)) == []


@pytest.mark.parametrize(("stack", "pattern"), [pytest.param(*line, id=" ".join(line)) for line in ALLOWED])
def test_every_line_of_the_list_is_still_a_difference(dev, prod, chosen, stack, pattern):
    found = differences(dev, prod, stack) | differences(dev, chosen, stack, with_prod(**CHOSEN))
    assert any(committed.path_matches(path, pattern) for path in found)


def test_every_line_of_the_list_has_its_reason():
    assert committed.unexplained(LINES) == []


@pytest.mark.parametrize("stack", ["Store", "Api"])
def test_permissions_differ_in_nothing_but_names(dev, prod, stack):
    assert [
        path for path in differences(dev, prod, stack) if stages.is_about_permissions(path, dev.template(stack))
    ] == []


def test_both_stages_have_the_same_stacks(dev, prod):
    assert set(dev.stacks()) == set(prod.stacks()) == {"Store", "Api"}
