"""`twinvault maintain`: drives until a work is at its end, and waits where it cannot."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from twinvault_cli.errors import UnavailableError, UsageError
from twinvault_cli.maintain import drive_to_end, refused, said

COUNTS = {"partitions": 1, "rewritten": 2, "skipped": 0, "failed": 0}
RUNNING = {"state": "running", "counts": COUNTS, "driven_until": None}
ELSEWHERE = {**RUNNING, "driven_until": "2026-11-30T09:00:00.000000Z"}
DONE = {**RUNNING, "state": "done"}


def asking(*answers: Any) -> Callable[[], Any]:
    waiting: Iterator[Any] = iter(answers)

    def ask() -> Any:
        answer = next(waiting)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def run(*answers: Any) -> tuple[Any, list[Any], list[float]]:
    shown: list[Any] = []
    slept: list[float] = []
    return drive_to_end(asking(*answers), show=shown.append, sleep=slept.append), shown, slept


def test_it_asks_at_once_for_more_until_the_work_is_at_its_end() -> None:
    done, shown, slept = run(RUNNING, RUNNING, DONE)
    assert (done, len(shown), slept) == (DONE, 3, [])


def test_a_work_that_failed_is_at_its_end_too() -> None:
    failed = {**DONE, "state": "failed"}
    assert run(failed)[0] == failed


def test_while_somebody_else_is_at_it_it_waits_between_two_looks() -> None:
    assert run(ELSEWHERE, ELSEWHERE, DONE)[2] == [1.0, 1.0]


def test_what_is_not_available_for_a_while_is_asked_for_again() -> None:
    away = UnavailableError("the key service cannot be reached (503)")
    done, _, slept = run(*[away] * 9, RUNNING, *[away] * 9, DONE)
    assert (done, len(slept)) == (DONE, 18)
    with pytest.raises(UnavailableError):
        run(*[away] * 10)


def test_a_refusal_is_not_asked_for_again() -> None:
    with pytest.raises(UsageError):
        run(UsageError("there is no such work (404)"))


def test_one_is_not_spoken_of_as_several() -> None:
    work = {**DONE, "counts": {"partitions": 1, "rewritten": 1, "skipped": 0, "failed": 1}}
    assert said(work) == "1 partition, [red]1 refused[/]: 1 record written, 0 as they should be"
    assert refused(work) == "1 partition was refused"
    two = {**DONE, "counts": {"partitions": 2, "rewritten": 2, "skipped": 2, "failed": 2}}
    assert said(two) == "2 partitions, [red]2 refused[/]: 2 records written, 2 as they should be"
    assert refused(two) == "2 partitions were refused"
