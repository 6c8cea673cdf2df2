"""What this machine is, in Lambda's words for a processor."""

import platform
from dataclasses import dataclass
from typing import Self

LINUX, MAC = "Linux", "Darwin"
_LAMBDAS = {"amd64": "x86_64", "aarch64": "arm64"}  # what kernels, Docker and Windows say, where Lambda says another


@dataclass(frozen=True, slots=True)
class Machine:
    """A system (`Linux`, `Darwin`) on a processor (`x86_64`, `arm64`, or another one's own name)."""

    system: str
    architecture: str

    @classmethod
    def here(cls) -> Self:
        """The one that this program runs on."""
        return cls(platform.system(), lambdas(platform.machine()))

    def __str__(self) -> str:
        return f"{'macOS' if self.system == MAC else self.system} on {self.architecture}"


def lambdas(processor: str) -> str:
    """The name that Lambda has for a processor; any other's as it is."""
    return _LAMBDAS.get(processor.lower(), processor)
