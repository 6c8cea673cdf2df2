"""Sign, Verify, GetPublicKey, DeriveSharedSecret, GenerateMac, VerifyMac. None takes a context or changes the store."""

import hmac
from functools import partial

from twinvault_kms import asymmetric
from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import KmsError, unsupported
from twinvault_kms.model import Key, KeyState
from twinvault_kms.operations.cipher import refuse_recipient
from twinvault_kms.operations.keys import ALGORITHM_FIELDS
from twinvault_kms.readiness import refuse_states, usable
from twinvault_kms.slow import KeyWork, slowly
from twinvault_kms.specs import GENERATE_VERIFY_MAC, KEY_AGREEMENT, SIGN_VERIFY, SPECS


def sign(call: Call) -> Reply:
    """Sign a message of up to 4,096 bytes, or a digest."""
    key, algorithm, kind = _signing_key(call)
    call.dry_run()
    private, message = _private(call, key), call.blob("Message")
    signing = partial(asymmetric.sign, private, message, algorithm=algorithm, kind=kind)
    signature = slowly(call, KeyWork.USING, signing) if algorithm.startswith("RSA") else signing()
    return Reply({"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm})


def verify(call: Call) -> Reply:
    """Verify. A signature that does not verify is an error, never a false answer."""
    key, algorithm, kind = _signing_key(call)
    private, message = _private(call, key), call.blob("Message")
    asymmetric.verify(private, message, call.blob("Signature"), algorithm=algorithm, kind=kind)
    call.dry_run()
    return Reply({"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm})


def get_public_key(call: Call) -> Reply:
    """GetPublicKey, of an asymmetric key that is enabled."""
    key = call.key(aliases=True)
    call.permit(key)
    spec = SPECS[key.spec]
    if not spec.asymmetric:
        raise unsupported(f"{key.arn} key spec is {key.spec} which is not valid for this operation.")
    refuse_states(key, KeyState.DISABLED, KeyState.PENDING_IMPORT, KeyState.PENDING_DELETION)
    return Reply(
        {
            "KeyId": key.arn,
            "PublicKey": asymmetric.public_der(_private(call, key)),
            "CustomerMasterKeySpec": key.spec,
            "KeySpec": key.spec,
            "KeyUsage": key.usage,
            ALGORITHM_FIELDS[key.usage]: list(spec.algorithms[key.usage]),
        }
    )


def generate_mac(call: Call) -> Reply:
    """GenerateMac."""
    key, algorithm = _mac_key(call)
    call.dry_run()
    return Reply({"Mac": _mac(call, key, algorithm), "MacAlgorithm": algorithm, "KeyId": key.arn})


def verify_mac(call: Call) -> Reply:
    """VerifyMac, compared in constant time. A MAC that does not verify is an error, never a false answer."""
    key, algorithm = _mac_key(call)
    if not hmac.compare_digest(_mac(call, key, algorithm), call.blob("Mac")):
        raise KmsError("KMSInvalidMacException")
    call.dry_run()
    return Reply({"KeyId": key.arn, "MacValid": True, "MacAlgorithm": algorithm})


def derive_shared_secret(call: Call) -> Reply:
    """DeriveSharedSecret: ECDH of an elliptic curve key with a peer's public key; the raw secret is the answer."""
    refuse_recipient(call)
    key = call.key(aliases=True)
    algorithm = call.text("KeyAgreementAlgorithm")
    call.permit(key, facts={"KeyAgreementAlgorithm": algorithm})
    usable(key, usage=KEY_AGREEMENT, operation=call.operation, algorithm=algorithm)
    secret = asymmetric.shared_secret(_private(call, key), call.blob("PublicKey"))
    call.dry_run()
    answer = {"KeyId": key.arn, "SharedSecret": secret, "KeyAgreementAlgorithm": algorithm, "KeyOrigin": key.origin}
    return Reply(answer)


def _signing_key(call: Call) -> tuple[Key, str, str]:
    key = call.key(aliases=True)
    algorithm, kind = call.text("SigningAlgorithm"), call.text("MessageType", asymmetric.RAW)
    call.permit(key, facts={"SigningAlgorithm": algorithm, "MessageType": kind})
    usable(key, usage=SIGN_VERIFY, operation=call.operation, algorithm=algorithm)
    return key, algorithm, kind


def _private(call: Call, key: Key) -> asymmetric.PrivateKey:
    return call.ring.private_key(key, key.materials[0])


def _mac_key(call: Call) -> tuple[Key, str]:
    key = call.key(aliases=True)
    algorithm = call.text("MacAlgorithm")
    call.permit(key, facts={"MacAlgorithm": algorithm})
    usable(key, usage=GENERATE_VERIFY_MAC, operation=call.operation, algorithm=algorithm)
    return key, algorithm


def _mac(call: Call, key: Key, algorithm: str) -> bytes:
    return asymmetric.mac(call.ring.secret(key, key.materials[0]), call.blob("Message"), algorithm)
