"""What a field's annotation says beyond its type: that it is clear, or can be found. All else is sealed.

And what older records hold of it, which an older class of this record type wrote (docs/entities.md).
"""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from twinvault.errors import InvalidInput
from twinvault.records.blind import Blind

T = TypeVar("T")
_RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ClearMark:
    """The mark that `Clear` leaves in an annotation."""


Clear = Annotated[T, ClearMark()]
"""A clear field, `number: Clear[int]`: queried, indexed, seen by whoever reads the table; not changed unnoticed."""

Searchable = Annotated[T, Blind(slot=1)]
"""A sealed field that can be found by its value, `email: Searchable[str]`: the one of the first slot.

A second one names its slot, and any of them its normalizer and bits: `Annotated[str, Blind(slot=2, normalize=…)]`.
"""


@dataclass(frozen=True, slots=True, init=False)
class Was:
    """What a field was called before: `remark: Annotated[str, Was("memo")]`; several names, if it was renamed again.

    A field that is clear has both marks: `Annotated[Clear[int], Was("amount")]`.
    """

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        """Refuses a mark that says nothing."""
        # Whether they may be names of fields is seen with the rest of the declaration.
        if not names or not all(isinstance(name, str) for name in names):
            raise InvalidInput("Was: takes the names that the field had", field="was")
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, slots=True)
class Moved:
    """How a field was annotated before it was sealed, or no longer is: `outcome: Annotated[str, Moved(Clear[str])]`.

    And back: `outcome: Annotated[Clear[str], Moved(str)]`.
    """

    before: Any


def retired(*, init: Literal[False] = False) -> Any:  # noqa: ANN401  # as `dataclasses.field`, for any field
    """Declares that nobody writes a field any more, and older records have it.

    It stands where a default would: `ticket: Clear[int | None] = retired()`. In an older record it has the value that
    was read, in all others None. No record is made with it, it is no part of what two are compared by, and it is gone
    when the record is next written.

    Args:
        init: for type checkers, which read here that a record is not made with it.
    """
    return dataclasses.field(default=None, init=init, compare=False, metadata={_RETIRED: True})


def is_retired(one: "dataclasses.Field[Any]") -> bool:
    """Whether a field was declared by `retired`."""
    return _RETIRED in one.metadata
