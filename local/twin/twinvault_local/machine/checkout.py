"""Where things lie: the checkout that this package runs from, and the project that somebody works in."""

import os
import stat
from pathlib import Path

ROOT = Path(__file__).parents[4]
"""The checkout: what is built, locked and composed lies there."""


def project_above(folder: Path) -> Path | None:
    """The nearest folder from this one upwards with a cdk.json of one's own; None where there is none."""
    return next((one for one in (folder, *folder.parents) if _is_ones_own(one / "cdk.json")), None)


def _is_ones_own(path: Path) -> bool:
    """Whether it is there and nobody else's: its `app` is run, and a folder above may be anybody's, as /tmp is."""
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & stat.S_IWOTH
