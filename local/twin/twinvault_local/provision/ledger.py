"""What has been made in this state folder: stack and logical id to physical name, in `provisioned.json`."""

from collections.abc import Iterable
from pathlib import Path

from twinvault_local.errors import DriftError
from twinvault_local.machine import files

NEXT_AFTER_DRIFT = "Go back to the template that made them, or wipe data and keys: twinvault reset"


class Ledger:
    """The physical names, on disk before `record` returns: a crash forgets nothing that was made before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: dict[str, str] = {str(k): str(v) for k, v in files.read_json(path).items()}

    def name(self, resource: str) -> str | None:
        """The physical name of the resource with this path, if it was made here."""
        return self._names.get(resource)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever made here, as far as is remembered."""
        return not self._names

    def record(self, resource: str, name: str) -> None:
        """Remember that the resource was made under this name."""
        if self._names.get(resource) == name:
            return
        self._names[resource] = name
        files.write_json(self._path, self._names)

    def refuse_strangers(self, resources: Iterable[str]) -> None:
        """Refuse a template that no longer has what was made from an earlier one: data would seem to vanish.

        Raises:
            DriftError: and it names them.
        """
        if gone := sorted(self._names.keys() - set(resources)):
            raise DriftError(
                f"Made here, and not in the template any more: {', '.join(gone)}.", next_step=NEXT_AFTER_DRIFT
            )
