"""The committed lists of exceptions: each line a pattern, each with its reason in the comment above it. PURE."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Exempt:
    """One line of a list, split at its spaces, and the comment above it."""

    fields: tuple[str, ...]
    reason: str


def read(text: str) -> list[Exempt]:
    """The lines of a list. A reason holds for all lines until the next comment; one line without any has none."""
    found: list[Exempt] = []
    reason, fresh = "", True
    for line in (one.strip() for one in text.splitlines()):
        if line.startswith("#"):
            reason = line.lstrip("# ") if fresh else f"{reason} {line.lstrip('# ')}".strip()
            fresh = False
        elif line:
            found.append(Exempt(tuple(line.split()), reason))
            fresh = True
        else:
            reason, fresh = "", True
    return found


def unexplained(lines: list[Exempt]) -> list[str]:
    """The lines that no reason stands above."""
    return [" ".join(one.fields) for one in lines if not one.reason]


def path_matches(path: tuple[str, ...], pattern: str) -> bool:
    """Whether a path in a template is of this pattern: as many steps, each matching (``*`` for any).

    ``**`` at the end is for any number of further steps, also for none.
    """
    steps = pattern.split(".")
    if steps[-1] == "**":
        steps = steps[:-1]
        path = path[: len(steps)]
    return len(path) == len(steps) and all(fnmatchcase(step, wanted) for step, wanted in zip(path, steps, strict=True))
