"""What the admin port can set."""

from dataclasses import dataclass

from twinvault_kms.clock import Clock
from twinvault_serving.faults import Faults


@dataclass(frozen=True, slots=True)
class Switches:
    """The clock of the KMS, and the faults that wait."""

    clock: Clock
    faults: Faults
