"""ScheduleKeyDeletion and CancelKeyDeletion: a key's deletion in its waiting period."""

from dataclasses import replace

from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import invalid_state, validation
from twinvault_kms.model import DAY, KeyState, PutEntity
from twinvault_kms.multi_region import replicas_of
from twinvault_kms.readiness import refuse_states

_WINDOW_DAYS = range(7, 31)


def schedule_key_deletion(call: Call) -> Reply:
    """ScheduleKeyDeletion: 7 to 30 days, 30 by default. The model allows more; the API reference does not."""
    key = call.key()
    days = call.number("PendingWindowInDays") or max(_WINDOW_DAYS)
    call.permit(key, facts={"ScheduleKeyDeletionPendingWindowInDays": str(days)})
    if days not in _WINDOW_DAYS:
        raise validation("PendingWindowInDays must be between 7 and 30 (inclusive)")
    refuse_states(key, KeyState.PENDING_DELETION)
    waits = bool(replicas_of(call.catalog, key))
    until = {"deletion_window": days} if waits else {"deletion_date": call.now + days * DAY}
    scheduled = replace(key, **until)
    answer: dict[str, object] = {"KeyId": key.arn, "KeyState": scheduled.state, "PendingWindowInDays": days}
    return Reply(answer | ({} if waits else {"DeletionDate": scheduled.deletion_date}), (PutEntity(scheduled),))


def cancel_key_deletion(call: Call) -> Reply:
    """CancelKeyDeletion: the key comes back disabled (API reference)."""
    key = call.key()
    call.permit(key)
    if key.state not in {KeyState.PENDING_DELETION, KeyState.PENDING_REPLICA_DELETION}:
        raise invalid_state(f"{key.arn} is not pending deletion.")
    kept = replace(key, deletion_date=None, deletion_window=None, enabled=False)
    return Reply({"KeyId": key.arn}, (PutEntity(kept),))
