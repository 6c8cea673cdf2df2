"""The twin's own errors.

TwinError                what happened, and the next command to type
├── ToolMissingError     a program that the twin needs is missing, too old or of the wrong kind
├── FetchError           a download or an installation did not complete
├── BusyError            another twinvault command is at work in the same state folder
├── PortInUseError       somebody else listens where the twin was told to listen
├── EngineError          an engine did not start, did not answer in time, or died
├── NotRunningError      the command needs a running twin and there is none
├── StateError           the state folder is damaged, or its parts do not belong together
├── TemplateError        the synthesized template says something that the twin does not know
├── ProjectError         a folder is no project that the twin can serve
├── BuildError           synthesizing or building from the sources failed
├── DiskFullError        there is too little room on the disk to begin
├── LoadError            a function of the service cannot start
└── DriftError           the template changed since the tables and keys were made
"""


class TwinError(Exception):
    """Something on this machine stands in the way; says what happened and what to type next."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}" if self.next_step else self.message


class ToolMissingError(TwinError):
    """A program that the twin needs is missing, too old or of the wrong kind."""


class FetchError(TwinError):
    """A download or an installation did not complete; nothing half-fetched is left in the cache."""


class BusyError(TwinError):
    """Another twinvault command is at work in the same state folder."""


class PortInUseError(TwinError):
    """Somebody else listens where the twin was told to listen."""


class EngineError(TwinError):
    """An engine did not start, did not answer in time, or died."""


class NotRunningError(TwinError):
    """The command needs a running twin and there is none."""


class StateError(TwinError):
    """The state folder is damaged, or its parts do not belong together."""


class TemplateError(TwinError):
    """The synthesized template says something that the twin does not know."""


class ProjectError(TwinError):
    """A folder holds no cdk.json, or one without what the twin needs of it."""


class BuildError(TwinError):
    """Synthesizing the template or building the artifact from the sources failed."""


class DiskFullError(TwinError):
    """There is too little room on the disk to begin."""


class LoadError(TwinError):
    """A function of the service cannot start: its code fails as it is loaded."""


class DriftError(TwinError):
    """The template changed since the tables and keys were made."""
