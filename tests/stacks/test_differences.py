"""The twin provisions from stage dev: dev and prod differ in what differences.txt lists and in nothing else."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ALLOWED = [
    line.split()
    for line in (Path(__file__).parent / "differences.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def leaves(value, path=()):
    """Every value of a template by its path."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from leaves(item, (*path, str(number)))
    else:
        yield path, value


def neutral(value, stage):
    """A text without the stage's own name in the names that carry it."""
    if not isinstance(value, str):
        return value
    for before, after in (("Twinvault-", "-"), ("Twinvault ", ":"), ("twinvault-", "")):
        value = value.replace(f"{before}{stage}{after}", f"{before}STAGE{after}")
    return "STAGE" if value == stage else value


def unversioned(text):
    """A version's logical id without its hash of the function that it freezes, whose properties are compared anyway."""
    return re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}$", r"\1", text) if isinstance(text, str) else text


def differences(dev, prod, stack):
    ours, theirs = (
        {
            tuple(map(unversioned, path)): unversioned(neutral(value, a.stage))
            for path, value in leaves(a.template(stack))
            if "aws:cdk:path" not in path
        }
        for a in (dev, prod)
    )
    return {path for path in ours.keys() | theirs.keys() if ours.get(path, ...) != theirs.get(path, ...)}


def matches(path, pattern):
    steps = pattern.split(".")
    return len(path) == len(steps) and all(fnmatchcase(step, wanted) for step, wanted in zip(path, steps, strict=True))


@pytest.mark.parametrize("stack", ["Keys", "Tables", "Api"])
def test_dev_and_prod_differ_only_where_the_list_says(dev, prod, stack):
    patterns = [pattern for where, pattern in ALLOWED if where == stack]
    found = differences(dev, prod, stack)
    assert sorted(".".join(path) for path in found if not any(matches(path, p) for p in patterns)) == []


@pytest.mark.parametrize(("stack", "pattern"), [pytest.param(*line, id=" ".join(line)) for line in ALLOWED])
def test_every_line_of_the_list_is_still_a_difference(dev, prod, stack, pattern):
    assert any(matches(path, pattern) for path in differences(dev, prod, stack))


def test_both_stages_have_the_same_stacks(dev, prod):
    assert set(dev.stacks()) == set(prod.stacks()) == {"Keys", "Tables", "Api"}
