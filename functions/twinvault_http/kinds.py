"""Which kinds of partition a function serves, and how a request names one of their partitions.

A member of a body, or a parameter of a query, has the kind's own name, and the caller's id of the partition:
`{"visit": "…"}`.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from twinvault import Acting, ConfigurationError, Kind, KindSpec, NotFound, PartitionStore

_TAKEN = frozenset(
    {
        *(
            "again",
            "cancelled",
            "current",
            "deks",
            "destroyed",
            "epoch",
            "erased",
            "final",
            "finalized_at",
            "head",
            "id",
            "kind",
            "lose",
            "lowest",
        ),
        *("not_before", "partition", "principal", "reason", "requested", "since", "state", "sweep", "tenant"),
        *("version", "work"),
    }
)
"""Members that the routes of keys, erasures, holds, works and recovery have beside those that bear a kind's name."""


@dataclass(frozen=True, slots=True)
class ServedKind:
    """A kind, and what is to be known of it beyond its declaration.

    Attributes:
        kind: its declaration.
        hidden: whether its partitions are those of `Acting.hidden_partition`; else a request's id is the partition's.
        head_needed: own fields of its head without which nothing reads it, for whoever gives a lost head anew; None:
            the fields of the head's record type that have no default, and of a `KindSpec` none.
    """

    kind: Kind | KindSpec
    hidden: bool = True
    head_needed: frozenset[str] | None = None

    @property
    def spec(self) -> KindSpec:
        """The kind as the store beneath knows it."""
        return self.kind.spec if isinstance(self.kind, Kind) else self.kind

    @property
    def needed(self) -> frozenset[str]:
        """What a head that is given anew must have."""
        if self.head_needed is not None:
            return self.head_needed
        head = self.kind.head if isinstance(self.kind, Kind) else None
        # Each record type is a dataclass, which a type checker cannot know of a subclass that it has not seen.
        fields = dataclasses.fields(cast("Any", head)) if head else ()
        return frozenset(one.name for one in fields if _has_no_default(one))

    def existing(self, acting: Acting, caller_id: str) -> PartitionStore:
        """The partition of a caller's id, for callers that may not make a tenant's first keys.

        Whoever is asked for is in the audit log from then on.

        Raises:
            NotFound: this tenant has no keys, so no such partition.
            InvalidInput: no partition has such an id.
            IntegrityError, DependencyError: the tenant's index key cannot be had.
        """
        if not self.hidden:
            return acting.partition(self.spec, caller_id)
        partition = acting.hidden_partition(self.spec, caller_id, create=False)
        if partition is None:
            raise NotFound(f"there is no such {self.spec.kind}")
        return partition


type AnyKind = Kind | KindSpec | ServedKind
"""A kind that a function serves; its partitions are hidden unless a `ServedKind` says otherwise."""


@dataclass(frozen=True, slots=True)
class NamedPartition:
    """What a request names by a kind and a caller's id."""

    served: ServedKind
    caller_id: str

    @property
    def kind(self) -> str:
        """The kind's name."""
        return self.served.spec.kind

    def existing(self, acting: Acting) -> PartitionStore:
        """The partition; errors as of `ServedKind.existing`."""
        return self.served.existing(acting, self.caller_id)


class ServedKinds:
    """The kinds of one function."""

    def __init__(self, kinds: Iterable[AnyKind]) -> None:
        """Raises ConfigurationError for no kind, two of one name, or a name that a request's own members have."""
        served = [one if isinstance(one, ServedKind) else ServedKind(one) for one in kinds]
        self._by_name = {one.spec.kind: one for one in served}
        if not served or len(served) != len(self._by_name):
            raise ConfigurationError("kinds: must be at least one, each of another name")
        if taken := sorted(_TAKEN & self._by_name.keys()):
            raise ConfigurationError(f"kinds: {taken[0]} is a member of requests and answers, and can be no kind there")

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._by_name)

    @property
    def listed(self) -> str:
        """Their names, as a message lists what may be there."""
        return " or ".join(self.names)

    @property
    def specs(self) -> list[KindSpec]:
        """Them, as the store beneath knows them."""
        return [one.spec for one in self._by_name.values()]

    def get(self, name: object) -> ServedKind | None:
        """The kind of this name; without one the only kind, if there is only one."""
        if name is None and len(self._by_name) == 1:
            return next(iter(self._by_name.values()))
        return self._by_name.get(name) if isinstance(name, str) else None

    def named_in(self, asked: Mapping[str, Any]) -> NamedPartition | None:
        """The partition that one member of a body or query names, by a text; None where none does, or several do."""
        found = [
            NamedPartition(one, asked[name]) for name, one in self._by_name.items() if isinstance(asked.get(name), str)
        ]
        return found[0] if len(found) == 1 else None

    def shown(self, kind: str | None, caller_id: str | None) -> dict[str, str | None]:
        """A member for each kind: the caller's id where the partition is of that kind, else null."""
        return {name: caller_id if name == kind else None for name in self._by_name}


def _has_no_default(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
