"""A record in memory, and its way into a sealed DynamoDB item. The way out is in `partition`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinvault.envelope import (
    COMMITMENT_BYTES,
    FORMAT,
    NONCE_BYTES,
    SALT_BYTES,
    Context,
    Label,
    Stored,
    padded_size,
    seal,
)
from twinvault.envelope.aad import ClearValue, Number
from twinvault.envelope.item import Item, to_item
from twinvault.envelope.primitive import TAG_BYTES
from twinvault.errors import IntegrityError, InvalidInput, Step, TooLarge
from twinvault.keys.rows import MAX_NUMBER, NamedKey, dek_name
from twinvault.records.blind import BLIND_ATTRIBUTES, placeholders
from twinvault.records.head import Row
from twinvault.records.payload import decode_payload, encode_payload
from twinvault.records.spec import HEAD, HEAD_SEALED, EntitySpec, Fields, from_clear
from twinvault.scope import Scope

TABLE = "records"
MAX_ITEM_BYTES = 400 * 1024  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_MAX_NUMBER_BYTES = 21
_VERSIONS = 1 << 64  # docs/format.md, step 8
_SOME_TIME = "2000-01-01T00:00:00.000000Z"


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be written. Fields that are absent stay absent; None in a clear field becomes NULL."""

    entity: str
    sk: str
    fields: Fields = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record that was opened: authentic, and from the place where it was found.

    Attributes:
        attributes: the names of all clear attributes of its item, whether or not a field is read from them.
    """

    entity: str
    sk: str
    version: int
    created_at: str
    updated_at: str
    fields: dict[str, Any] = field(repr=False)
    key_id: str
    attributes: frozenset[str] = field(repr=False)
    commitment: bytes
    digest: bytes
    blind: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Its blind indexes as they are stored, by attribute."""

    @property
    def row(self) -> Row:
        """What of this record enters the head's sum."""
        return Row(self.sk, self.digest)


@dataclass(frozen=True, slots=True)
class SealedItem:
    """A draft as the table will hold it.

    Attributes:
        item: the DynamoDB item.
        fields: what a read of it gives: values of their own, which nobody else holds.
        attributes: the names of its clear attributes.
        commitment: unique per write, which is what a conditional write goes by.
        digest: stands for the whole of it, which is what a head goes by.
    """

    item: dict[str, dict[str, Any]] = field(repr=False)
    fields: dict[str, Any] = field(repr=False)
    attributes: frozenset[str] = field(repr=False)
    commitment: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Stamped:
    """What every row says of itself in the clear."""

    entity: str
    version: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the store adds to a draft: version and times (RFC 3339, UTC), and the randomness of its seal."""

    version: int
    created_at: str
    updated_at: str
    salt: bytes
    nonce: bytes


def seal_record(
    draft: Draft, spec: EntitySpec, *, scope: Scope, key: NamedKey, stamp: Stamp, blind: Mapping[str, str] | None = None
) -> SealedItem:
    """Returns a draft as an item. `blind` is its blind indexes, by attribute.

    Raises:
        InvalidInput: an undeclared field, a wrong type, a sort key that the spec does not allow, or a sealed value that
            is not JSON.
        TooLarge: the item would exceed DynamoDB's 400 KiB.
    """
    own = blind or {}
    context, payload = _context_and_payload(draft, spec, scope=scope, key_name=key.name, stamp=stamp, blind=own)
    sealed = seal(payload, key=key.key, label=label_at(draft.sk), context=context, salt=stamp.salt, nonce=stamp.nonce)
    item = to_item(context, sealed)
    if item_size(item) > MAX_ITEM_BYTES:
        raise TooLarge(f"{spec.name}: over the limit of {MAX_ITEM_BYTES} bytes (400 KiB) for one record")
    # Decoded from what was sealed: the caller's own lists may change afterwards, and these must not.
    fields = own_fields(context.clear, decode_payload(payload), spec=spec)
    return SealedItem(item, fields, frozenset(context.clear), sealed.commitment, sealed.digest)


def sealed_size(draft: Draft, spec: EntitySpec, *, scope: Scope) -> int:
    """The size, as `item_size` counts it, of the item that a draft will become, found without sealing it.

    Raises:
        InvalidInput: as for `seal_record`.
    """
    stamp = Stamp(MAX_NUMBER, _SOME_TIME, _SOME_TIME, b"", b"")
    key_name = dek_name(scope, MAX_NUMBER)
    blind = placeholders(spec.name, spec.searchable, fields=draft.fields)
    context, payload = _context_and_payload(draft, spec, scope=scope, key_name=key_name, stamp=stamp, blind=blind)
    rest = Stored(b"", bytes(NONCE_BYTES), bytes(SALT_BYTES), bytes(COMMITMENT_BYTES))
    return item_size(to_item(context, rest)) + padded_size(len(payload)) + TAG_BYTES


def _context_and_payload(
    draft: Draft, spec: EntitySpec, *, scope: Scope, key_name: str, stamp: Stamp, blind: Mapping[str, str]
) -> tuple[Context, bytes]:
    """What a draft says in the clear and where, and what of it is sealed."""
    if not spec.sk.fullmatch(draft.sk):
        raise InvalidInput(f"{spec.name}: its sort key has not the declared form", field="sk")
    clear, sealed = spec.split(draft.fields)
    context = Context(
        table=TABLE,
        tenant=scope.tenant,
        pk=scope.pk,
        sk=draft.sk,
        key_id=key_name,
        clear={
            **clear,
            **blind,
            "tenant_id": scope.tenant,
            "entity_type": spec.name,
            "version": Number(str(stamp.version)),
            "format": Number(str(FORMAT)),
            "created_at": stamp.created_at,
            "updated_at": stamp.updated_at,
        },
    )
    return context, encode_payload(sealed, entity=spec.name)


def own_fields(clear: Mapping[str, ClearValue], sealed: Mapping[str, Any], *, spec: EntitySpec) -> dict[str, Any]:
    """A record's declared fields, clear and sealed; of a head those of its kind, without the library's own."""
    said = {name: from_clear(value) for name, value in clear.items() if name in spec.clear}
    return said | {name: value for name, value in sealed.items() if spec.name != HEAD or name not in HEAD_SEALED}


def blind_of(clear: Mapping[str, ClearValue]) -> dict[str, str]:
    """The blind indexes among what an opened row says in the clear."""
    values = ((name, clear.get(name)) for name in BLIND_ATTRIBUTES)
    return {name: value for name, value in values if isinstance(value, str)}


def stamped(clear: Mapping[str, ClearValue]) -> Stamped:
    """What an opened row says of itself.

    Raises:
        IntegrityError: a part is missing or of another type, or the version is no whole number from 1 to 2^64 - 1.
    """
    version, *texts = (clear.get(name) for name in ("version", "entity_type", "created_at", "updated_at"))
    number = from_clear(version) if isinstance(version, Number) else None
    if not isinstance(number, int) or not 1 <= number < _VERSIONS:
        raise IntegrityError(Step.PAYLOAD)
    match texts:
        case [str(entity), str(created_at), str(updated_at)]:
            return Stamped(entity, number, created_at, updated_at)
        case _:
            raise IntegrityError(Step.PAYLOAD)


def label_at(sk: str) -> Label:
    """The label under which the row of this sort key is sealed."""
    return Label.HEAD if sk == HEAD else Label.RECORD


def new_stamp(*, version: int, created_at: str, updated_at: str, randomness: Callable[[int], bytes]) -> Stamp:
    """A stamp with a fresh salt and nonce from `randomness`, which is `os.urandom` outside of tests."""
    return Stamp(version, created_at, updated_at, randomness(SALT_BYTES), randomness(NONCE_BYTES))


def item_size(item: Item) -> int:
    """An item's size as DynamoDB counts it, or a little more: names and values in UTF-8, numbers at their largest."""
    size = 0
    for name, value in item.items():
        ((kind, content),) = value.items()
        size += len(name)
        match kind:
            case "S":
                size += len(content.encode())
            case "B":
                size += len(content)
            case "N":
                size += _MAX_NUMBER_BYTES
            case _:
                size += 1
    return size
