"""An application: a name, the folder of its project, and the functions that it deploys."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from twinvault_cdk.declarations import DeclarationError, FunctionSpec
from twinvault_cdk.names import LONGEST_NAME, Names
from twinvault_cdk.stage import Stage

_NAME = re.compile(r"(?=.{1,20}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What is deployed to each stage.

    Raises:
        DeclarationError: the name cannot be used, or two functions have a name or a route in common.
    """

    name: str  # 1 to 20 characters of a-z, 0-9 and single '-', a letter first: what all physical names begin with
    functions: tuple[FunctionSpec, ...]
    root: Path  # the folder of cdk.json, where the artifact's path there starts

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise DeclarationError(
                f"application {self.name!r}: name must be 1 to 20 characters of a-z, 0-9 and '-', a letter first."
            )
        if not self.functions:
            raise DeclarationError(f"application {self.name!r}: functions must be one at least.")
        _require_different(self.name, "name", [spec.name for spec in self.functions])
        _require_different(
            self.name, "route", [f"{method} {path}" for spec in self.functions for method, path in spec.routes]
        )

    def names(self, stage: Stage) -> Names:
        """What everything of a stage is called.

        Raises:
            DeclarationError: a function's role would have a longer name than IAM takes.
        """
        names = Names(application=self.name, stage=stage.name, region=stage.region)
        for spec in self.functions:
            if len(role := names.role(spec.name)) > LONGEST_NAME:
                raise DeclarationError(
                    f"function {spec.name!r}: its role {role!r} has {len(role)} characters, and IAM takes "
                    f"{LONGEST_NAME}: shorten the name of the application, the stage or the function."
                )
        return names


def _require_different(application: str, what: str, given: list[str]) -> None:
    if twice := [one for one, times in Counter(given).items() if times > 1]:
        raise DeclarationError(f"application {application!r}: two functions have the {what} {twice[0]!r}.")
