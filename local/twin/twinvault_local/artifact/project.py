"""A project: the folder of a cdk.json, whose app the twin synthesizes and whose functions it runs.

Our own checkout is one, and any other CDK app that makes its stacks with `twinvault_cdk`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinvault_local.artifact.wheels import PLATFORMS
from twinvault_local.errors import ProjectError
from twinvault_local.machine.checkout import ROOT

_RULES = Path(__file__).parent
"""The modules that make an artifact: where they change, every project's is built anew."""
_ASIDE = frozenset({"functions", "tests", "build", "node_modules", "cdk.out"})
_OURS_ASIDE = frozenset({"local", "cli", "scripts", "examples", "benchmarks", "docs", "envelope-js"})
"""Folders that are no part of an app that is synthesized; the second ones are our checkout's."""


@dataclass(frozen=True, slots=True)
class Project:
    """What cdk.json says of a CDK app, for one of its stages."""

    root: Path
    command: str  # what synthesizes it, as `cdk` would run it: in a shell, from `root`
    context: Mapping[str, Any]
    stage: str

    @classmethod
    def read(cls, root: Path, *, stage: str | None = None) -> "Project":
        """The project in this folder, for the stage that is asked for, or the one that its cdk.json names.

        Raises:
            ProjectError: there is none, or its cdk.json lacks what the twin needs.
        """
        path = root / "cdk.json"
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            command, context = said["app"], dict(said["context"])
        except FileNotFoundError:
            said = f"{root} holds no cdk.json: that is no project."
            raise ProjectError(said, next_step="Begin one: twinvault new NAME") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise ProjectError(f"{path} must be JSON with app and context.") from None
        chosen = stage or context.get("stage")
        if not isinstance(command, str) or not isinstance(chosen, str):
            raise ProjectError(f"{path}: app and context.stage must be texts.")
        if chosen not in (known := context.get("stages") or {}):
            raise ProjectError(f"{path} has no stage {chosen!r}: it has {', '.join(sorted(known)) or 'none'}.")
        return cls(root, command, context, chosen)

    @property
    def architecture(self) -> str:
        """The processor that the stage's functions run on, `x86_64` or `arm64`; the artifact is for it.

        Raises:
            ProjectError: the stage does not say one of the two.
        """
        values = self.context["stages"][self.stage]
        found = values.get("architecture") if isinstance(values, Mapping) else None
        if found not in PLATFORMS:
            raise ProjectError(
                f"{self.root / 'cdk.json'}, stage {self.stage}: architecture must be {' or '.join(PLATFORMS)}."
            )
        return str(found)

    @property
    def assembly(self) -> Path:
        """The folder with the synthesized templates."""
        return self.root / "cdk.out"

    @property
    def artifact(self) -> Path:
        """What its functions run, once it is built."""
        return self.root / str(self.context.get("artifact") or "build/functions.zip")

    @property
    def functions(self) -> Path:
        """The project's own code of the artifact."""
        return self.root / "functions"

    @property
    def lock(self) -> Path:
        """The locked requirements of the artifact; the project's own wheels stand beside it in wheels.txt."""
        return self.root / "requirements" / "runtime.txt"

    @property
    def watched(self) -> list[Path]:
        """What a change of is one of the artifact or of the app."""
        named = (self.functions, self.lock, self.root / "cdk.json", *self._app_files())
        return [one for one in named if one.exists()]

    def artifact_inputs(self) -> str:
        """The processor that the artifact is for, and the sha256 in hex of all that it is made of."""
        folders = (self.functions, self.root / "requirements", self.root / "wheels", _RULES)
        return f"{self.architecture} {_digest(path for folder in folders for path in _below(folder))}"

    def assembly_inputs(self) -> str:
        """The sha256 in hex of all that the templates are made of, but for the artifact."""
        locked = (*_below(self.root / "requirements"), *_below(self.root / "wheels"))
        return _digest([self.root / "cdk.json", *self._app_files(), *locked])

    def _app_files(self) -> Iterator[Path]:
        """The Python files of the app: all of the project that is neither the functions', nor tests, nor made."""
        aside = _ASIDE | _OURS_ASIDE if self.root == ROOT else _ASIDE
        for path in sorted(self.root.iterdir()):
            if path.is_file() and path.suffix == ".py":
                yield path
            elif path.is_dir() and path.name not in aside and not path.name.startswith((".", "venv")):
                yield from (one for one in _below(path) if one.suffix == ".py")


def _below(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*"))
    return [one for one in found if one.is_file() and "__pycache__" not in one.parts]


def _digest(paths: Iterator[Path] | list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
