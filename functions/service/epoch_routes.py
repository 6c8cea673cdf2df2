"""`POST /keys/retire`, `revoke`, `reinstate` and `destroy`: what becomes of epochs, and of older DEKs."""

from dataclasses import asdict

from dialogues.reading import StoredDialogues
from service.access import REVOKE_KEYS
from service.bodies import asked_in
from service.http import LONGEST_SECONDS, Answer, Api, Request
from twinvault import InvalidInput, KeyEpoch

ALL = "all"
_ONE = "dialogue"


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

    @api.route("POST /keys/destroy", permission=REVOKE_KEYS, action="key.destroy", about=_about)
    def destroy(request: Request) -> Answer:
        """The oldest epoch, which wraps nothing, is no more; or the DEKs that no record of a dialogue is under."""
        asked = asked_in(request)
        dialogue_id = asked.get(_ONE)
        if isinstance(dialogue_id, str) and len(asked) == 1:
            done = StoredDialogues(request.acting).destroy_deks(dialogue_id, longest_seconds=LONGEST_SECONDS)
            return Answer(200, {_ONE: dialogue_id, **asdict(done)})
        return _epochs(request.acting.keys.destroy(epoch_of(request), longest_seconds=LONGEST_SECONDS))


def epoch_of(request: Request) -> int:
    """The epoch that the body names, and nothing else.

    Raises:
        InvalidInput: it names none, or more.
    """
    return _number(_asked(request))


def _about(request: Request) -> None:
    dialogue_id = asked_in(request).get(_ONE)
    if isinstance(dialogue_id, str):
        StoredDialogues(request.acting).name(dialogue_id)


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
