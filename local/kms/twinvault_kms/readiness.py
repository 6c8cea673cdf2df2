"""May a key be used, or changed, in the state that it is in?

Source: AWS KMS developer guide, "Key states of AWS KMS keys", the key state table and its details.
"""

from twinvault_kms.errors import KmsError, invalid_state, invalid_usage
from twinvault_kms.model import Key, KeyState
from twinvault_kms.specs import SPECS, KeySpec


def usable(key: Key, *, usage: str, operation: str, algorithm: str | None = None) -> KeySpec:
    """Return the spec of a key that this operation may use this way now.

    Raises:
        KmsError: DisabledException, KMSInvalidStateException, InvalidKeyUsageException.
    """
    refuse_states(key, KeyState.DISABLED, KeyState.PENDING_IMPORT, KeyState.PENDING_DELETION)
    spec = SPECS[key.spec]
    if key.usage != usage:
        raise invalid_usage(f"{key.arn} key usage is {key.usage} which is not valid for {operation}.")
    if algorithm is not None and algorithm not in spec.algorithms[usage]:
        raise invalid_usage(f"Algorithm {algorithm} is incompatible with key spec {key.spec}.")
    return spec


def refuse_states(key: Key, *refused: KeyState) -> None:
    """Refuse an operation on a key in one of these states (developer guide, "Key states", the table and its details).

    Raises:
        KmsError: DisabledException, KMSInvalidStateException.
    """
    state = key.state
    if state is KeyState.PENDING_REPLICA_DELETION:
        state = KeyState.PENDING_DELETION  # a row of its own in the table, and the same in all its columns
    if state not in refused:
        return
    if state is KeyState.DISABLED:
        raise KmsError("DisabledException", f"{key.arn} is disabled.")
    raise invalid_state(
        f"{key.arn} is {'pending deletion' if state is KeyState.PENDING_DELETION else 'pending import'}."
    )
