"""The keys file: keys that are there from the start, by id, with aliases, tags, policy and, if given, material.

{"keys": [{"id": "…", "region": "eu-central-1", "account": "000000000000", "spec": "SYMMETRIC_DEFAULT",
           "usage": "ENCRYPT_DECRYPT", "description": "…", "policy": {…}, "tags": {"team": "red"},
           "aliases": ["alias/app"], "material": "base64", "rotation_days": 365, "replicas": ["us-east-1"]}]}

`id` and `region` must be there. A key of the store with this id stays as it is: the file makes keys and changes none.
Without `material` it follows from seed and id (`wanted`); an id that begins with `mrk-` is a multi-Region key.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from twinvault_kms import asymmetric, key_policy
from twinvault_kms.catalog import Catalog
from twinvault_kms.errors import KmsError, StoreError
from twinvault_kms.model import DAY, MULTI_REGION_ID, Alias, Change, Key, KeyOrigin, Material, MaterialState, PutEntity
from twinvault_kms.ring import KeyRing
from twinvault_kms.specs import ENCRYPT_DECRYPT, SPECS, SYMMETRIC_DEFAULT
from twinvault_kms.wanted import is_key_id, number_of

_ALIAS = re.compile(r"alias/(?!aws/)[a-zA-Z0-9/_-]+")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_ACCOUNT = re.compile(r"\d{12}")
_PERIOD = range(90, 2561)
_MEMBERS: dict[str, Callable[[object], bool]] = {
    "id": lambda each: isinstance(each, str) and is_key_id(each, multi_region=each.startswith(MULTI_REGION_ID)),
    "region": lambda each: isinstance(each, str) and _REGION.fullmatch(each) is not None,
    "account": lambda each: isinstance(each, str) and _ACCOUNT.fullmatch(each) is not None,
    "spec": lambda each: each in SPECS,
    "usage": lambda each: isinstance(each, str),
    "description": lambda each: isinstance(each, str),
    "policy": lambda each: isinstance(each, dict),
    "tags": lambda each: isinstance(each, dict) and all(isinstance(value, str) for value in each.values()),
    "aliases": lambda each: isinstance(each, list) and all(isinstance(a, str) and _ALIAS.fullmatch(a) for a in each),
    "material": lambda each: isinstance(each, str),
    "rotation_days": lambda each: isinstance(each, int) and each in _PERIOD,
    "replicas": lambda each: isinstance(each, list) and all(isinstance(r, str) and _REGION.fullmatch(r) for r in each),
}


@dataclass(frozen=True, slots=True)
class Making:
    """What keys are made with: the ring, the time, random bytes, and the account of those that name none."""

    ring: KeyRing = field(repr=False)
    now: float
    random: Callable[[int], bytes] = field(repr=False)
    account: str


def declared_changes(path: Path, catalog: Catalog, making: Making) -> list[Change]:
    """Return the changes that make the keys of a keys file, as far as they are not there.

    Raises:
        StoreError: the file is missing or not of its form; it says which key and which member.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = document["keys"]
    except (OSError, ValueError, KeyError, TypeError):
        raise _unusable(path, "it cannot be read") from None
    if not isinstance(entries, list) or set(document) != {"keys"}:
        raise _unusable(path, "it holds something else than a list of keys")
    changes: list[Change] = []
    for number, entry in enumerate(entries, 1):
        try:
            keys = _keys(_checked(entry), making)
        except _BadEntryError as error:
            raise _unusable(path, f"key {number}, {error.member}: {error.rule}") from None
        for key in keys:
            if key.place not in catalog.keys:
                changes += [PutEntity(key), *_aliases(entry if key is keys[0] else {}, key)]
    return changes


class _BadEntryError(Exception):
    def __init__(self, member: str, rule: str) -> None:
        super().__init__(member)
        self.member = member
        self.rule = rule


def _unusable(path: Path, reason: str) -> StoreError:
    form = "Its form: local/kms/README.md, Keys by a name of your own."
    return StoreError(f"The keys file {path} cannot be used: {reason}.", next_step=form)


def _checked(entry: object) -> Mapping[str, object]:
    if not isinstance(entry, dict):
        raise _BadEntryError("all of it", "it must be an object")
    for name in ("id", "region"):
        if name not in entry:
            raise _BadEntryError(name, "it must be there")
    for name, value in entry.items():
        if name not in _MEMBERS:
            raise _BadEntryError(str(name), "it is not known")
        if not _MEMBERS[name](value):
            raise _BadEntryError(name, "it is not of its form")
    return cast("Mapping[str, object]", entry)


def _keys(entry: Mapping[str, object], making: Making) -> list[Key]:
    """The key, and its replicas."""
    key_id, region = str(entry["id"]), str(entry["region"])
    spec = SPECS[str(entry.get("spec", SYMMETRIC_DEFAULT))]
    usage = str(entry.get("usage", ENCRYPT_DECRYPT if spec.symmetric_encryption else next(iter(spec.algorithms))))
    if usage not in spec.algorithms:
        raise _BadEntryError("usage", f"a key of spec {spec.name} is not for it")
    days = cast("int | None", entry.get("rotation_days"))
    if days is not None and not spec.symmetric_encryption:
        raise _BadEntryError("rotation_days", f"a key of spec {spec.name} does not rotate")
    account = str(entry.get("account", making.account))
    key = Key(
        key_id=key_id,
        account=account,
        region=region,
        number=number_of(key_id),
        created=making.now,
        spec=spec.name,
        usage=usage,
        origin=KeyOrigin.AWS_KMS,
        policy=_policy(entry, account),
        description=str(entry.get("description", "")),
        tags=tuple(cast("dict[str, str]", entry.get("tags", {})).items()),
        rotation_days=days,
        next_rotation=None if days is None else making.now + days * DAY,
        primary_region=region if key_id.startswith(MULTI_REGION_ID) else None,
    )
    key = replace(key, materials=(_material(entry, key, making),))
    replicas = cast("list[str]", entry.get("replicas", []))
    if replicas and not key.multi_region:
        raise _BadEntryError("replicas", f"a key with replicas has an id that begins with {MULTI_REGION_ID}")
    return [key, *(replace(key, region=each) for each in replicas if each != region)]


def _policy(entry: Mapping[str, object], account: str) -> str:
    if "policy" not in entry:
        return key_policy.default_policy(account)
    text = json.dumps(entry["policy"])
    try:
        key_policy.parse(text)
    except KmsError as error:
        raise _BadEntryError("policy", error.message.rstrip(".")) from None
    return text


def _material(entry: Mapping[str, object], key: Key, making: Making) -> Material:
    """The material that is given, else what the seed yields for the id; an RSA key without one is drawn."""
    spec = SPECS[key.spec]
    if "material" in entry:
        secret = _given(str(entry["material"]), key)
    elif spec.secret_bytes:
        _, identity = making.ring.derived(number=key.number, key_id=key.key_id, version=1, spec=key.spec)
        return Material(identity, version=1, state=MaterialState.CURRENT, derived=True)
    else:
        secret = asymmetric.generate_rsa(key.spec)
    sealed, identity = making.ring.seal(secret, key_id=key.key_id, nonce=making.random(12))
    return Material(identity, version=1, state=MaterialState.CURRENT, derived=False, sealed=sealed)


def _given(text: str, key: Key) -> bytes:
    spec = SPECS[key.spec]
    try:
        secret = base64.b64decode(text, validate=True)
        fits = asymmetric.fits(asymmetric.load_private(secret), key.spec) if spec.asymmetric else True
    except (binascii.Error, ValueError, TypeError):
        raise _BadEntryError("material", "it is not base64 of a key, asymmetric ones as PKCS #8 in DER") from None
    if not fits or (not spec.asymmetric and len(secret) != spec.secret_bytes):
        raise _BadEntryError("material", f"it does not fit the spec {key.spec}")
    return secret


def _aliases(entry: Mapping[str, object], key: Key) -> list[Change]:
    names = cast("list[str]", entry.get("aliases", []))
    return [PutEntity(Alias(key.account, key.region, name, key.key_id, key.created, key.created)) for name in names]
