"""What a step of a sweep leaves of its work. Pure."""

from dataclasses import replace

from twinvault.maintenance.holding import Batch, after_step
from twinvault.maintenance.work import Work


def after_sweep(before: Work, batch: Batch, *, was: Work, now: str, keep: bool) -> Work:
    """The work after a step of a sweep that was `was` when the step began."""
    if before.last_event != was.last_event:
        batch = replace(batch, cursor=before.cursor, is_end=False)
    return after_step(before, batch, now=now, keep=keep)
