"""Encrypt, Decrypt, ReEncrypt, the data keys, GenerateRandom: everything that an encryption context protects.

None of them changes the store.
"""

import hmac
from dataclasses import dataclass

from twinvault_local.kms import blob
from twinvault_local.kms.asymmetric import PAIR_SPECS, generate_pair, rsa_decrypt, rsa_encrypt
from twinvault_local.kms.call import Call, Context, Outcome, usable
from twinvault_local.kms.errors import (
    KmsError,
    access_denied,
    invalid_ciphertext,
    invalid_usage,
    unsupported,
    validation,
)
from twinvault_local.kms.model import Key
from twinvault_local.kms.specs import ENCRYPT_DECRYPT, PLAINTEXT_LIMITS, SYMMETRIC_DEFAULT

_DATA_KEY_BYTES = {"AES_256": 32, "AES_128": 16}
_CONTEXT_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class Opened:
    """A decrypted text and the material that it was encrypted with (none for RSA)."""

    plaintext: bytes
    material_id: str | None


def encrypt(call: Call) -> Outcome:
    """Encrypt: up to 4,096 bytes under a symmetric key, less under RSA."""
    key = call.key(aliases=True)
    algorithm = call.text("EncryptionAlgorithm", SYMMETRIC_DEFAULT)
    context = _context(call, algorithm)
    call.permit(key, context=context, EncryptionAlgorithm=algorithm)
    usable(key, usage=ENCRYPT_DECRYPT, algorithm=algorithm)
    plaintext = call.blob("Plaintext")
    if len(plaintext) > PLAINTEXT_LIMITS[algorithm]:
        raise validation(
            f"Algorithm {algorithm} and key spec {key.spec} cannot encrypt data"
            f" larger than {PLAINTEXT_LIMITS[algorithm]} bytes."
        )
    call.dry_run()
    ciphertext, _ = _sealed(call, key, plaintext, context=context, algorithm=algorithm)
    return Outcome({"CiphertextBlob": ciphertext, "KeyId": key.arn, "EncryptionAlgorithm": algorithm})


def decrypt(call: Call) -> Outcome:
    """Decrypt. The blob names its key; a KeyId in the request must name the same one."""
    _refuse_recipient(call)
    algorithm = call.text("EncryptionAlgorithm", SYMMETRIC_DEFAULT)
    context = _context(call, algorithm)
    key = _source_key(call, "KeyId", algorithm=algorithm)
    call.permit(key, context=context, EncryptionAlgorithm=algorithm)
    opened = _opened(call, key, context=context, algorithm=algorithm)
    call.dry_run()
    answer = {"KeyId": key.arn, "Plaintext": opened.plaintext, "EncryptionAlgorithm": algorithm}
    return Outcome(answer | ({"KeyMaterialId": opened.material_id} if opened.material_id else {}))


def re_encrypt(call: Call) -> Outcome:
    """ReEncrypt: permission ReEncryptFrom on the one key, ReEncryptTo on the other; the plaintext stays inside."""
    algorithm = call.text("SourceEncryptionAlgorithm", SYMMETRIC_DEFAULT)
    target_algorithm = call.text("DestinationEncryptionAlgorithm", SYMMETRIC_DEFAULT)
    source_context = _context(call, algorithm, "SourceEncryptionContext")
    context = _context(call, target_algorithm, "DestinationEncryptionContext")
    source = _source_key(call, "SourceKeyId", algorithm=algorithm)
    target = call.key("DestinationKeyId", aliases=True)
    same = str(source.key_id == target.key_id).lower()
    call.permit(
        source, action="ReEncryptFrom", context=source_context, EncryptionAlgorithm=algorithm, ReEncryptOnSameKey=same
    )
    call.permit(
        target, action="ReEncryptTo", context=context, EncryptionAlgorithm=target_algorithm, ReEncryptOnSameKey=same
    )
    usable(target, usage=ENCRYPT_DECRYPT, algorithm=target_algorithm)
    opened = _opened(call, source, context=source_context, algorithm=algorithm)
    if len(opened.plaintext) > PLAINTEXT_LIMITS[target_algorithm]:
        raise validation(f"Algorithm {target_algorithm} cannot encrypt data of this size.")
    call.dry_run()
    ciphertext, identity = _sealed(call, target, opened.plaintext, context=context, algorithm=target_algorithm)
    answer = {
        "CiphertextBlob": ciphertext,
        "SourceKeyId": source.arn,
        "KeyId": target.arn,
        "SourceEncryptionAlgorithm": algorithm,
        "DestinationEncryptionAlgorithm": target_algorithm,
        "SourceKeyMaterialId": opened.material_id,
        "DestinationKeyMaterialId": identity,
    }
    return Outcome({name: value for name, value in answer.items() if value is not None})


def generate_data_key(call: Call) -> Outcome:
    """GenerateDataKey."""
    _refuse_recipient(call)
    return _data_key(call, plaintext=True)


def generate_data_key_without_plaintext(call: Call) -> Outcome:
    """GenerateDataKeyWithoutPlaintext."""
    return _data_key(call, plaintext=False)


def _data_key(call: Call, *, plaintext: bool) -> Outcome:
    key, context = _wrapping_key(call)
    spec, count = call.optional("KeySpec"), call.number("NumberOfBytes")
    if (spec is None) == (count is None):
        raise validation("Please specify either number of bytes or key spec.")
    call.dry_run()
    secret = call.random(count if count is not None else _DATA_KEY_BYTES[str(spec)])
    ciphertext, identity = _sealed(call, key, secret, context=context)
    answer: dict[str, object] = {"CiphertextBlob": ciphertext, "KeyId": key.arn, "KeyMaterialId": identity}
    return Outcome(answer | ({"Plaintext": secret} if plaintext else {}))


def generate_data_key_pair(call: Call) -> Outcome:
    """GenerateDataKeyPair: a fresh pair, its private half also sealed."""
    _refuse_recipient(call)
    return _data_key_pair(call, plaintext=True)


def _data_key_pair(call: Call, *, plaintext: bool) -> Outcome:
    key, context = _wrapping_key(call, DataKeyPairSpec=call.text("KeyPairSpec"))
    spec = call.text("KeyPairSpec")
    if spec not in PAIR_SPECS:
        raise unsupported(f"KeyPairSpec {spec} is not offered by the local KMS.")
    call.dry_run()
    private, public = generate_pair(spec)
    ciphertext, identity = _sealed(call, key, private, context=context)
    answer: dict[str, object] = {
        "PrivateKeyCiphertextBlob": ciphertext,
        "PublicKey": public,
        "KeyId": key.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": identity,
    }
    return Outcome(answer | ({"PrivateKeyPlaintext": private} if plaintext else {}))


def generate_random(call: Call) -> Outcome:
    """GenerateRandom."""
    call.permit_account()
    _refuse_recipient(call)
    if call.optional("CustomKeyStoreId"):
        raise KmsError("CustomKeyStoreNotFoundException", "Custom key stores are not offered by the local KMS.")
    count = call.number("NumberOfBytes")
    if count is None:
        raise validation("NumberOfBytes is required.")
    return Outcome({"Plaintext": call.random(count)})


def _wrapping_key(call: Call, **facts: str) -> tuple[Key, Context]:
    """Return the symmetric key that a data key is sealed under, permitted and usable."""
    key = call.key(aliases=True)
    context = _context(call, SYMMETRIC_DEFAULT)
    call.permit(key, context=context, EncryptionAlgorithm=SYMMETRIC_DEFAULT, **facts)
    if not usable(key, usage=ENCRYPT_DECRYPT).symmetric_encryption:
        raise invalid_usage(f"{key.arn} is not a symmetric encryption key.")
    return key, context


def _context(call: Call, algorithm: str, name: str = "EncryptionContext") -> Context:
    context = call.context(name)
    if context and algorithm != SYMMETRIC_DEFAULT:
        raise validation("An encryption context is valid only with a symmetric encryption key.")
    if sum(len(each.encode()) for pair in context.items() for each in pair) > _CONTEXT_BYTES:
        raise validation("The encryption context is too large.")
    return context


def _source_key(call: Call, name: str, *, algorithm: str) -> Key:
    """Return the key to decrypt with: the one the blob names, which must be the one the request names, if it does."""
    named = call.key(name, aliases=True) if call.optional(name) else None
    if _ignores_ciphertext(call):
        if named is None:
            raise validation(f"{name} is required when the ciphertext is ignored.")
        return named
    ciphertext = call.blob("CiphertextBlob")
    if not ciphertext:
        raise validation(
            "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint:"
            " Member must not be null"
        )
    if algorithm != SYMMETRIC_DEFAULT:
        if named is None:
            raise validation(f"{name} is required for asymmetric keys.")
        return named
    if named is not None and not usable(named, usage=ENCRYPT_DECRYPT).symmetric_encryption:
        raise invalid_usage(f"Algorithm {algorithm} is incompatible with key spec {named.spec}.")
    key_id = blob.parse(ciphertext).key_id
    if named is not None and not hmac.compare_digest(named.key_id, key_id):
        raise KmsError(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )
    key = named or call.state.keys.get(key_id)
    if key is None or key.region != call.region:
        reason = (
            "the ciphertext refers to a key that does not exist, does not exist in this Region, or is not yours to use"
        )
        raise access_denied(call.caller.arn, f"kms:{call.operation}", "*", reason)
    return key


def _opened(call: Call, key: Key, *, context: Context, algorithm: str) -> Opened:
    usable(key, usage=ENCRYPT_DECRYPT, algorithm=algorithm)
    if _ignores_ciphertext(call):
        return Opened(b"", None)
    ciphertext = call.blob("CiphertextBlob")
    if algorithm != SYMMETRIC_DEFAULT:
        return Opened(rsa_decrypt(call.ring.secret(key, key.materials[0]), ciphertext, algorithm), None)
    parsed = blob.parse(ciphertext)
    material = next((each for each in key.materials if each.material_id == parsed.material_id), None)
    if material is None:
        raise invalid_ciphertext()
    secret = call.ring.secret(key, material)
    return Opened(blob.unseal(parsed, material=secret, context=context), material.material_id)


def _sealed(
    call: Call, key: Key, plaintext: bytes, *, context: Context, algorithm: str = SYMMETRIC_DEFAULT
) -> tuple[bytes, str | None]:
    """Return the ciphertext and the id of the material that made it (none for RSA). The key has been found usable."""
    material = key.current
    if material is None:
        raise KmsError("KMSInternalException", status=500)
    secret = call.ring.secret(key, material)
    if algorithm != SYMMETRIC_DEFAULT:
        return rsa_encrypt(secret, plaintext, algorithm), None
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


def _refuse_recipient(call: Call) -> None:
    """An answer for a Nitro enclave would need AWS's attestation; refusing is the only honest answer."""
    if "Recipient" in call.parameters:
        raise unsupported("Recipient (Nitro enclaves) is not offered by the local KMS.")
