"""What the Lambda server prints about its functions on standard output, and how others read it there.

    serving {"generation": 0, "failed": {}}
    refused {"generation": 1, "failed": {"twinvault-dev-read": "Runtime.ImportModuleError"}}

`serving`: requests go to the functions of this generation, of which `failed` cannot start. `refused`: a newer
generation was asked for, these of it cannot start, and the older one goes on.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

type LoadResult = Literal["serving", "refused"]
"""Whether a generation of functions is served, or was refused because one of them cannot start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One generation of functions: which of them cannot start, and for what error type."""

    generation: int
    failed: Mapping[str, str] = field(default_factory=dict)

    def line(self, result: LoadResult) -> str:
        """The line that the server prints for it."""
        return f"{result} {json.dumps(asdict(self))}"


def read(output: str, *, generation: int | None = None) -> tuple[LoadResult, Standing] | None:
    """The last line about `generation`; where that is None, the last `serving` line. None if there is no such line."""
    found: tuple[LoadResult, Standing] | None = None
    for line in output.splitlines():
        result, _, rest = line.partition(" ")
        if result not in {"serving", "refused"}:
            continue
        standing = Standing(**json.loads(rest))
        if standing.generation == generation or (generation is None and result == "serving"):
            found = ("serving" if result == "serving" else "refused"), standing
    return found
