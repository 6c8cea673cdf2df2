"""`POST /keys/retire`, `revoke`, `reinstate` and `destroy`: what becomes of epochs, and of older DEKs."""

from dataclasses import asdict

from twinvault import InvalidInput, KeyEpoch
from twinvault_http.access import REVOKE_KEYS
from twinvault_http.bodies import asked_in
from twinvault_http.http import LONGEST_SECONDS, Api
from twinvault_http.key_routes import about
from twinvault_http.kinds import ServedKinds
from twinvault_http.messages import Answer, Request

ALL = "all"


def add_epoch_routes(api: Api, kinds: ServedKinds) -> None:
    """Declares them."""

    @api.route("POST /keys/retire", permission=REVOKE_KEYS, action="key.retire")
    def retire(request: Request) -> Answer:
        """This epoch seals nothing new."""
        return _epochs(request.acting.keys.retire(epoch_of(request)))

    @api.route("POST /keys/revoke", permission=REVOKE_KEYS, action="key.revoke")
    def revoke(request: Request) -> Answer:
        """This epoch, or all that are alive, neither seal nor open. Who lost the number on the way revokes nothing."""
        asked = _asked(request)
        return _epochs(request.acting.keys.revoke(None if asked == ALL else _number(asked, f" or {ALL!r}")))

    @api.route("POST /keys/reinstate", permission=REVOKE_KEYS, action="key.reinstate")
    def reinstate(request: Request) -> Answer:
        """This epoch, which was revoked, opens again."""
        return _epochs(request.acting.keys.reinstate(epoch_of(request)))

    @api.route(
        "POST /keys/destroy", permission=REVOKE_KEYS, action="key.destroy", about=lambda request: about(request, kinds)
    )
    def destroy(request: Request) -> Answer:
        """The oldest epoch, which wraps nothing, is no more; or the DEKs that no record of a partition is under."""
        asked, keys = asked_in(request), request.acting.keys
        named = kinds.named_in(asked) if len(asked) == 1 else None
        if named is not None:
            done = keys.destroy_deks(named.existing(request.acting), longest_seconds=LONGEST_SECONDS)
            return Answer(200, {named.kind: named.caller_id, **asdict(done)})
        return _epochs(keys.destroy(epoch_of(request), longest_seconds=LONGEST_SECONDS))


def epoch_of(request: Request) -> int:
    """The epoch that the body names, and nothing else.

    Raises:
        InvalidInput: it names none, or more.
    """
    return _number(_asked(request))


def _asked(request: Request) -> object:
    asked = asked_in(request)
    if asked.keys() != {"epoch"}:
        raise InvalidInput("body: must hold epoch and nothing else", field="body")
    return asked["epoch"]


def _number(value: object, more: str = "") -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(f"epoch: must be a whole number{more}", field="epoch")
    return value


def _epochs(epochs: list[KeyEpoch]) -> Answer:
    return Answer(200, {"epochs": [asdict(one) for one in epochs]})
