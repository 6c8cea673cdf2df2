"""Opaque partition ids: what a caller calls a partition is often a title in disguise, and a key is never sealed."""

import base64
import hmac

from twinvault.envelope.subkeys import partition_id_key
from twinvault.errors import InvalidInput

OPAQUE_CHARACTERS = 26
MAX_ID_CHARACTERS = 256


def opaque_id(caller_id: str, *, kind: str, index_key: bytes) -> str:
    """The partition of a caller's id: base32(HMAC-SHA-256(the index key's sub-key of this kind, id))[:26], lower case.

    130 bits: without the tenant's index key nobody can tell which id a partition is of, or whether one exists.

    Raises:
        InvalidInput: the id is empty, longer than 256 characters, or not Unicode text.
    """
    if not 1 <= len(caller_id) <= MAX_ID_CHARACTERS:
        raise InvalidInput(f"id: must have 1 to {MAX_ID_CHARACTERS} characters", field="id")
    try:
        encoded = caller_id.encode()
    except UnicodeEncodeError:
        raise InvalidInput("id: holds a lone surrogate, which is not Unicode text", field="id") from None
    digest = hmac.digest(partition_id_key(index_key, kind), encoded, "sha256")
    return base64.b32encode(digest).decode()[:OPAQUE_CHARACTERS].lower()
