"""Who may sign: the callers file, and the made-up secret of each.

{"ACCESSKEYID": {"arn": "arn:aws:iam::000000000000:role/NAME", "secret": "…", "name": "NAME"}, ...}; `name` may be left
out. A caller may be its ARN alone, and then has a secret that everybody knows: it is told apart by its id. What
conditions ask of its session may stand beside: "tags", "org_id", "org_paths", "userid", "mfa" (see `session`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from twinvault_serving.exchange import HttpRequest, ServingError
from twinvault_serving.session import BadSessionError, SessionFacts, SessionWords, request_facts, session_words
from twinvault_serving.signature import UnsignedError, check_service, parse_authorization, verify

DEFAULT_SECRET = "made-up"  # noqa: S105  # that of a caller without one of its own
DEFAULT_ACCOUNT = "000000000000"
_ARN = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/.+)")
_FORM = 'It must be JSON: {"ACCESSKEYID": {"arn": "arn:aws:iam::000000000000:role/NAME", "secret": "…"}}'


class CallersFileError(ServingError):
    """A callers file that cannot be used; says why, and what to do next."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = _FORM


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """One that may sign. `name` is what it is called in records of its calls."""

    arn: str
    secret: str = field(repr=False)
    name: str
    session: SessionWords = field(default_factory=SessionWords, repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose signature was verified, and to which region it speaks. `facts` are what session and request say."""

    access_key_id: str
    arn: str
    name: str
    region: str
    facts: SessionFacts = field(default_factory=dict, repr=False)

    @property
    def account(self) -> str:
        """The account that the caller belongs to."""
        return self.arn.split(":")[4]

    @property
    def is_account_root(self) -> bool:
        """Whether the caller is the account itself."""
        return self.arn.endswith(":root")


@dataclass(frozen=True, slots=True)
class Callers:
    """Whoever may call, by access key id; without a list (None) everyone is the account itself, signed or not."""

    known: Mapping[str, KnownCaller] | None
    account: str = DEFAULT_ACCOUNT

    @property
    def are_all_root(self) -> bool:
        """Whether every caller counts as the account's root, so that no policy can tell them apart."""
        return self.known is None

    def signed_in(self, request: HttpRequest, *, service: str, now: datetime) -> SignedIn:
        """Return who signed a request, with its body, for this service (`now` is aware of its zone).

        Raises:
            UnsignedError: MissingAuthenticationTokenException, IncompleteSignatureException,
                UnrecognizedClientException, InvalidSignatureException.
        """
        authorization = parse_authorization(request)
        access_key_id, region = authorization.access_key_id, authorization.region
        if self.known is None:
            check_service(authorization, service)
            root = KnownCaller(f"arn:aws:iam::{self.account}:root", DEFAULT_SECRET, "root")
            return _signed_in(root, request, access_key_id=access_key_id, region=region)
        caller = self.known.get(access_key_id)
        if caller is None:
            message = "The security token included in the request is invalid."
            raise UnsignedError("UnrecognizedClientException", message)
        verify(request, authorization, service=service, secret=caller.secret, now=now)
        return _signed_in(caller, request, access_key_id=access_key_id, region=region)


def _signed_in(caller: KnownCaller, request: HttpRequest, *, access_key_id: str, region: str) -> SignedIn:
    facts = {**caller.session.facts(caller.arn, caller.name), **request_facts(request)}
    return SignedIn(access_key_id, caller.arn, caller.name, region, facts)


def load_callers(path: Path) -> Callers:
    """Read a callers file.

    Raises:
        CallersFileError: it is missing, or not such a map.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise CallersFileError(f"The callers file {path} cannot be read.") from None
    if not isinstance(document, dict):
        raise CallersFileError(f"The callers file {path} is not an object.")
    found = {name: _caller(each) for name, each in document.items()}
    callers = {name: caller for name, caller in found.items() if caller is not None}
    if len(callers) != len(found):
        raise CallersFileError(f"The callers file {path} holds something else than principals' ARNs and secrets.")
    return Callers(callers)


def _caller(raw: object) -> KnownCaller | None:
    match raw:
        case str(arn):
            caller = KnownCaller(arn, DEFAULT_SECRET, _last_part(arn))
        case {"arn": str(arn), "secret": str(secret), **others} if secret:
            name = others.pop("name", _last_part(arn))
            try:
                session = session_words(others)
            except BadSessionError:
                return None
            if not isinstance(name, str) or not name:
                return None
            caller = KnownCaller(arn, secret, name, session)
        case _:
            return None
    return caller if _ARN.fullmatch(caller.arn) else None


def _last_part(arn: str) -> str:
    return arn.rpartition(":")[2].rpartition("/")[2]
