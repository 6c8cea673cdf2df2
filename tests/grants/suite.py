"""What all twins of a run recorded together: which grants of the deployed policies no test needs.

Each worker hands over the state folders of its twins when it ends; at the end of the whole suite (`--grants`) their
ledgers are put to the policies that the template has, and the run fails for what is granted and not proven.
"""

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinvault_cli.iam import twin_files
from twinvault_grants.reading import GrantsError, TwinFiles, read_deployment, split_policies
from twinvault_grants.usage import Deployment, GrantOf, Usage, usage
from twinvault_local.artifact import sources
from twinvault_local.artifact.project import Project
from twinvault_local.provision import callers, functions, keys, permissions, policies, tables
from twinvault_local.provision.template import ACCOUNT, Assembly, Physical
from twinvault_local.state import StateFolder

ROOT = Path(__file__).parents[2]
COLLECTED = ROOT / "build" / "ledgers"
LISTED = Path(__file__).with_name("unproven.json")


def collect(basetemp: Path, place: Path) -> None:
    """Copies what the twins below a folder wrote down, but for their data and secrets."""
    for number, found in enumerate(_state_folders(basetemp)):
        kept = place / str(number)
        for path in _paths(twin_files(StateFolder(found))):
            copy = kept / path.relative_to(found)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                shutil.copy(path, copy)


def _state_folders(basetemp: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(basetemp):
        if "server.json" in files and "ledger" in names:
            names.clear()
            yield Path(folder)


def _paths(files: TwinFiles) -> list[Path]:
    return [files.policies, files.callers, files.server, files.provisioned, *files.ledgers]


def read(folder: Path) -> Deployment:
    return read_deployment(twin_files(StateFolder(folder)))


def deployed() -> Deployment:
    """What the template grants, without anybody having used it."""
    made = sources.ensure(Project.read(ROOT), environ=os.environ, progress=lambda _: None)
    assembly = Assembly.load(made.assembly)
    known = {**callers.roles(assembly), **functions.arns(assembly)}
    for resource in assembly.resources(keys.KEY):
        arn = f"arn:aws:kms:{assembly.region}:{ACCOUNT}:key/{resource.logical_id}"
        known[resource.path] = Physical(resource.logical_id, {"Arn": arn, "KeyId": resource.logical_id})
    for resource in assembly.resources(tables.TABLE, tables.GLOBAL_TABLE):
        arn = f"arn:aws:dynamodb:{assembly.region}:{ACCOUNT}:table/{resource.logical_id}"
        known[resource.path] = Physical(resource.logical_id, {"Arn": arn})
    roles = {known[one.path].ref: _role(assembly, one, known) for one in assembly.resources(functions.FUNCTION)}
    return Deployment(
        functions=roles,
        policies=split_policies(policies.policies_file(assembly, known)),
        permissions=permissions.permissions(assembly, known),
        calls=(),
        names={},
    )


def _role(assembly: Assembly, resource: Any, known: Mapping[str, Physical]) -> str:
    return str(assembly.properties(resource, known, only=("Role",))["Role"])


@dataclass(frozen=True)
class Report:
    """What a suite proved of the template's grants."""

    twins: int
    found: Usage
    listed: Mapping[GrantOf, str]
    announced: Collection[tuple[str, str]]
    by_clock: Collection[GrantOf] = ()
    """Listed grants that a twin's schedule uses after some minutes: a slow run proves them, and a fast one does not."""

    @property
    def unused(self) -> list[str]:
        """Grants that no test needs, and that stand in no list."""
        unproven = sorted(self.found.granted - self.found.needed - self.listed.keys())
        return [f"{_told(one)} is {'not needed' if one in self.found.used else 'never used'}" for one in unproven]

    @property
    def unannounced_denials(self) -> list[str]:
        """Refusals that no test said it would bring about."""
        return [_told(one) for one in sorted(self.found.denied) if not self._is_announced(one)]

    @property
    def complaints(self) -> list[str]:
        if not self.twins:
            return ["no twin of the template's policies was recorded"]
        complaints = [f"granted, and by no test: {one}" for one in self.unused]
        complaints += [f"refused, and no test announced it: {one}" for one in self.unannounced_denials]
        complaints += [
            f"in {LISTED.name}, and proven or not granted any more: {_told(one)}"
            for one in sorted(self.listed.keys() - (self.found.granted - (self.found.needed - set(self.by_clock))))
        ]
        if self.found.surprising:
            complaints.append(f"{self.found.surprising} recorded calls would be answered otherwise by these policies")
        return complaints

    @property
    def details(self) -> dict[str, object]:
        """What evidence says of it."""
        return {
            "twins": self.twins,
            "granted": len(self.found.granted),
            "unused": self.unused,
            "unannounced_denials": self.unannounced_denials,
            "listed": {_told(grant): reason for grant, reason in sorted(self.listed.items())},
            "complaints": self.complaints,
        }

    def _is_announced(self, denied: GrantOf) -> bool:
        """A test may call a function by the end of its name."""
        return any(
            action == denied.action and f"-{denied.function}".endswith(f"-{caller}")
            for caller, action in self.announced
        )


def _found(folder: Path) -> Usage:
    """What a twin was seen to use; nothing of one that a test left half made, or of an older kind."""
    try:
        return usage(read(folder)) if (folder / "gate" / "policies.json").exists() else Usage()
    except GrantsError:
        return Usage()


def report(announced: Collection[tuple[str, str]], folder: Path = COLLECTED) -> Report:
    """Puts all that was collected to the template's policies; twins of other templates do not count."""
    granted = usage(deployed()).granted
    together, twins = Usage(granted=granted), 0
    for one in sorted(folder.glob("*/*")):
        found = _found(one)
        if found.granted == granted:
            together.add(found)
            twins += 1
    return Report(twins, together, listed(), announced, by_clock())


def listed() -> dict[GrantOf, str]:
    """The grants that no test needs, each with its reason."""
    return {_grant_of(one): one["reason"] for one in _entries()}


def by_clock() -> set[GrantOf]:
    """Those of them that a run proves or not by how long it takes."""
    return {_grant_of(one) for one in _entries() if one.get("by_clock", False)}


def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(LISTED.read_text(encoding="utf-8"))["grants"]
    return entries


def _grant_of(entry: Mapping[str, Any]) -> GrantOf:
    return GrantOf(entry["function"], entry["action"], entry["resource"], entry["statement"])


def _told(grant: GrantOf) -> str:
    return f"{grant.function}: {grant.action} on {grant.resource} ({grant.statement})"
