"""CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant.

A grant works from the answer of CreateGrant on: here is no eventual consistency, so a grant token is checked and adds
nothing. Source: developer guide, "Grants in AWS KMS" and its pages on creating, constraining, retiring and revoking.
"""

import re
from functools import partial
from typing import cast

from twinvault_kms.authorize import folded, names
from twinvault_kms.call import Call, EncryptionContext, Reply
from twinvault_kms.errors import KmsError, access_denied, not_found, validation
from twinvault_kms.indexes import Names
from twinvault_kms.model import DropEntity, Grant, Key, KeyState, PutEntity
from twinvault_kms.pages import marker, page
from twinvault_kms.readiness import refuse_states
from twinvault_kms.specs import ENCRYPT_DECRYPT, KEY_AGREEMENT, SIGN_VERIFY, SPECS

_MOST_PAIRS = 8
_LONGEST_VALUE = 384
_PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/.+)|([a-z0-9-]+\.)+amazonaws\.com"
)
_GRANT_ID = re.compile(r"[0-9a-f]{64}")
_ANY_KEY = {"CreateGrant", "RetireGrant", "DescribeKey"}
_SYMMETRIC = {
    "Encrypt",
    "Decrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
}


def create_grant(call: Call) -> Reply:
    """CreateGrant. With a Name, the same request again answers with the same grant and a token of its own."""
    key = call.key()
    grant = _asked(call, key)
    subset, equals = dict(grant.context_subset or ()), dict(grant.context_equals or ())
    call.permit(
        key,
        context=subset | equals,
        suits=lambda parent: _no_wider(grant, parent),
        facts={
            "GranteePrincipal": grant.grantee or (),
            "RetiringPrincipal": grant.retiring or (),
            "GrantOperations": grant.operations,
            "GrantConstraintType": tuple(cast("dict[str, object]", call.parameters.get("Constraints", {}))),
            "GrantIsForAWSResource": "false",
        },
    )
    refuse_states(key, KeyState.DISABLED, KeyState.PENDING_IMPORT, KeyState.PENDING_DELETION)
    call.dry_run()
    same = call.catalog.like(grant)
    kept = same or grant
    answer = {"GrantId": kept.grant_id, "GrantToken": call.ring.grant_token(kept.grant_id, nonce=call.random(16))}
    return Reply(answer, () if same else (PutEntity(grant),))


def _asked(call: Call, key: Key) -> Grant:
    """Return the grant that the request describes.

    Raises:
        KmsError: ValidationException, InvalidArnException.
    """
    constraints = cast("dict[str, object]", call.parameters.get("Constraints", {}))
    grant = Grant(
        grant_id=call.random(32).hex(),
        key_id=key.key_id,
        region=key.region,
        created=call.now,
        issuing_account=f"arn:aws:iam::{call.caller.account}:root",
        operations=tuple(call.texts("Operations")),
        grantee=call.optional("GranteePrincipal"),
        grantee_service=call.optional("GranteeServicePrincipal"),
        retiring=call.optional("RetiringPrincipal"),
        retiring_service=call.optional("RetiringServicePrincipal"),
        name=call.optional("Name"),
        context_equals=_pairs(constraints, "EncryptionContextEquals"),
        context_subset=_pairs(constraints, "EncryptionContextSubset"),
        source_arn=cast("str | None", constraints.get("SourceArn")),
    )
    _check_principals(grant)
    if unfit := set(grant.operations) - _operations(key):
        raise validation(f"Grant operation {min(unfit)} is not supported on a key with key spec {key.spec}.")
    if not grant.operations:
        raise validation("A grant needs at least one operation.")
    if not SPECS[key.spec].symmetric_encryption and (grant.context_equals or grant.context_subset):
        raise validation("Encryption context constraints are valid only for symmetric encryption keys.")
    return grant


def _check_principals(grant: Grant) -> None:
    if (grant.grantee is None) == (grant.grantee_service is None):
        raise validation("Specify either GranteePrincipal or GranteeServicePrincipal.")
    if grant.retiring and grant.retiring_service:
        raise validation("Specify either RetiringPrincipal or RetiringServicePrincipal.")
    for principal in (grant.grantee, grant.retiring):
        if principal is not None and not _PRINCIPAL.fullmatch(principal):
            raise KmsError("InvalidArnException", "The ARN does not refer to a valid principal.")
    if grant.grantee_service and (not grant.source_arn or not (grant.retiring or grant.retiring_service)):
        raise validation("A grant for a service principal needs a SourceArn constraint and a retiring principal.")


def _operations(key: Key) -> set[str]:
    """Return what a grant on this key may allow (developer guide, "Grant operations")."""
    spec = SPECS[key.spec]
    if spec.symmetric_encryption:
        return _ANY_KEY | _SYMMETRIC
    if key.usage == ENCRYPT_DECRYPT:
        return _ANY_KEY | {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"}
    if key.usage == SIGN_VERIFY:
        return _ANY_KEY | {"Sign", "Verify", "GetPublicKey"}
    if key.usage == KEY_AGREEMENT:
        return _ANY_KEY | {"DeriveSharedSecret", "GetPublicKey"}
    return _ANY_KEY | {"GenerateMac", "VerifyMac"}


def _pairs(constraints: dict[str, object], name: str) -> tuple[tuple[str, str], ...] | None:
    context = cast("EncryptionContext | None", constraints.get(name))
    if context is None:
        return None
    if len(context) > _MOST_PAIRS or any(len(value) > _LONGEST_VALUE for value in context.values()):
        raise validation(f"A constraint has at most {_MOST_PAIRS} pairs, and values of {_LONGEST_VALUE} characters.")
    return tuple(sorted(context.items()))


def _no_wider(child: Grant, parent: Grant) -> bool:
    """Whether a grant made through a grant allows no more (developer guide, "Granting CreateGrant permission")."""
    if not set(child.operations) <= set(parent.operations):
        return False
    if parent.source_arn is not None:
        return False
    if parent.context_equals is not None:
        return child.context_equals is not None and folded(child.context_equals) == folded(parent.context_equals)
    if parent.context_subset is not None:
        required = folded(parent.context_subset)
        return any(
            pairs is not None and folded(pairs) >= required for pairs in (child.context_equals, child.context_subset)
        )
    return True


def list_grants(call: Call) -> Reply:
    """ListGrants of a key, all or those of one grantee or id."""
    key = call.key()
    call.permit(key)
    grant_id = call.optional("GrantId")
    if grant_id is not None and not _GRANT_ID.fullmatch(grant_id):
        raise KmsError("InvalidGrantIdException", "The grant id is not valid.")
    grantee, service = call.optional("GranteePrincipal"), call.optional("GranteeServicePrincipal")
    if grantee and service:  # a grant has one or the other
        return _listed(call, Names())
    named = grantee or service
    names = call.catalog.granted(key, named) if named else call.catalog.grants_on(key)
    return _listed(call, names if grant_id is None else Names([grant_id] if grant_id in names else []))


def list_retirable_grants(call: Call) -> Reply:
    """ListRetirableGrants: all grants, on whichever keys, that a principal may retire."""
    principal, service = call.optional("RetiringPrincipal"), call.optional("RetiringServicePrincipal")
    call.permit_account(principal or "*")
    if (principal is None) == (service is None):
        raise validation("Specify either RetiringPrincipal or RetiringServicePrincipal.")
    if principal is not None and not _PRINCIPAL.fullmatch(principal):
        raise KmsError("InvalidArnException", "The ARN does not refer to a valid principal.")
    return _listed(call, call.catalog.retirable(principal or service or ""))


def revoke_grant(call: Call) -> Reply:
    """RevokeGrant, by whoever the key policy allows it."""
    key = call.key()
    call.permit(key)
    grant = _grant(call, key, call.text("GrantId"))
    call.dry_run()
    return Reply(None, (DropEntity(grant),))


def retire_grant(call: Call) -> Reply:
    """RetireGrant, by whom the grant names for it: retiring principal, grantee (if it may), issuing account."""
    token, grant_id = call.optional("GrantToken"), call.optional("GrantId")
    if token is not None and grant_id is None and call.optional("KeyId") is None:
        identity = call.ring.grant_of_token(token)
        if identity not in call.catalog.grants:
            raise not_found("The grant does not exist.")
        grant = call.catalog.grants[identity]
    elif token is None and grant_id is not None and call.optional("KeyId") is not None:
        grant = _grant(call, call.key(), grant_id)
    else:
        raise validation("Specify either a grant token, or a key and a grant id.")
    caller = call.caller
    may_retire = (
        names(grant.retiring, caller)
        or (names(grant.grantee, caller) and "RetireGrant" in grant.operations)
        or caller.arn == grant.issuing_account
    )
    if not may_retire:
        reason = "the grant does not name the caller as one who may retire it"
        raise access_denied(caller.arn, "kms:RetireGrant", call.catalog.keys[grant.place].arn, reason)
    call.dry_run()
    return Reply(None, (DropEntity(grant),))


def _grant(call: Call, key: Key, grant_id: str) -> Grant:
    if not _GRANT_ID.fullmatch(grant_id):
        raise KmsError("InvalidGrantIdException", "The grant id is not valid.")
    grant = call.catalog.grants.get(grant_id)
    if grant is None or grant.place != key.place:
        raise not_found(f"Grant ID {grant_id} not found")
    return grant


def _listed(call: Call, ids: Names) -> Reply:
    names = ids.after(marker(call))
    return Reply(page(call, "Grants", names=names, show=partial(_entry, call), default=50, largest=100))


def _entry(call: Call, grant_id: str) -> dict[str, object]:
    grant = call.catalog.grants[grant_id]
    constraints = {
        "EncryptionContextEquals": dict(grant.context_equals) if grant.context_equals is not None else None,
        "EncryptionContextSubset": dict(grant.context_subset) if grant.context_subset is not None else None,
        "SourceArn": grant.source_arn,
    }
    shown = {name: value for name, value in constraints.items() if value is not None}
    answer: dict[str, object | None] = {
        "KeyId": call.catalog.keys[grant.place].arn,
        "GrantId": grant.grant_id,
        "Name": grant.name or "",
        "CreationDate": grant.created,
        "GranteePrincipal": grant.grantee,
        "GranteeServicePrincipal": grant.grantee_service,
        "RetiringPrincipal": grant.retiring,
        "RetiringServicePrincipal": grant.retiring_service,
        "IssuingAccount": grant.issuing_account,
        "Operations": list(grant.operations),
        "Constraints": shown or None,
    }
    return {name: value for name, value in answer.items() if value is not None}
