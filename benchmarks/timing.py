"""Medians of samples that alternate between the contenders, so that a slow moment of the machine slows all alike."""

import gc
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence

SAMPLE_SECONDS = 0.004
"""A sample repeats its work for about this long, so that the clock's resolution does not matter."""


def medians(works: Mapping[str, Callable[[], object]], *, samples: int) -> dict[str, float]:
    """Returns the median time of each work in microseconds."""
    repeats = {name: _repeats(work) for name, work in works.items()}
    times: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    gc.disable()
    try:
        for _ in range(samples):
            for name, work in works.items():
                times[name].append(_seconds(work, repeats[name]) / repeats[name] * 1e6)
    finally:
        gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}


def alternating(
    works: Mapping[str, Callable[[], object]], *, samples: int, budget: float, least: int = 5
) -> dict[str, list[float]]:
    """Returns the seconds of each call, the works taking turns: for works that take milliseconds or more.

    Each is called once before. Garbage is collected as it always is: what a work leaves behind is part of its cost.
    When `budget` seconds are over, no further turn is begun, but of `least` turns.
    """
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    until = time.perf_counter() + budget
    for turn in range(samples):
        if turn >= least and time.perf_counter() > until:
            break
        for name, work in works.items():
            times[name].append(_seconds(work, 1))
    return times


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Returns the median in milliseconds, where the middle half of the samples lies, and how many there are."""
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return {"ms": median * 1e3, "from": low * 1e3, "to": high * 1e3, "samples": len(seconds)}


def throughput(work: Callable[[], object], *, threads: int, seconds: float = 0.5) -> float:
    """Returns how often a second `work` is done by so many threads together."""
    counts = [0] * threads
    barrier = threading.Barrier(threads + 1)

    def run(index: int) -> None:
        barrier.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            work()
            counts[index] += 1

    running = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    for thread in running:
        thread.start()
    barrier.wait()
    for thread in running:
        thread.join()
    return sum(counts) / seconds


def _repeats(work: Callable[[], object]) -> int:
    work()
    once = min(_seconds(work, 1) for _ in range(5))
    return max(1, round(SAMPLE_SECONDS / once))


def _seconds(work: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return time.perf_counter() - start
