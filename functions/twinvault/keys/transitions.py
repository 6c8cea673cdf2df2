"""The states of a tenant's epochs, and how one becomes another. Pure.

    active -> retired -> revoked -> destroyed
                 ^----------'  reinstated

Each function returns the register as it then is, or None where it is so already: every move is safe to repeat. A
revoked epoch comes back as a retired one, and no epoch becomes active again (docs/adr/0020).
"""

from dataclasses import replace

from twinvault.errors import Conflict, InvalidInput, NotFound
from twinvault.keys.register import Epoch, Register, State
from twinvault.keys.rows import MAX_NUMBER


def require_epoch(number: int) -> int:
    """Returns what can be the number of an epoch.

    Raises:
        InvalidInput: it cannot.
    """
    if isinstance(number, bool) or not 1 <= number <= MAX_NUMBER:
        raise InvalidInput(f"epoch: must be a whole number from 1 to {MAX_NUMBER}", field="epoch")
    return number


def live_epoch(register: Register, number: int) -> Epoch:
    """The live epoch of this number.

    Raises:
        NotFound: there was none yet.
        Conflict: it was destroyed.
    """
    if number < register.lowest_epoch:
        raise Conflict(f"epoch {number} was destroyed; the lowest that there is is {register.lowest_epoch}")
    one = register.epoch(number)
    if one is None:
        raise NotFound(f"there is no epoch {number}; the newest is {register.newest}")
    return one


def retired(register: Register, number: int, *, now: str, event_id: str) -> Register | None:
    """The register once this epoch opens and seals no more.

    Raises:
        Conflict: it is the only active one, or is revoked, or was destroyed.
        NotFound: there is none.
    """
    one = live_epoch(register, number)
    if one.state is State.RETIRED:
        return None
    if one.state is State.REVOKED:
        raise Conflict(
            f"epoch {number} is revoked, and retiring it would let it open again: reinstate it if you mean that"
        )
    if not any(other.state is State.ACTIVE for other in register.epochs if other is not one):
        raise Conflict(f"epoch {number} is the only one that seals: rotate first, then retire it")
    return _with(register, {number}, state=State.RETIRED, now=now, event_id=event_id)


def revoked(register: Register, number: int | None, *, now: str, event_id: str) -> Register | None:
    """The register once this epoch neither seals nor opens; None: all of them.

    Raises:
        Conflict, NotFound: as for `live_epoch`.
    """
    numbers = {one.epoch for one in register.epochs} if number is None else {live_epoch(register, number).epoch}
    return _with(register, numbers, state=State.REVOKED, now=now, event_id=event_id)


def reinstated(register: Register, number: int, *, now: str, event_id: str) -> Register | None:
    """The register once this revoked epoch opens again, as a retired one does.

    Raises:
        Conflict: it is active, so it was not revoked; or it was destroyed.
        NotFound: there is none.
    """
    if live_epoch(register, number).state is State.ACTIVE:
        raise Conflict(f"epoch {number} is active: there is nothing to reinstate")
    return _with(register, {number}, state=State.RETIRED, now=now, event_id=event_id)


def destroyed(register: Register, number: int, *, event_id: str) -> Register | None:
    """The register without this epoch, the oldest, which wraps nothing any more: whoever asks has looked.

    Raises:
        Conflict: it is not the oldest, or it is active.
        NotFound: there is none.
    """
    if number < register.lowest_epoch:
        return None
    one = live_epoch(register, number)
    if number != register.lowest_epoch:
        raise Conflict(f"epochs are destroyed the oldest first, and that is {register.lowest_epoch}")
    if one.state is State.ACTIVE:
        raise Conflict(f"epoch {number} is active: rotate and retire it first")
    return replace(register, lowest_epoch=number + 1, epochs=register.epochs[1:], last_event=event_id)


def _with(register: Register, numbers: set[int], *, state: State, now: str, event_id: str) -> Register | None:
    """The register with these epochs in this state; those that are in it already stay as they are."""

    def changed(one: Epoch) -> bool:
        return one.epoch in numbers and one.state is not state

    if not any(map(changed, register.epochs)):
        return None
    epochs = tuple(replace(one, state=state, since=now) if changed(one) else one for one in register.epochs)
    return replace(register, epochs=epochs, last_event=event_id)
