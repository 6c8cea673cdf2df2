"""A record in memory, and its way into a sealed DynamoDB item. The way out is in `partition`."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from msgspec import field

from twinvault.envelope import (
    COMMITMENT_BYTES,
    FORMAT,
    NONCE_BYTES,
    SALT_BYTES,
    Context,
    Label,
    encode_aad,
    padded_size,
)
from twinvault.envelope.aad import ClearValue, Number
from twinvault.envelope.item import COMMITMENT, CONTENT, NONCE, SALT, to_item
from twinvault.envelope.names import require_sort_key
from twinvault.envelope.numbers import number_value
from twinvault.envelope.primitive import TAG_BYTES, seal_bound
from twinvault.errors import IntegrityError, InvalidInput, Step, TooLarge
from twinvault.keys.rows import MAX_NUMBER, NamedKey, dek_name
from twinvault.records.blind import BLIND_ATTRIBUTES, placeholders
from twinvault.records.carried import NOTHING, CarriedFields
from twinvault.records.head import Row
from twinvault.records.payload import write_payload
from twinvault.records.spec import HEAD, EntitySpec, Fields
from twinvault.records.value import Value
from twinvault.scope import Scope

TABLE = "records"
MAX_ITEM_BYTES = 400 * 1024  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
# Without the ciphertext: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
_SEAL_BYTES = len(CONTENT + NONCE + SALT + COMMITMENT) + NONCE_BYTES + SALT_BYTES + COMMITMENT_BYTES
_FORMAT = Number(str(FORMAT))
_VERSIONS = 1 << 64  # docs/format.md, step 8
_SOME_TIME = "2000-01-01T00:00:00.000000Z"


class Draft(Value, frozen=True):
    """A record to be written. Fields that are absent stay absent; None in a clear field becomes NULL.

    Attributes:
        carried: for the library, which sets it where it seals a record anew as it is: what of it is not declared.
    """

    hidden: ClassVar = frozenset({"fields", "carried"})

    entity: str
    sk: str
    fields: Fields
    carried: CarriedFields = NOTHING


class StoredRecord(Value, frozen=True):
    """A record that was opened: authentic, and from the place where it was found.

    Attributes:
        attributes: the names of all clear attributes of its item, whether or not a field is read from them.
        retired: the names among its fields of those that nobody writes any more.
        outdated: whether it was written under an older declaration, so that a write of it would store it otherwise.
        carried: what else it holds, which a newer release wrote, where its kind tolerates that.
    """

    hidden: ClassVar = frozenset({"fields", "attributes", "blind"})

    entity: str
    sk: str
    version: int
    created_at: str
    updated_at: str
    fields: dict[str, Any]
    key_id: str
    attributes: frozenset[str]
    commitment: bytes
    digest: bytes
    blind: Mapping[str, str] = field(default_factory=dict)
    """Its blind indexes as they are stored, by attribute."""
    retired: frozenset[str] = frozenset()
    outdated: bool = False
    carried: CarriedFields = NOTHING

    @property
    def foreign(self) -> bool:
        """Whether its entity, or the form of its sort key, is not declared: it has no fields here, and is carried."""
        return self.carried.whole

    @property
    def kept(self) -> dict[str, Any]:
        """Its fields without the retired ones: what a write of it carries on."""
        return {name: value for name, value in self.fields.items() if name not in self.retired}

    @property
    def row(self) -> Row:
        """What of this record enters the head's sum."""
        return Row(self.sk, self.digest)


class SealedItem(Value, frozen=True):
    """A draft as the table will hold it.

    Attributes:
        item: the DynamoDB item.
        size: in bytes as DynamoDB counts them, or up to 200 more.
        clear: its clear attributes.
        read: the sealed fields as a read gives them: values of their own, which nobody else holds.
        commitment: unique per write, which is what a conditional write goes by.
        digest: stands for the whole of it, which is what a head goes by.
    """

    hidden: ClassVar = frozenset({"item", "clear", "read"})

    item: dict[str, dict[str, Any]]
    size: int
    clear: Mapping[str, ClearValue]
    read: dict[str, Any]
    commitment: bytes
    digest: bytes


class Stamped(Value, frozen=True):
    """What every row says of itself in the clear."""

    entity: str
    version: int
    created_at: str
    updated_at: str


class Stamp(Value, frozen=True):
    """What the store adds to a draft: version and times (RFC 3339, UTC), and the randomness of its seal."""

    version: int
    created_at: str
    updated_at: str
    salt: bytes
    nonce: bytes


def seal_record(
    draft: Draft, spec: EntitySpec, *, scope: Scope, key: NamedKey, stamp: Stamp, blind: Mapping[str, str] | None = None
) -> SealedItem:
    """Returns a draft as an item, with what it carries. `blind` is its blind indexes, by attribute.

    Raises:
        InvalidInput: an undeclared or retired field, a value that a clear one may not have, a sort key that the spec or
            DynamoDB does not allow, or a sealed value that is not JSON.
        TooLarge: the item would exceed DynamoDB's 400 KiB.
    """
    own = blind or {}
    context, payload, read = _context_and_payload(draft, spec, scope=scope, key_name=key.name, stamp=stamp, blind=own)
    aad = encode_aad(context)
    size = _item_size(aad, padded_size(len(payload)) + TAG_BYTES)
    if size > MAX_ITEM_BYTES:
        raise TooLarge(f"{spec.name}: over the limit of {MAX_ITEM_BYTES} bytes (400 KiB) for one record")
    sealed = seal_bound(payload, key=key.kdf, label=label_at(draft.sk), aad=aad, salt=stamp.salt, nonce=stamp.nonce)
    return SealedItem(
        item=to_item(context, sealed),
        size=size,
        clear=context.clear,
        read=read,
        commitment=sealed.commitment,
        digest=sealed.digest,
    )


def sealed_size(draft: Draft, spec: EntitySpec, *, scope: Scope) -> int:
    """The `size` of the item that a draft will become, or some bytes more, found without sealing it.

    Raises:
        InvalidInput: as for `seal_record`.
    """
    stamp = Stamp(MAX_NUMBER, _SOME_TIME, _SOME_TIME, b"", b"")
    key_name = dek_name(scope, MAX_NUMBER)
    blind = placeholders(spec.name, spec.searchable, fields=spec.complete(draft.fields))
    context, payload, _ = _context_and_payload(draft, spec, scope=scope, key_name=key_name, stamp=stamp, blind=blind)
    return _item_size(encode_aad(context), padded_size(len(payload)) + TAG_BYTES)


def _context_and_payload(
    draft: Draft, spec: EntitySpec, *, scope: Scope, key_name: str, stamp: Stamp, blind: Mapping[str, str]
) -> tuple[Context, bytes, dict[str, Any]]:
    """What a draft says in the clear and where, what of it is sealed, and what a read gives of that."""
    require_sort_key(draft.sk)
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
            **draft.carried.clear,
            **clear,
            **blind,
            "tenant_id": scope.tenant,
            "entity_type": spec.name,
            "version": Number(str(stamp.version)),
            "format": _FORMAT,
            "created_at": stamp.created_at,
            "updated_at": stamp.updated_at,
        },
    )
    return context, *write_payload({**draft.carried.sealed, **sealed}, entity=spec.name)


def blind_of(clear: Mapping[str, ClearValue]) -> dict[str, str]:
    """The blind indexes among what an opened row says in the clear."""
    if clear.keys().isdisjoint(BLIND_ATTRIBUTES):  # as of most kinds
        return {}
    return {name: value for name in BLIND_ATTRIBUTES if isinstance(value := clear.get(name), str)}


def stamped(clear: Mapping[str, ClearValue]) -> Stamped:
    """What an opened row says of itself.

    Raises:
        IntegrityError: a part is missing or of another type, or the version is no whole number from 1 to 2^64 - 1.
    """
    version, entity = clear.get("version"), clear.get("entity_type")
    created_at, updated_at = clear.get("created_at"), clear.get("updated_at")
    number = number_value(version.text) if isinstance(version, Number) else None
    if (
        not (isinstance(number, int) and 1 <= number < _VERSIONS)
        or not isinstance(entity, str)
        or not isinstance(created_at, str)
        or not isinstance(updated_at, str)
    ):
        raise IntegrityError(Step.PAYLOAD)
    return Stamped(entity, number, created_at, updated_at)


def label_at(sk: str) -> Label:
    """The label under which the row of this sort key is sealed."""
    return Label.HEAD if sk == HEAD else Label.RECORD


def new_stamp(*, version: int, created_at: str, updated_at: str, randomness: Callable[[int], bytes]) -> Stamp:
    """A stamp with a fresh salt and nonce from `randomness`, which is `os.urandom` outside of tests."""
    drawn = randomness(SALT_BYTES + NONCE_BYTES)
    return Stamp(version, created_at, updated_at, drawn[:SALT_BYTES], drawn[SALT_BYTES:])


def _item_size(aad: bytes, ciphertext: int) -> int:
    """An item's size as DynamoDB counts it, or up to 200 bytes more: its AAD holds all of it but the seal."""
    return len(aad) + _SEAL_BYTES + ciphertext
