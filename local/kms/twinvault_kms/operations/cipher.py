"""Encrypt, Decrypt, ReEncrypt, and what the data keys share with them. None changes the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from twinvault_kms import blob
from twinvault_kms.asymmetric import rsa_decrypt, rsa_encrypt
from twinvault_kms.call import Call, EncryptionContext, Reply
from twinvault_kms.errors import (
    KmsError,
    access_denied,
    invalid_ciphertext,
    unsupported,
    validation,
)
from twinvault_kms.model import Key, KeyState, place_of
from twinvault_kms.readiness import refuse_states, usable
from twinvault_kms.slow import KeyWork, slowly
from twinvault_kms.specs import ENCRYPT_DECRYPT, SYMMETRIC_DEFAULT

_CONTEXT_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class Decrypted:
    """A decrypted text and the material that it was encrypted with (none for RSA)."""

    plaintext: bytes
    material_id: str | None


def encrypt(call: Call) -> Reply:
    """Encrypt: up to 4,096 bytes under a symmetric key, less under RSA."""
    key = call.key(aliases=True)
    algorithm = call.text("EncryptionAlgorithm", SYMMETRIC_DEFAULT)
    context = checked_context(call, algorithm)
    call.permit(key, context=context, facts={"EncryptionAlgorithm": algorithm})
    limit = usable(key, usage=ENCRYPT_DECRYPT, operation=call.operation, algorithm=algorithm).plaintext_limit(algorithm)
    plaintext = call.blob("Plaintext")
    if len(plaintext) > limit:
        raise validation(
            f"Algorithm {algorithm} and key spec {key.spec} cannot encrypt data larger than {limit} bytes."
        )
    call.dry_run()
    ciphertext, _ = sealed_under(call, key, plaintext, context=context, algorithm=algorithm)
    return Reply({"CiphertextBlob": ciphertext, "KeyId": key.arn, "EncryptionAlgorithm": algorithm})


def decrypt(call: Call) -> Reply:
    """Decrypt. The blob names its key; a KeyId in the request must name the same one."""
    refuse_recipient(call)
    algorithm = call.text("EncryptionAlgorithm", SYMMETRIC_DEFAULT)
    context = checked_context(call, algorithm)
    key = _source(call, "KeyId", action="Decrypt", algorithm=algorithm, context=context)
    opened = _opened(call, key, context=context, algorithm=algorithm)
    call.dry_run()
    answer = {"KeyId": key.arn, "Plaintext": opened.plaintext, "EncryptionAlgorithm": algorithm}
    return Reply(answer | ({"KeyMaterialId": opened.material_id} if opened.material_id else {}))


def re_encrypt(call: Call) -> Reply:
    """ReEncrypt: permission ReEncryptFrom on the one key, ReEncryptTo on the other; the plaintext stays inside."""
    algorithm = call.text("SourceEncryptionAlgorithm", SYMMETRIC_DEFAULT)
    target_algorithm = call.text("DestinationEncryptionAlgorithm", SYMMETRIC_DEFAULT)
    source_context = checked_context(call, algorithm, "SourceEncryptionContext")
    context = checked_context(call, target_algorithm, "DestinationEncryptionContext")
    target = call.key("DestinationKeyId", aliases=True)
    same = {"ReEncryptOnSameKey": "true" if _names_target(call, target) else "false"}
    source = _source(
        call, "SourceKeyId", action="ReEncryptFrom", algorithm=algorithm, context=source_context, facts=same
    )
    facts = {"EncryptionAlgorithm": target_algorithm, **same}
    call.permit(target, action="ReEncryptTo", context=context, facts=facts, name="DestinationKeyId")
    limit = usable(target, usage=ENCRYPT_DECRYPT, operation=call.operation, algorithm=target_algorithm).plaintext_limit(
        target_algorithm
    )
    opened = _opened(call, source, context=source_context, algorithm=algorithm)
    if len(opened.plaintext) > limit:
        raise validation(f"Algorithm {target_algorithm} cannot encrypt data of this size.")
    call.dry_run()
    ciphertext, identity = sealed_under(call, target, opened.plaintext, context=context, algorithm=target_algorithm)
    answer = {
        "CiphertextBlob": ciphertext,
        "SourceKeyId": source.arn,
        "KeyId": target.arn,
        "SourceEncryptionAlgorithm": algorithm,
        "DestinationEncryptionAlgorithm": target_algorithm,
        "SourceKeyMaterialId": opened.material_id,
        "DestinationKeyMaterialId": identity,
    }
    return Reply({name: value for name, value in answer.items() if value is not None})


def _names_target(call: Call, target: Key) -> bool:
    """Whether source and destination are one key."""
    if call.optional("SourceKeyId"):
        return call.key("SourceKeyId", aliases=True).key_id == target.key_id
    ciphertext = call.blob("CiphertextBlob")
    return bool(ciphertext) and blob.parse(ciphertext).key_id == target.key_id


def checked_context(call: Call, algorithm: str, name: str = "EncryptionContext") -> EncryptionContext:
    """Return an encryption context of the request, if one may be given with the algorithm.

    Raises:
        KmsError: ValidationException.
    """
    context = call.context(name)
    if context and algorithm != SYMMETRIC_DEFAULT:
        raise validation("An encryption context is valid only with a symmetric encryption key.")
    if sum(len(each.encode()) for pair in context.items() for each in pair) > _CONTEXT_BYTES:
        raise validation("The encryption context is too large.")
    return context


def _source(
    call: Call,
    name: str,
    *,
    action: str,
    algorithm: str,
    context: EncryptionContext,
    facts: Mapping[str, str] | None = None,
) -> Key:
    """Return the key to decrypt with, permitted and usable: the one the blob names, which any KeyId must name too."""
    ignored = _ignores_ciphertext(call)
    if not ignored and "CiphertextBlob" not in call.parameters:
        raise validation("CiphertextBlob is required.")
    if call.optional(name):
        key = call.key(name, aliases=True)
    elif ignored or algorithm != SYMMETRIC_DEFAULT:
        raise validation(f"{name} is required for asymmetric keys, and where the ciphertext is ignored.")
    else:
        key = _key_of_blob(call, action)
    call.permit(
        key, action=action, context=context, facts={"EncryptionAlgorithm": algorithm, **(facts or {})}, name=name
    )
    refuse_states(key, KeyState.DISABLED, KeyState.PENDING_IMPORT, KeyState.PENDING_DELETION)
    # Where others say what a key of this usage is not for, what decrypts says that it is the wrong key.
    if key.usage != ENCRYPT_DECRYPT:
        raise _incorrect_key()
    usable(key, usage=ENCRYPT_DECRYPT, operation=call.operation, algorithm=algorithm)
    if not ignored and algorithm == SYMMETRIC_DEFAULT and blob.parse(call.blob("CiphertextBlob")).key_id != key.key_id:
        raise _incorrect_key()
    return key


def _incorrect_key() -> KmsError:
    message = "The key ID in the request does not identify a CMK that can perform this operation."
    return KmsError("IncorrectKeyException", message)


def _key_of_blob(call: Call, action: str) -> Key:
    key = call.catalog.keys.get(place_of(blob.parse(call.blob("CiphertextBlob")).key_id, call.region))
    if key is None or key.region != call.region:
        reason = "the ciphertext refers to a key that does not exist, or does not exist in this Region"
        raise access_denied(call.caller.arn, f"kms:{action}", "*", reason)
    return key


def _opened(call: Call, key: Key, *, context: EncryptionContext, algorithm: str) -> Decrypted:
    if _ignores_ciphertext(call):
        return Decrypted(b"", None)
    ciphertext = call.blob("CiphertextBlob")
    if algorithm != SYMMETRIC_DEFAULT:
        private = call.ring.private_key(key, key.materials[0])
        plaintext = slowly(call, KeyWork.USING, partial(rsa_decrypt, private, ciphertext, algorithm))
        return Decrypted(plaintext, None)
    parsed = blob.parse(ciphertext)
    material = next((each for each in key.materials if each.material_id == parsed.material_id), None)
    if material is None:
        raise invalid_ciphertext()
    secret = call.ring.secret(key, material)
    return Decrypted(blob.unseal(parsed, material=secret, context=context), material.material_id)


def sealed_under(
    call: Call, key: Key, plaintext: bytes, *, context: EncryptionContext, algorithm: str = SYMMETRIC_DEFAULT
) -> tuple[bytes, str | None]:
    """Return the ciphertext and the id of the material that made it (none for RSA). The key has been found usable."""
    material = key.current
    if material is None:
        raise KmsError("KMSInternalException", status=500)
    if algorithm != SYMMETRIC_DEFAULT:
        return rsa_encrypt(call.ring.private_key(key, material), plaintext, algorithm), None
    secret = call.ring.secret(key, material)
    sealed = blob.seal(
        plaintext,
        key_id=key.key_id,
        material_id=material.material_id,
        material=secret,
        context=context,
        salt=call.random(blob.SALT_BYTES),
        nonce=call.random(blob.NONCE_BYTES),
    )
    return sealed, material.material_id


def _ignores_ciphertext(call: Call) -> bool:
    ignores = "IGNORE_CIPHERTEXT" in call.texts("DryRunModifiers")
    if ignores and not call.flag("DryRun"):
        raise validation("DryRunModifiers needs DryRun.")
    return ignores


def refuse_recipient(call: Call) -> None:
    """An answer for a Nitro enclave would need AWS's attestation; refusing is the only honest answer."""
    if "Recipient" in call.parameters:
        raise unsupported("Recipient (Nitro enclaves) is not offered by the local KMS.")
