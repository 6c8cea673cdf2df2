"""What a caller's session and its request say to conditions, beside who the caller is.

Source: IAM user guide, "AWS global condition context keys". Names are in lower case, as conditions compare them; a key
that a request would not have on AWS is left out here too.
"""

import hashlib
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from twinvault_serving.exchange import HttpRequest, ServingError

type SessionFacts = Mapping[str, tuple[str, ...]]

_UNIQUE = 17  # of IAM's unique ids, after four letters that say what they name


class BadSessionError(ServingError):
    """Something in a callers file about a session is not of its form."""


@dataclass(frozen=True, slots=True)
class SessionWords:
    """What a callers file may say of a session; nothing of it is secret.

    `tags` are those of principal and session; `userid` None: made of the ARN; `mfa` None: nothing is known of it.
    """

    tags: tuple[tuple[str, str], ...] = ()
    org_id: str | None = None
    org_paths: tuple[str, ...] = ()
    userid: str | None = None
    mfa: bool | None = None

    def facts(self, arn: str, name: str) -> SessionFacts:
        """Return the condition keys of a session in the name of this principal."""
        facts: dict[str, tuple[str, ...]] = {
            "aws:userid": (self.userid or made_up_userid(arn, name),),
            "aws:principalisawsservice": ("false",),
            "aws:viaawsservice": ("false",),
        }
        for key, value in self.tags:
            fact = f"aws:principaltag/{key.lower()}"
            facts[fact] = (*facts.get(fact, ()), value)
        if self.org_id is not None:
            facts["aws:principalorgid"] = (self.org_id,)
        if self.org_paths:
            facts["aws:principalorgpaths"] = self.org_paths
        # Long-term credentials, of users and of the account, do not have the key at all.
        mfa = self.mfa if self.mfa is not None or ":user/" in arn or arn.endswith(":root") else False
        return facts | ({} if mfa is None else {"aws:multifactorauthpresent": ("true" if mfa else "false",)})


def session_words(raw: Mapping[Any, object]) -> SessionWords:
    """Return what an entry of a callers file says of its session.

    Raises:
        BadSessionError: one of its members is not of its form, or not known.
    """
    known = {"tags": _are_tags, "org_id": _is_text, "org_paths": _are_texts, "userid": _is_text, "mfa": _is_flag}
    for name, value in raw.items():
        if name not in known or not known[name](value):
            raise BadSessionError(name)
    return SessionWords(
        tags=tuple(cast("dict[str, str]", raw.get("tags", {})).items()),
        org_id=cast("str | None", raw.get("org_id")),
        org_paths=tuple(cast("list[str]", raw.get("org_paths", []))),
        userid=cast("str | None", raw.get("userid")),
        mfa=cast("bool | None", raw.get("mfa")),
    )


def request_facts(request: HttpRequest) -> SessionFacts:
    """Return the condition keys that the request itself says: whence it came."""
    said = {
        "aws:sourceip": request.source_ip,
        "aws:useragent": request.header("user-agent"),
        "aws:referer": request.header("referer"),
    }
    return {name: (value,) for name, value in said.items() if value}


def made_up_userid(arn: str, name: str) -> str:
    """Return an `aws:userid` of the form that AWS's have, the same for the same principal (`name` names a session)."""
    account, kind, rest = arn.split(":")[4], *arn.split(":", 5)[5].partition("/")[::2]
    match kind:
        case "user":
            return "AIDA" + _unique(arn)
        case "role":
            return f"AROA{_unique(arn)}:{name}"
        case "assumed-role":
            role, _, session = rest.partition("/")
            return f"AROA{_unique(f'arn:aws:iam::{account}:role/{role}')}:{session}"
        case "federated-user":
            return f"{account}:{rest}"
    return account


def _unique(arn: str) -> str:
    return b32encode(hashlib.sha256(arn.encode()).digest()).decode()[:_UNIQUE]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_tags(value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(name) and isinstance(each, str) for name, each in value.items())
