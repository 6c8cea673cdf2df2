"""A kind of partition, made of record types."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from twinvault.errors import InvalidInput
from twinvault.records.argument_types import listed
from twinvault.records.spec import HEAD, KindSpec, head_spec
from twinvault.records.typed.conversion import to_plain
from twinvault.records.typed.record import Record


def _require_records(kind: "Kind") -> None:
    """Refuses what is no record type: not everybody has a type checker."""
    given = {"records": listed(kind.records), "retired": listed(kind.retired), "head": [kind.head or Record]}
    for name, types in given.items():
        if not all(isinstance(one, type) and issubclass(one, Record) for one in types):
            raise InvalidInput(f"kind {kind.name}: `{name}` must be of record types: classes of Record", field=name)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of partition: `Kind("clinic", [Visit, Note], head=Clinic)`.

    Attributes:
        name: the kind's name, which is part of every key's name and never changes.
        records: the types of the records that are written, read and deleted.
        head: the type of its head's own fields, whose `sk` is `head`; None: it has none.
        retired: types of records that older partitions hold: read and deleted, and no longer written.
        tolerate: whether what is not declared is carried, not refused (see `KindSpec`).
        spec: the same as the store beneath knows it: for `listing`, and wherever a `KindSpec` is asked for.
    """

    name: str
    records: Sequence[type[Record]]
    head: type[Record] | None = None
    _: KW_ONLY
    retired: Sequence[type[Record]] = ()
    tolerate: bool = False
    spec: KindSpec = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuses a name that cannot stand in a key, and two record types that cannot be told apart."""
        _require_records(self)
        if any(one.__declared__.entity == HEAD for one in (*self.records, *self.retired)):
            raise InvalidInput(f"kind {self.name}: its head's type is given as `head`", field="head")
        if self.head is not None and self.head.__declared__.entity != HEAD:
            raise InvalidInput(f"kind {self.name}: the sk of its head's type must be 'head'", field="head")
        specs = [one.__declared__.spec for one in self.records]
        head = self.head.__declared__.spec if self.head else head_spec()
        retired = tuple(one.__declared__.spec for one in self.retired)
        object.__setattr__(self, "spec", KindSpec(self.name, specs, head, retired=retired, tolerate=self.tolerate))

    def require(self, record: type[Record]) -> None:
        """Lets a record type of this kind pass, its head's and retired ones too.

        Raises:
            InvalidInput: it is not one.
        """
        if record is not self.head and record not in (*self.records, *self.retired):
            raise InvalidInput(f"kind {self.name}: {record.__name__} is none of its record types")

    def searched(self, record: type[Record], by: Mapping[str, object]) -> tuple[str, dict[str, Any]]:
        """The entity of this type, and the value that is searched by as it is sealed, under its field's name.

        Raises:
            InvalidInput: it is no type of this kind, has no such field, or the value does not fit the field's type.
        """
        self.require(record)
        return record.__declared__.entity, to_plain(by, record.__declared__)


def specs_by_name(kinds: Iterable[Kind | KindSpec]) -> dict[str, KindSpec]:
    """Each kind as the store beneath knows it, by its name."""
    specs = (kind.spec if isinstance(kind, Kind) else kind for kind in kinds)
    return {spec.kind: spec for spec in specs}
