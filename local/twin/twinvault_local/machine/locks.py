"""Locks between twinvault commands."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import twinvault_durable as durable
from twinvault_local.errors import BusyError


@contextmanager
def held(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock file at `path`, made if need be; with `wait` false, refuse rather than wait.

    Raises:
        BusyError: another command holds it and `wait` is false.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(durable.held(path, wait=wait))
        except durable.HeldError:
            raise BusyError(
                f"Another twinvault command is at work here (it holds {path}).",
                next_step="Wait for it to end, then type the command again.",
            ) from None
        yield
