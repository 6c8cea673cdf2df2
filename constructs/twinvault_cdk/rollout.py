"""The rollout: what one deployment says of itself with ``-c``, and no stage has in ``cdk.json``.

Nothing here is drawn at synthesis: without ``-c`` the templates of a commit are the same whoever synthesizes them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from twinvault_cdk.stage import TABLES, StageError

_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What is said of one deployment.

    Attributes:
        release: what tells this deployment from every other one of the same commit; it stands in each function.
        letting_go: the tables that leave their stack, for it to import the adopted ones (docs/runbooks/restore.md).
        gates: whether a new version gets a tenth first and alarms take it back; else it gets everything at once.
    """

    release: str | None = None
    gates: bool = True
    letting_go: tuple[str, ...] = ()

    @classmethod
    def read(cls, context: Callable[[str], Any]) -> Self:
        """Reads what ``-c`` says.

        Raises:
            StageError: a value is wrong.
        """
        return cls(
            release=_release(context("release")), gates=_gates(context("gates")), letting_go=_tables(context("let_go"))
        )


def _release(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _RELEASE.fullmatch(value):
        raise StageError(f"-c release is {value!r}: it must be 1 to 63 letters, digits, '.', '_', '+' and '-'.")
    return value


def _gates(value: object) -> bool:
    if value not in (None, "on", "off"):
        raise StageError(f"-c gates is {value!r}: it must be on or off.")
    return value != "off"


def _tables(value: object) -> tuple[str, ...]:
    names = tuple(value.split(",")) if isinstance(value, str) else ()
    if value is not None and (not names or set(names) - set(TABLES) or len(set(names)) < len(names)):
        raise StageError(f"-c let_go is {value!r}: it must be some of {', '.join(TABLES)}, with commas between.")
    return names
