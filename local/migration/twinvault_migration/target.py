"""Where a record goes and what it is: what a mapping, or a function in its place, makes of an item."""

from dataclasses import dataclass, field

from twinvault import HEAD, Draft, Kind, KindSpec, Record


@dataclass(frozen=True, slots=True)
class Migrated:
    """One record to be.

    Attributes:
        tenant: whose.
        kind: the kind of its partition.
        partition: the partition's id; with `hidden` any text, which the id is made of and does not show.
        record: of a `Kind` a record, of a `KindSpec` a draft; a head's is `Draft("head", "head", …)`.
        hidden: whether the partition is a hidden one (`Acting.hidden_partition`).
    """

    tenant: str
    kind: Kind | KindSpec
    partition: str
    record: Record | Draft = field(repr=False)
    hidden: bool = False

    @property
    def spec(self) -> KindSpec:
        """The kind as the store beneath knows it."""
        return self.kind.spec if isinstance(self.kind, Kind) else self.kind


@dataclass(frozen=True, slots=True)
class Destination:
    """One partition of one tenant, by what it is asked for."""

    tenant: str
    kind: str
    partition: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """One item's record, ready to be written.

    Attributes:
        position: where in the source its item stands.
        draft: what is written.
        size: of the item that it becomes, in bytes.
    """

    position: str
    place: Destination
    spec: KindSpec = field(repr=False)
    draft: Draft = field(repr=False)
    size: int

    @property
    def is_head(self) -> bool:
        """Whether it is the head's own fields."""
        return self.draft.sk == HEAD
