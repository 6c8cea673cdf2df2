"""The policies file, and what its policies say to a call: the one place that knows the IAM engine.

Written from the synthesized template: {"identity": {principal's ARN: [document, ...]}, "resource": {table's ARN:
document}, "keys": {KMS key's ARN: document}, "table_keys": {table's ARN: KMS key's ARN}}, the last two where tables are
encrypted under keys of one's own. A document that would not be evaluated whole keeps the gate from starting.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from twinvault_gate.calls import IamCall, touches_items
from twinvault_gate.errors import SetupError
from twinvault_iam.book import PolicyBook, RememberedAnswers, facts_asked, parse_book, table_of
from twinvault_iam.documents import parse_policy
from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.evaluation import Decision, denial
from twinvault_iam.policy import Access
from twinvault_iam.principals import IamPrincipal
from twinvault_iam.services import KMS, context_facts
from twinvault_serving.callers import SignedIn

_DECRYPT = "kms:Decrypt"
# A key's aliases are not in the file.
_TABLE_KEYS = replace(KMS, multi=KMS.multi - {"kms:resourcealiases"})


@dataclass(frozen=True, slots=True)
class GatePolicies:
    """All policies, and the KMS key of each table that has one of its own."""

    answers: RememberedAnswers = field(default_factory=lambda: RememberedAnswers(PolicyBook(), frozenset()))
    table_keys: Mapping[str, str] = field(default_factory=dict)

    def decide(self, caller: SignedIn, call: IamCall) -> "JudgedCall":
        """What identity and resource policies say."""
        principal = IamPrincipal(arn=caller.arn)
        access = Access(principal, call.action, call.resource, {**principal.facts(), **call.facts})
        return JudgedCall(call, access, self.answers.decide(access))

    def table_key_call(self, caller: SignedIn, call: IamCall) -> IamCall | None:
        """The call that DynamoDB makes of KMS in a caller's name, before it touches items of an encrypted table.

        Source: DynamoDB developer guide, "How Amazon DynamoDB uses AWS KMS" (Decrypt, and DynamoDB's encryption
        context); AWS KMS developer guide, "kms:ViaService".
        """
        key = self.table_keys.get(table_of(call.resource))
        if key is None or not touches_items(call.action):
            return None
        _, _, name = table_of(call.resource).partition("table/")
        context = [("aws:dynamodb:tableName", name), ("aws:dynamodb:subscriberId", caller.account)]
        facts = {
            "kms:calleraccount": (caller.account,),
            "kms:encryptionalgorithm": ("SYMMETRIC_DEFAULT",),
            "kms:keyorigin": ("AWS_KMS",),
            "kms:keyspec": ("SYMMETRIC_DEFAULT",),
            "kms:keyusage": ("ENCRYPT_DECRYPT",),
            "kms:viaservice": (f"dynamodb.{caller.region}.amazonaws.com",),
        }
        return IamCall(_DECRYPT, key, facts | context_facts(context))


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """A call, and what the policies said."""

    call: IamCall
    access: Access = field(repr=False)
    decision: Decision

    @property
    def refusal(self) -> str | None:
        """The sentence with which AWS refuses the call, or None where it is allowed."""
        return None if self.decision.allowed else denial(self.access, self.decision)


def load_policies(path: Path) -> GatePolicies:
    """Read a policies file.

    Raises:
        SetupError: it is missing, not such a map, or holds a policy that would not be evaluated whole.
    """
    hint = 'It must be JSON: {"identity": {"arn:…:role/NAME": [document]}, "resource": {"arn:…:table/NAME": document}}'
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SetupError(f"The policies file {path} cannot be read.", next_step=hint) from None
    match document:
        case {"identity": dict(identity), "resource": dict(tables), **others}:
            keys, table_keys = others.pop("keys", {}), others.pop("table_keys", {})
        case _:
            raise SetupError(f"The policies file {path} is not of its form.", next_step=hint)
    if others or not isinstance(keys, dict) or not isinstance(table_keys, dict):
        raise SetupError(f"The policies file {path} is not of its form.", next_step=hint)
    try:
        for key in set(table_keys.values()):
            _check_table_key(key, keys)
        book = parse_book(identity=identity, tables=tables, keys=keys)
        return GatePolicies(RememberedAnswers(book, facts_asked(document)), table_keys)
    except MalformedPolicyError as error:
        raise SetupError(f"A policy would not be enforced: {error}.", next_step="Change it.") from None


def _check_table_key(arn: object, keys: Mapping[str, object]) -> None:
    if not isinstance(arn, str) or arn not in keys:
        raise MalformedPolicyError("a table's key has no policy")
    parse_policy(json.dumps(keys[arn]), _TABLE_KEYS, name=arn)
