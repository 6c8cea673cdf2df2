"""What a field's annotation says beyond its type: that it is stored in the clear. All that is not marked is sealed."""

from dataclasses import dataclass
from typing import Annotated, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClearMark:
    """The mark that `Clear` leaves in an annotation."""


Clear = Annotated[T, ClearMark()]
"""A clear field, `number: Clear[int]`: queried, indexed, seen by whoever reads the table; not changed unnoticed."""
