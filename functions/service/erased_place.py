"""What a request to erase or to hold is about: a dialogue by its id, its partition, or the whole tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dialogues.entities import DIALOGUE
from dialogues.reading import StoredDialogues
from service.http import Request
from twinvault import Forbidden, InvalidInput

_RULE = (
    "body: must hold one of dialogue, partition and tenant, a text, and nothing else that is not named in docs/api.md"
)
_NAMES = frozenset({"dialogue", "partition", "tenant"})


@dataclass(frozen=True, slots=True)
class ErasedPlace:
    """A partition, with the caller's own id where it was named by that; all None: the tenant."""

    kind: str | None = None
    partition: str | None = None
    caller_id: str | None = None


def place_of(asked: Mapping[str, Any], request: Request) -> ErasedPlace:
    """What these members of a body name.

    A tenant must be spelled out, and must be the caller's own: who lost an id on the way must not name a whole tenant.

    Raises:
        InvalidInput: they name nothing, or more than one thing.
        Forbidden: they name another tenant.
        NotFound: the tenant has no keys, so no dialogue.
        IntegrityError, DependencyError: the tenant's index key cannot be had.
    """
    ((name, value),) = asked.items() if len(asked) == 1 else (("", None),)
    if name not in _NAMES or not isinstance(value, str):
        raise InvalidInput(_RULE, field="body")
    kind = DIALOGUE.kind
    if name == "tenant":
        if value != request.acting.tenant:
            raise Forbidden("tenant: must be the token's own, spelled out", field="tenant")
        return ErasedPlace()
    if name == "partition":
        return ErasedPlace(kind, value)
    return ErasedPlace(kind, StoredDialogues(request.acting).partition_id(value), value)
