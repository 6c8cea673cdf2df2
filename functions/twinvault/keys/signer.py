"""The audit key, behind two methods, and their adapter to AWS KMS.

Nothing but a digest under a label of ours is ever signed: a key policy sees no message, so this is where that is held.
"""

from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from twinvault.deadlines import calling, deadline_here, keep_deadlines, require_time
from twinvault.envelope.signature import SignatureLabel, public_key_of, require_signed, signed_message
from twinvault.errors import IntegrityError, Step
from twinvault.keys.kms import count_call, require_same_key, require_whole, translate

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

    from twinvault.observe import Observer

_ALGORITHM: Final = "ED25519_SHA_512"
"""Ed25519 of the message itself (RFC 8032, 5.1), which every library verifies; ED25519_PH_SHA_512 few do."""


class Signer(Protocol):
    """An Ed25519 key that only its holder signs with, and everybody verifies."""

    @property
    def key_id(self) -> str:
        """The KMS key's id."""

    def public_key(self, *, observer: "Observer") -> bytes:
        """The public half, 32 bytes."""

    def sign(self, digest: bytes, *, label: SignatureLabel, observer: "Observer") -> bytes:
        """The signature of a digest under a label, 64 bytes, which verifies under the public half."""


class AwsSigner:
    """`Signer` over AWS KMS, with an injected boto3 client; thread-safe."""

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        """`key_id`: of a key of spec ECC_NIST_EDWARDS25519, never an alias, which could be pointed elsewhere."""
        keep_deadlines(client)
        self._client = client
        self._key_id = key_id
        self._public: bytes | None = None

    @property
    def key_id(self) -> str:
        """See `Signer.key_id`."""
        return self._key_id

    def public_key(self, *, observer: "Observer") -> bytes:
        """See `Signer.public_key`. It never changes, and is asked for once.

        Raises:
            KeyRefused, DependencyError: KMS refuses, or cannot answer.
            IntegrityError: the key is no Ed25519 key, or KMS answers for another.
        """
        if self._public is None:
            require_time()
            try:
                with calling(deadline_here()):
                    answer = self._client.get_public_key(KeyId=self._key_id)
            except (ClientError, BotoCoreError) as error:
                translate(error, observer, operation="GetPublicKey")
            count_call(observer, answer["ResponseMetadata"].get("RequestId", ""))
            require_whole(answer, "KeyId", "PublicKey")
            require_same_key(answer["KeyId"], self._key_id)
            try:
                self._public = public_key_of(answer["PublicKey"])
            except ValueError:
                raise IntegrityError(Step.ROOT_KEY, detail="the audit key is no Ed25519 key") from None
        return self._public

    def sign(self, digest: bytes, *, label: SignatureLabel, observer: "Observer") -> bytes:
        """See `Signer.sign`.

        Raises:
            KeyRefused, DependencyError: KMS refuses, or cannot answer.
            IntegrityError: what KMS answers does not verify.
        """
        public, message = self.public_key(observer=observer), signed_message(digest, label=label)
        require_time()
        try:
            with calling(deadline_here()):
                answer = self._client.sign(
                    KeyId=self._key_id, Message=message, MessageType="RAW", SigningAlgorithm=_ALGORITHM
                )
        except (ClientError, BotoCoreError) as error:
            translate(error, observer, operation="Sign")
        count_call(observer, answer["ResponseMetadata"].get("RequestId", ""))
        require_whole(answer, "KeyId", "Signature")
        require_same_key(answer["KeyId"], self._key_id)
        try:
            # Whoever is handed it relies on it years from now: what does not verify must not leave.
            require_signed(digest, label=label, signature=answer["Signature"], public_key=public)
        except ValueError:
            raise IntegrityError(Step.ROOT_KEY, detail="a signature that does not verify") from None
        return answer["Signature"]
