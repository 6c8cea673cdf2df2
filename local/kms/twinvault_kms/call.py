"""One request on its way through the core: its parameters, its caller, and what every operation asks of a key.

The core does no IO: clock, randomness and ledger are parameters, the catalog is only read. An operation returns a
`Reply`: the answer, and the changes that must be durable before the answer may leave.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from twinvault_iam.evaluation import decide, denial
from twinvault_iam.patterns import RequestFacts
from twinvault_iam.policy import Access, Policy
from twinvault_iam.services import context_facts
from twinvault_kms.authorize import authorize
from twinvault_kms.catalog import Catalog
from twinvault_kms.errors import KmsError, access_denied, not_found
from twinvault_kms.facts import ConditionFacts, SaidFacts, asked_tags, key_facts, named, surrounding_facts
from twinvault_kms.model import Alias, Caller, Change, Grant, Key, place_of
from twinvault_kms.ring import KeyRing
from twinvault_kms.validate import declared_errors
from twinvault_serving.ledger import ALLOW, DENY, CallFacts, RecordedCall

type EncryptionContext = Mapping[str, str]

# The operations that may name a key of another account (API reference, "Cross-account use" of each operation).
CROSS_ACCOUNT = frozenset(
    {
        "CreateGrant",
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetKeyRotationStatus",
        "GetPublicKey",
        "ListGrants",
        "ReEncrypt",
        "RetireGrant",
        "RevokeGrant",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)

_KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<kind>key/|alias/)(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers, and the changes to write before. `answer` None is an empty body."""

    answer: Mapping[str, object] | None = field(default=None, repr=False)
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One validated request."""

    operation: str
    parameters: Mapping[str, object] = field(repr=False)
    caller: Caller
    region: str
    now: float
    catalog: Catalog = field(repr=False)
    ring: KeyRing = field(repr=False)
    random: Callable[[int], bytes] = field(repr=False)
    note: Callable[[RecordedCall], None] = field(repr=False)
    identity: tuple[Policy, ...] | None = field(default=None, repr=False)
    """The caller's own policies; None: nobody knows any."""
    made: tuple[object] | None = field(default=None, repr=False)
    """What slow work yielded (see `slow.py`); None: none was done yet."""

    def text(self, name: str, default: str = "") -> str:
        """Return a string parameter."""
        return cast("str", self.parameters.get(name, default))

    def optional(self, name: str) -> str | None:
        """Return a string parameter, or None where it is absent."""
        return cast("str | None", self.parameters.get(name))

    def blob(self, name: str) -> bytes:
        """Return a binary parameter, empty where it is absent."""
        return cast("bytes", self.parameters.get(name, b""))

    def flag(self, name: str) -> bool:
        """Return a boolean parameter, false where it is absent."""
        return cast("bool", self.parameters.get(name, False))

    def number(self, name: str) -> int | None:
        """Return an integer parameter, or None where it is absent."""
        return cast("int | None", self.parameters.get(name))

    def time(self, name: str) -> float | None:
        """Return a timestamp parameter, or None where it is absent."""
        return cast("float | None", self.parameters.get(name))

    def texts(self, name: str) -> list[str]:
        """Return a list of strings, empty where it is absent."""
        return cast("list[str]", self.parameters.get(name, []))

    def context(self, name: str = "EncryptionContext") -> EncryptionContext:
        """Return an encryption context, empty where it is absent: AWS makes no difference between the two."""
        return cast("EncryptionContext", self.parameters.get(name, {}))

    def key(self, name: str = "KeyId", *, aliases: bool = False) -> Key:
        """Return the key that a parameter names.

        Raises:
            KmsError: NotFoundException; InvalidArnException where the operation declares it.
        """
        identifier = self.text(name)
        if identifier.startswith("arn:"):
            return self._key_by_arn(identifier, aliases=aliases)
        if aliases and identifier.startswith("alias/"):
            return self._existing(self.alias(identifier).key_id, account=self.caller.account)
        if not _KEY_ID.fullmatch(identifier):
            raise not_found(f"Invalid keyId '{identifier}'")
        return self._existing(identifier, account=self.caller.account)

    def alias(self, name: str, *, account: str | None = None) -> Alias:
        """Return an alias of this region, of the caller's account unless another is given.

        Raises:
            KmsError: NotFoundException.
        """
        owner = account or self.caller.account
        alias = self.catalog.aliases.get((owner, self.region, name))
        if alias is None:
            raise not_found(f"Alias arn:aws:kms:{self.region}:{owner}:{name} is not found.")
        return alias

    def _key_by_arn(self, arn: str, *, aliases: bool) -> Key:
        match = _ARN.fullmatch(arn)
        if match is None or (match["kind"] == "alias/" and not aliases):
            code = "InvalidArnException" if "InvalidArnException" in declared_errors(self.operation) else None
            raise KmsError(code or "NotFoundException", f"Invalid arn {arn}")
        if match["region"] != self.region:
            raise not_found(f"Invalid arn {match['region']}")
        if match["kind"] == "alias/":
            alias = self.alias("alias/" + match["name"], account=match["account"])
            return self._existing(alias.key_id, account=match["account"])
        return self._existing(match["name"], account=match["account"])

    def _existing(self, key_id: str, *, account: str) -> Key:
        if account != self.caller.account and self.operation not in CROSS_ACCOUNT:
            arn = f"arn:aws:kms:{self.region}:{account}:key/{key_id}"
            reason = "the operation is not for keys of other accounts"
            raise access_denied(self.caller.arn, f"kms:{self.operation}", arn, reason)
        key = self.catalog.keys.get(place_of(key_id, self.region))
        if key is None or (key.account, key.region) != (account, self.region):
            raise not_found(f"Key 'arn:aws:kms:{self.region}:{account}:key/{key_id}' does not exist")
        return key

    def permit(
        self,
        key: Key,
        *,
        action: str | None = None,
        context: EncryptionContext | None = None,
        suits: Callable[[Grant], bool] = lambda _grant: True,
        facts: SaidFacts | None = None,
        name: str = "KeyId",
    ) -> None:
        """Let the request pass if the key's policy or a grant allows it.

        `action` is the operation unless AWS names the permission otherwise; `facts` are condition keys of kms, by name;
        `suits` narrows the grants that count; `name` is the parameter that named the key.

        Raises:
            KmsError: AccessDeniedException; InvalidGrantTokenException.
        """
        for token in self.texts("GrantTokens"):
            self.ring.grant_of_token(token)
        said = self._facts(key, context or {}, requested=self.text(name)) | named(facts or {})
        access = Access(
            caller=self.caller,
            action=f"kms:{action or self.operation}",
            resource=key.arn,
            facts=self._all_facts(said),
        )
        grants = self.catalog.grants_to(key, {self.caller.arn, self.caller.principal_arn})
        answer = authorize(access, key=key, grants=grants, context=context, identity=self.identity, suits=suits)
        self._note(access.action, key.arn, facts=said, allowed=answer.refusal is None, by=answer.by)
        if answer.refusal is not None:
            raise KmsError("AccessDeniedException", answer.refusal)

    def permit_account(self, resource: str = "*", *, action: str = "", facts: SaidFacts | None = None) -> None:
        """Let the request pass if it is the account's own, or the caller's own policies allow it.

        What belongs to no key (creating one, listing, random bytes, the alias's side of an alias) is for identity
        policies to allow. Where nobody knows any, only the account itself may.

        Raises:
            KmsError: AccessDeniedException.
        """
        action = f"kms:{action or self.operation}"
        said = {"kms:calleraccount": (self.caller.account,)} | named(facts or {}) | asked_tags(self.parameters)
        access = Access(self.caller, action, resource, self._all_facts(said))
        decision = decide(access, identity=self.identity or (), resource=None)
        self._note(action, resource, facts=said, allowed=decision.allowed, by="identity" if decision.kind else "root")
        if not decision.allowed:
            raise KmsError("AccessDeniedException", denial(access, decision))

    def _facts(self, key: Key, context: EncryptionContext, *, requested: str) -> ConditionFacts:
        aliases = self.catalog.aliases_of(key).whole()
        return {
            "kms:calleraccount": (self.caller.account,),
            **key_facts(key, aliases=aliases, requested=requested),
            **asked_tags(self.parameters),
            **context_facts(list(context.items())),
        }

    def _all_facts(self, said: CallFacts) -> RequestFacts:
        """What conditions may look at; the ledger writes down `said`, which is the same for calls that are alike."""
        return {**self.caller.facts(), **self.caller.session, **surrounding_facts(self.now, self.region), **said}

    def _note(self, action: str, resource: str, *, facts: CallFacts, allowed: bool, by: str) -> None:
        self.note(
            RecordedCall(
                caller=self.caller.name,
                principal=self.caller.arn,
                action=action,
                resource=resource,
                facts=facts,
                verdict=ALLOW if allowed else DENY,
                by=by,
            )
        )

    def dry_run(self) -> None:
        """End a dry run, all checks passed (developer guide, "Testing your permissions").

        Raises:
            KmsError: DryRunOperationException, if the request asks for a dry run.
        """
        if self.flag("DryRun"):
            message = "The request would have succeeded, but the DryRun option is set."
            raise KmsError("DryRunOperationException", message)
