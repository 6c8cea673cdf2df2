"""What a request to erase or to hold is about: a partition by the caller's id or by its own, or the whole tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinvault import Forbidden, InvalidInput
from twinvault_http.kinds import ServedKinds
from twinvault_http.messages import Request


@dataclass(frozen=True, slots=True)
class ErasedPlace:
    """A partition, with the caller's own id where it was named by that; all None: the tenant."""

    kind: str | None = None
    partition: str | None = None
    caller_id: str | None = None


def place_of(asked: Mapping[str, Any], request: Request, *, kinds: ServedKinds) -> ErasedPlace:
    """What these members of a body name.

    A tenant must be spelled out, and must be the caller's own: who lost an id on the way must not name a whole tenant.

    Raises:
        InvalidInput: they name nothing, or more than one thing.
        Forbidden: they name another tenant.
        NotFound: the tenant has no keys, so no such partition.
        IntegrityError, DependencyError: the tenant's index key cannot be had.
    """
    match {**asked}:
        case {"tenant": str(tenant), **rest} if not rest:
            if tenant != request.acting.tenant:
                raise Forbidden("tenant: must be the token's own, spelled out", field="tenant")
            return ErasedPlace()
        case {"partition": str(partition), **rest} if rest.keys() <= {"kind"} and (of := kinds.get(rest.get("kind"))):
            return ErasedPlace(of.spec.kind, partition)
        case _:
            named = kinds.named_in(asked) if len(asked) == 1 else None
    if named is None:
        raise InvalidInput(_rule(kinds), field="body")
    partition = named.existing(request.acting).scope.partition
    # An id that is the partition's own is no secret to be sealed beside it, and forgotten with it.
    return ErasedPlace(named.kind, partition, named.caller_id if named.served.hidden else None)


def _rule(kinds: ServedKinds) -> str:
    """Only one kind: `visit, partition and tenant`; of several, a partition's own id needs its kind beside it."""
    names = ", ".join(kinds.names)
    if len(kinds.names) == 1:
        which = f"one of {names}, partition and tenant, a text"
    else:
        which = f"one of {names}, partition (with its kind) and tenant, texts"
    return f"body: must hold {which}, and nothing else that is not named in docs/api.md"
