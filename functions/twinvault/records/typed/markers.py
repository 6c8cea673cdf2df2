"""What a field's annotation says beyond its type: that it is clear, or can be found. All else is sealed."""

from dataclasses import dataclass
from typing import Annotated, TypeVar

from twinvault.records.blind import Blind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClearMark:
    """The mark that `Clear` leaves in an annotation."""


Clear = Annotated[T, ClearMark()]
"""A clear field, `number: Clear[int]`: queried, indexed, seen by whoever reads the table; not changed unnoticed."""

Searchable = Annotated[T, Blind(slot=1)]
"""A sealed field that can be found by its value, `email: Searchable[str]`: the one of the first slot.

A second one names its slot, and any of them its normalizer and bits: `Annotated[str, Blind(slot=2, normalize=…)]`.
"""
