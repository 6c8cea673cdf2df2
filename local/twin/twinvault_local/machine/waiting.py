"""Waiting for something that becomes true, with a deadline instead of a sleep."""

import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.05


def until(probe: Callable[[], bool], *, seconds: float, alive: Callable[[], bool] = lambda: True) -> bool:
    """Call `probe` until it returns true; False if `seconds` passed before, or `alive` returned false."""
    deadline = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > deadline or not alive():
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
