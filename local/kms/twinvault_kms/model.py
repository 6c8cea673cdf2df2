"""The nouns of the KMS: keys, their materials, aliases, grants, callers. Frozen; a change makes a new one.

No secret stands here in the clear: material that came from outside, or that cannot be derived, is sealed under a key of
the seed before it becomes part of a `Material` (see `seed.py`).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from twinvault_iam.patterns import RequestFacts
from twinvault_iam.principals import IamPrincipal

DAY = 86_400.0
MULTI_REGION_ID = "mrk-"


class KeyState(StrEnum):
    """The states of AWS's "Key states of AWS KMS keys" that keys outside custom key stores can have."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_IMPORT = "PendingImport"
    PENDING_DELETION = "PendingDeletion"
    PENDING_REPLICA_DELETION = "PendingReplicaDeletion"


class KeyOrigin(StrEnum):
    """Where a key's material comes from."""

    AWS_KMS = "AWS_KMS"
    EXTERNAL = "EXTERNAL"


class MaterialState(StrEnum):
    """KeyMaterialState of a ListKeyRotations entry."""

    CURRENT = "CURRENT"
    NON_CURRENT = "NON_CURRENT"
    PENDING_ROTATION = "PENDING_ROTATION"


@dataclass(frozen=True, slots=True)
class Material:
    """One key material of a key. `sealed` is None when the seed yields it, and when imported material was deleted."""

    material_id: str
    version: int
    state: MaterialState
    derived: bool
    sealed: bytes | None = field(default=None, repr=False)
    rotated_at: float | None = None
    rotation_type: str | None = None
    valid_to: float | None = None
    description: str | None = None

    @property
    def present(self) -> bool:
        """Whether the key can be used with this material."""
        return self.derived or self.sealed is not None


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key. `number` is its place in the seed's order; deletion_date is set while deletion is pending.

    `primary_region` is that of a multi-Region key's primary, None for a key of one Region. `deletion_window` (days) is
    set while a primary key waits for its replicas to be deleted first.
    """

    key_id: str
    account: str
    region: str
    number: int
    created: float
    spec: str
    usage: str
    origin: KeyOrigin
    policy: str
    description: str = ""
    enabled: bool = True
    materials: tuple[Material, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    deletion_date: float | None = None
    rotation_days: int | None = None
    next_rotation: float | None = None
    primary_region: str | None = None
    deletion_window: int | None = None
    manager: str = "CUSTOMER"

    @property
    def multi_region(self) -> bool:
        """Whether the key has, or may have, replicas in other Regions."""
        return self.primary_region is not None

    @property
    def is_replica(self) -> bool:
        """Whether another key of the same id is the primary one."""
        return self.primary_region not in {None, self.region}

    @property
    def place(self) -> str:
        """Where the key stands in the catalog."""
        return place_of(self.key_id, self.region)

    @property
    def arn(self) -> str:
        """The key's ARN."""
        return f"arn:aws:kms:{self.region}:{self.account}:key/{self.key_id}"

    @property
    def current(self) -> Material | None:
        """The material that encrypts, if the key has one."""
        return next((each for each in self.materials if each.state is MaterialState.CURRENT), None)

    @property
    def state(self) -> KeyState:
        """The key's state; an imported key is usable only while all its active materials are present."""
        if self.deletion_date is not None:
            return KeyState.PENDING_DELETION
        if self.deletion_window is not None:
            return KeyState.PENDING_REPLICA_DELETION
        active = [each for each in self.materials if each.state is not MaterialState.PENDING_ROTATION]
        if not active or not all(each.present for each in active):
            return KeyState.PENDING_IMPORT
        return KeyState.ENABLED if self.enabled else KeyState.DISABLED


@dataclass(frozen=True, slots=True)
class Alias:
    """A name of a key within one account and region."""

    account: str
    region: str
    name: str
    key_id: str
    created: float
    updated: float

    @property
    def place(self) -> str:
        """Where the alias's key stands in the catalog."""
        return place_of(self.key_id, self.region)

    @property
    def arn(self) -> str:
        """The alias's ARN."""
        return f"arn:aws:kms:{self.region}:{self.account}:{self.name}"


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission on one key for one principal, possibly limited to an encryption context."""

    grant_id: str
    key_id: str
    created: float
    issuing_account: str
    operations: tuple[str, ...]
    grantee: str | None = None
    grantee_service: str | None = None
    retiring: str | None = None
    retiring_service: str | None = None
    name: str | None = None
    context_equals: tuple[tuple[str, str], ...] | None = None
    context_subset: tuple[tuple[str, str], ...] | None = None
    source_arn: str | None = None
    region: str = ""
    """That of the key; a store of before multi-Region keys does not say it, and needs it of none."""

    @property
    def place(self) -> str:
        """Where the grant's key stands in the catalog."""
        return place_of(self.key_id, self.region)


def place_of(key_id: str, region: str) -> str:
    """Return where a key stands in the catalog: the keys of several Regions share their id, and no others do."""
    return f"{region}/{key_id}" if key_id.startswith(MULTI_REGION_ID) else key_id


@dataclass(frozen=True, slots=True)
class Counter:
    """How many keys the seed has yielded. It never goes back, so no material is given to two keys."""

    keys: int


type Entity = Key | Alias | Grant | Counter


@dataclass(frozen=True, slots=True)
class PutEntity:
    """The entity is now as it stands here."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class DropEntity:
    """The entity is gone (a key takes its aliases and grants with it)."""

    entity: Key | Alias | Grant


type Change = PutEntity | DropEntity


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller(IamPrincipal):
    """Who asks: the principal, the access key id of the signature, and what the caller is called here.

    `session` are the condition keys that session and request say beside the principal.
    """

    access_key_id: str
    name: str
    session: RequestFacts = field(default_factory=dict, repr=False)
