"""CreateAlias, UpdateAlias, DeleteAlias, ListAliases.

An alias needs permission twice: on the alias (IAM's to give, so the account's own here) and on each key it touches.
"""

import re
from dataclasses import replace
from functools import partial

from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import KmsError, validation
from twinvault_kms.model import Alias, DropEntity, Key, KeyState, PutEntity
from twinvault_kms.pages import marker, page
from twinvault_kms.readiness import refuse_states
from twinvault_kms.specs import SPECS

_NAME = re.compile(r"alias/[a-zA-Z0-9/_-]+")
_RESERVED = "alias/aws/"


def create_alias(call: Call) -> Reply:
    """CreateAlias: unique within account and region; `alias/aws/` belongs to AWS."""
    name = _own_name(call)
    key = _target(call)
    call.permit_account(f"arn:aws:kms:{call.region}:{call.caller.account}:{name}")
    call.permit(key)
    refuse_states(key, KeyState.PENDING_DELETION)
    _same_account(call, key)
    if (key.account, key.region, name) in call.catalog.aliases:
        message = f"An alias with the name arn:aws:kms:{key.region}:{key.account}:{name} already exists"
        raise KmsError("AlreadyExistsException", message)
    alias = Alias(key.account, key.region, name, key.key_id, created=call.now, updated=call.now)
    return Reply(None, (PutEntity(alias),))


def update_alias(call: Call) -> Reply:
    """UpdateAlias: both keys must be of one kind (symmetric, asymmetric or HMAC) and of one usage (API reference)."""
    name = _own_name(call)
    alias = call.alias(name)
    target = _target(call)
    call.permit_account(alias.arn)
    present = call.catalog.keys[alias.place]
    call.permit(present)
    call.permit(target)
    refuse_states(target, KeyState.PENDING_DELETION)
    _same_account(call, target)
    if (_kind(present), present.usage) != (_kind(target), target.usage):
        raise validation("The current and the new key of an alias must be of the same type and have the same KeyUsage.")
    return Reply(None, (PutEntity(replace(alias, key_id=target.key_id, updated=call.now)),))


def delete_alias(call: Call) -> Reply:
    """DeleteAlias, whatever the state of its key."""
    alias = call.alias(_own_name(call))
    call.permit_account(alias.arn)
    call.permit(call.catalog.keys[alias.place])
    return Reply(None, (DropEntity(alias),))


def list_aliases(call: Call) -> Reply:
    """ListAliases: all of the account and region, or those of one key."""
    call.permit_account()
    if call.optional("KeyId"):
        names = call.catalog.aliases_of(call.key())
    else:
        names = call.catalog.aliases_in(call.caller.account, call.region)
    return Reply(
        page(call, "Aliases", names=names.after(marker(call)), show=partial(_listed, call), default=50, largest=100)
    )


def _listed(call: Call, name: str) -> dict[str, object]:
    alias = call.alias(name)
    return {
        "AliasName": alias.name,
        "AliasArn": alias.arn,
        "TargetKeyId": alias.key_id,
        "CreationDate": alias.created,
        "LastUpdatedDate": alias.updated,
    }


def _own_name(call: Call) -> str:
    name = call.text("AliasName")
    if not name.startswith("alias/"):
        raise validation(
            'Alias must start with the prefix "alias/".'
            " Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        )
    if name.startswith(_RESERVED):
        # AWS answers so for names under alias/aws/ (API reference of CreateAlias: the prefix is reserved).
        raise KmsError("NotAuthorizedException")
    if not _NAME.fullmatch(name):
        raise KmsError("InvalidAliasNameException", "An alias name holds letters, digits, /, _ and - only.")
    return name


def _target(call: Call) -> Key:
    named = call.text("TargetKeyId")
    if named.startswith("alias/") or ":alias/" in named:
        raise validation("Aliases must refer to keys. Not aliases")
    return call.key("TargetKeyId")


def _same_account(call: Call, key: Key) -> None:
    if key.account != call.caller.account:
        raise validation("The alias and its key must be in the same account and Region.")


def _kind(key: Key) -> str:
    spec = SPECS[key.spec]
    return "symmetric" if spec.symmetric_encryption else "asymmetric" if spec.asymmetric else "hmac"
