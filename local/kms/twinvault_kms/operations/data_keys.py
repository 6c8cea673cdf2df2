"""GenerateDataKey, GenerateDataKeyPair, both also without plaintext, and GenerateRandom. None changes the store."""

from collections.abc import Mapping
from functools import partial

from twinvault_kms.asymmetric import PAIR_SPECS, generate_pair
from twinvault_kms.call import Call, EncryptionContext, Reply
from twinvault_kms.errors import KmsError, invalid_usage, unsupported, validation
from twinvault_kms.model import Key
from twinvault_kms.operations.cipher import checked_context, refuse_recipient, sealed_under
from twinvault_kms.readiness import usable
from twinvault_kms.slow import KeyWork, slowly
from twinvault_kms.specs import ENCRYPT_DECRYPT, SYMMETRIC_DEFAULT

_DATA_KEY_BYTES = {"AES_256": 32, "AES_128": 16}


def generate_data_key(call: Call) -> Reply:
    """GenerateDataKey."""
    refuse_recipient(call)
    return _data_key(call, plaintext=True)


def generate_data_key_without_plaintext(call: Call) -> Reply:
    """GenerateDataKeyWithoutPlaintext."""
    return _data_key(call, plaintext=False)


def _data_key(call: Call, *, plaintext: bool) -> Reply:
    key, context = _wrapping_key(call, {})
    spec, count = call.optional("KeySpec"), call.number("NumberOfBytes")
    if (spec is None) == (count is None):
        raise validation("Please specify either number of bytes or key spec.")
    call.dry_run()
    secret = call.random(count if count is not None else _DATA_KEY_BYTES[str(spec)])
    ciphertext, identity = sealed_under(call, key, secret, context=context)
    answer: dict[str, object] = {"CiphertextBlob": ciphertext, "KeyId": key.arn, "KeyMaterialId": identity}
    return Reply(answer | ({"Plaintext": secret} if plaintext else {}))


def generate_data_key_pair(call: Call) -> Reply:
    """GenerateDataKeyPair: a fresh pair, its private half also sealed."""
    refuse_recipient(call)
    return _data_key_pair(call, plaintext=True)


def generate_data_key_pair_without_plaintext(call: Call) -> Reply:
    """GenerateDataKeyPairWithoutPlaintext: a fresh pair, its private half sealed alone."""
    return _data_key_pair(call, plaintext=False)


def _data_key_pair(call: Call, *, plaintext: bool) -> Reply:
    spec = call.text("KeyPairSpec")
    key, context = _wrapping_key(call, {"DataKeyPairSpec": spec})
    if spec not in PAIR_SPECS:
        raise unsupported(f"KeyPairSpec {spec} is not offered by the local KMS.")
    call.dry_run()
    making = partial(generate_pair, spec)
    private, public = slowly(call, KeyWork.MAKING, making) if spec.startswith("RSA") else making()
    ciphertext, identity = sealed_under(call, key, private, context=context)
    answer: dict[str, object] = {
        "PrivateKeyCiphertextBlob": ciphertext,
        "PublicKey": public,
        "KeyId": key.arn,
        "KeyPairSpec": spec,
        "KeyMaterialId": identity,
    }
    return Reply(answer | ({"PrivateKeyPlaintext": private} if plaintext else {}))


def generate_random(call: Call) -> Reply:
    """GenerateRandom."""
    call.permit_account()
    refuse_recipient(call)
    if call.optional("CustomKeyStoreId"):
        raise KmsError("CustomKeyStoreNotFoundException", "Custom key stores are not offered by the local KMS.")
    count = call.number("NumberOfBytes")
    if count is None:
        raise validation("NumberOfBytes is required.")
    return Reply({"Plaintext": call.random(count)})


def _wrapping_key(call: Call, facts: Mapping[str, str]) -> tuple[Key, EncryptionContext]:
    """Return the symmetric key that a data key is sealed under, permitted and usable."""
    key = call.key(aliases=True)
    context = checked_context(call, SYMMETRIC_DEFAULT)
    call.permit(key, context=context, facts={"EncryptionAlgorithm": SYMMETRIC_DEFAULT, **facts})
    if not usable(key, usage=ENCRYPT_DECRYPT, operation=call.operation).symmetric_encryption:
        raise invalid_usage(f"{key.arn} is not a symmetric encryption key.")
    return key, context
