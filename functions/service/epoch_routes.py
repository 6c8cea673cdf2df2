"""`POST /keys/retire`, `revoke`, `reinstate` and `destroy`: what becomes of the epochs of a tenant's KEK."""

from dataclasses import asdict

from dialogues.strict_json import parse
from service.access import REVOKE_KEYS
from service.http import LONGEST_SECONDS, Answer, Api, Request
from twinvault import InvalidInput, KeyEpoch

ALL = "all"


def add_epoch_routes(api: Api) -> None:
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

    @api.route("POST /keys/destroy", permission=REVOKE_KEYS, action="key.destroy")
    def destroy(request: Request) -> Answer:
        """The oldest epoch, which wraps nothing any more, is gone for good."""
        return _epochs(request.acting.keys.destroy(epoch_of(request), longest_seconds=LONGEST_SECONDS))


def epoch_of(request: Request) -> int:
    """The epoch that the body names, and nothing else.

    Raises:
        InvalidInput: it names none, or more.
    """
    return _number(_asked(request))


def _asked(request: Request) -> object:
    asked = parse(request.body() or b"{}")
    if asked.keys() != {"epoch"}:
        raise InvalidInput("body: must hold epoch and nothing else", field="body")
    return asked["epoch"]


def _number(value: object, more: str = "") -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(f"epoch: must be a whole number{more}", field="epoch")
    return value


def _epochs(epochs: list[KeyEpoch]) -> Answer:
    return Answer(200, {"epochs": [asdict(one) for one in epochs]})
