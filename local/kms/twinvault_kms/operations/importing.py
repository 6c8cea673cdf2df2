"""GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial.

The import token carries the wrapping key's private half, sealed under a key of the seed, so nothing has to be kept
until the import comes. Source: developer guide, "Importing key material for AWS KMS keys" and its four steps.
"""

import base64
import json
from dataclasses import dataclass, field, replace
from functools import partial

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from twinvault_kms import asymmetric
from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import (
    KmsError,
    invalid_ciphertext,
    invalid_state,
    not_found,
    unsupported,
    validation,
)
from twinvault_kms.facts import SaidFacts
from twinvault_kms.model import DAY, Key, KeyOrigin, KeyState, Material, MaterialState, PutEntity
from twinvault_kms.multi_region import shared
from twinvault_kms.readiness import refuse_states
from twinvault_kms.slow import KeyWork, slowly
from twinvault_kms.specs import RSA_BITS, SPECS

_ALGORITHMS = {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"}
_LONGEST_VALIDITY = 365 * DAY
_EXPIRES = "KEY_MATERIAL_EXPIRES"


@dataclass(frozen=True, slots=True)
class ImportToken:
    """What an import token says."""

    key_id: str
    algorithm: str
    expires: float
    wrapping_key: bytes = field(repr=False)


def get_parameters_for_import(call: Call) -> Reply:
    """GetParametersForImport: a fresh wrapping key and its token, both good for 24 hours."""
    algorithm, spec = call.text("WrappingAlgorithm"), call.text("WrappingKeySpec")
    key = _external(call, {"WrappingAlgorithm": algorithm, "WrappingKeySpec": spec})
    refuse_states(key, KeyState.PENDING_DELETION)
    if algorithm not in _ALGORITHMS or spec not in RSA_BITS:
        raise unsupported(f"Wrapping with {algorithm} and {spec} is not offered by the local KMS.")
    private, public = slowly(call, KeyWork.MAKING, partial(asymmetric.generate_pair, spec))
    expires = call.now + DAY
    payload = {
        "key_id": key.key_id,
        "algorithm": algorithm,
        "expires": expires,
        "wrapping_key": base64.b64encode(private).decode(),
    }
    token = call.ring.seal_token(json.dumps(payload).encode(), nonce=call.random(12))
    return Reply({"KeyId": key.arn, "ImportToken": token, "PublicKey": public, "ParametersValidTo": expires})


def import_key_material(call: Call) -> Reply:
    """ImportKeyMaterial: new material, or the same again with another expiry."""
    key = _external(call, _expiry(call))
    refuse_states(key, KeyState.PENDING_DELETION)
    valid_to = _valid_to(call)
    token, wrapped = _token(call, key), call.blob("EncryptedKeyMaterial")
    secret = slowly(call, KeyWork.USING, partial(_fitting, key, token, wrapped))
    sealed, identity = call.ring.seal(secret, key_id=key.key_id, nonce=call.random(12))
    kind = call.text("ImportType", "EXISTING_KEY_MATERIAL" if key.materials else "NEW_KEY_MATERIAL")
    known = next((each for each in key.materials if each.material_id == identity), None)
    if kind == "NEW_KEY_MATERIAL":
        _check_new(call, key, known, identity=identity)
        state = MaterialState.PENDING_ROTATION if key.materials else MaterialState.CURRENT
        fresh = Material(identity, version=len(key.materials) + 1, state=state, derived=False)
    elif known is None or call.text("KeyMaterialId", identity) != identity:
        raise _incorrect("The key material in the request is not one that was imported into this key before.")
    else:
        fresh = known
    description = call.text("KeyMaterialDescription") or fresh.description
    fresh = replace(fresh, sealed=sealed, valid_to=valid_to, description=description)
    others = tuple(each for each in key.materials if each.material_id != identity)
    materials = tuple(sorted((*others, fresh), key=lambda each: each.version))
    return Reply(_answer(key, identity), shared(call.catalog, replace(key, materials=materials)))


def delete_imported_key_material(call: Call) -> Reply:
    """DeleteImportedKeyMaterial: the key waits for the same material again; without any, nothing happens."""
    key = _external(call, {})
    current = key.current
    identity = call.optional("KeyMaterialId") or (current.material_id if current else None)
    if identity is None:
        return Reply({"KeyId": key.arn})
    if identity not in {each.material_id for each in key.materials}:
        raise not_found(f"Key material {identity} does not exist")
    materials = tuple(
        replace(each, sealed=None, valid_to=None) if each.material_id == identity else each
        for each in key.materials
        if each.material_id != identity or each.state is not MaterialState.PENDING_ROTATION
    )
    return Reply(_answer(key, identity), (PutEntity(replace(key, materials=materials)),))


def _expiry(call: Call) -> SaidFacts:
    """What the request says of expiry to conditions; `kms:ValidTo` is there only if the request gives it."""
    valid_to = call.time("ValidTo")
    facts = {"ExpirationModel": call.text("ExpirationModel", _EXPIRES)}
    return facts | ({"ValidTo": format(valid_to, "f")} if valid_to is not None else {})


def _external(call: Call, facts: SaidFacts) -> Key:
    key = call.key()
    call.permit(key, facts=facts)
    if key.origin is not KeyOrigin.EXTERNAL:
        raise unsupported(f"{key.arn} origin is {key.origin} which is not valid for this operation.")
    return key


def _answer(key: Key, identity: str) -> dict[str, object]:
    answer: dict[str, object] = {"KeyId": key.arn}
    return answer | ({"KeyMaterialId": identity} if SPECS[key.spec].symmetric_encryption else {})


def _valid_to(call: Call) -> float | None:
    """Return when the material ends; KEY_MATERIAL_EXPIRES is the default and needs ValidTo (API reference)."""
    valid_to = call.time("ValidTo")
    if call.text("ExpirationModel", _EXPIRES) == "KEY_MATERIAL_DOES_NOT_EXPIRE":
        if valid_to is not None:
            raise validation("ValidTo must be omitted when the key material does not expire.")
        return None
    if valid_to is None:
        raise validation("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
    if not call.now < valid_to <= call.now + _LONGEST_VALIDITY:
        raise validation("ValidTo must be in the future, at most 365 days from now.")
    return valid_to


def _token(call: Call, key: Key) -> ImportToken:
    payload = json.loads(call.ring.open_token(call.blob("ImportToken")))
    token = ImportToken(**(payload | {"wrapping_key": base64.b64decode(payload["wrapping_key"])}))
    if token.key_id != key.key_id:
        raise KmsError("InvalidImportTokenException", "The import token belongs to another key.")
    if token.expires <= call.now:
        raise KmsError("ExpiredImportTokenException", "The import token has expired.")
    return token


def _fitting(key: Key, token: ImportToken, wrapped: bytes) -> bytes:
    """Return the material out of its wrapping, if it is one for this key."""
    secret = _unwrapped(token, wrapped)
    _check_fit(key, secret)
    return secret


def _unwrapped(token: ImportToken, wrapped: bytes) -> bytes:
    """Return the material out of its wrapping: RSA-OAEP around it, or around an AES key that wraps it (RFC 5649)."""
    wrapping = asymmetric.rsa_key(asymmetric.own_key(token.wrapping_key))
    if not token.algorithm.startswith("RSA_AES_KEY_WRAP"):
        return asymmetric.rsa_decrypt(wrapping, wrapped, token.algorithm)
    size = wrapping.key_size // 8
    wrapper = asymmetric.rsa_decrypt(wrapping, wrapped[:size], token.algorithm)
    try:
        return aes_key_unwrap_with_padding(wrapper, wrapped[size:])
    except (InvalidUnwrap, ValueError):
        raise invalid_ciphertext() from None


def _check_fit(key: Key, secret: bytes) -> None:
    spec = SPECS[key.spec]
    if not spec.asymmetric:
        if len(secret) != spec.secret_bytes:
            raise _incorrect("The key material has the wrong length for the key spec.")
        return
    try:
        private = asymmetric.load_private(secret)
    except (ValueError, TypeError):
        raise _incorrect("The key material is not a PKCS #8 private key.") from None
    if not asymmetric.fits(private, key.spec):
        raise _incorrect("The key material is a private key of another key spec.")


def _check_new(call: Call, key: Key, known: Material | None, *, identity: str) -> None:
    if call.optional("KeyMaterialId"):
        raise validation("KeyMaterialId cannot be specified with ImportType NEW_KEY_MATERIAL.")
    if known is not None or (key.materials and (key.multi_region or not SPECS[key.spec].symmetric_encryption)):
        raise _incorrect("The key has this or other key material already.")
    waiting = next((each for each in key.materials if each.state is MaterialState.PENDING_ROTATION), None)
    if waiting is not None:
        raise invalid_state(
            f"New key material (id: {identity}) cannot be imported into KMS key {key.key_id},"
            f" because another key material (id: {waiting.material_id}) is pending rotation."
        )


def _incorrect(message: str) -> KmsError:
    return KmsError("IncorrectKeyMaterialException", message)
