"""Grants.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html
"""

import re
from typing import Any

import pytest

from tests.kms_conformance.service import Service, refused


def _root(key: str) -> str:
    return f"arn:aws:iam::{key.split(':')[4]}:root"


def _grant(service: Service, key: str, **parameters: Any) -> Any:
    return service.client.create_grant(
        KeyId=key, **({"GranteePrincipal": _root(key), "Operations": ["Decrypt"]} | parameters)
    )


def test_a_grant_is_listed_as_it_was_made(service: Service, key: str):
    made = _grant(
        service,
        key,
        Operations=["Decrypt", "GenerateDataKey"],
        RetiringPrincipal=_root(key),
        Constraints={"EncryptionContextSubset": {"a": "b"}},
        Name="mine",
    )
    assert re.fullmatch(r"[0-9a-f]{64}", made["GrantId"])
    (listed,) = service.client.list_grants(KeyId=key)["Grants"]
    assert listed["GrantId"] == made["GrantId"]
    assert set(listed["Operations"]) == {"Decrypt", "GenerateDataKey"}
    assert listed["Constraints"] == {"EncryptionContextSubset": {"a": "b"}}
    assert (listed["GranteePrincipal"], listed["RetiringPrincipal"]) == (_root(key), _root(key))
    assert (listed["Name"], listed["KeyId"]) == ("mine", key)


def test_a_named_grant_is_made_once(service: Service, key: str):
    one, two = (_grant(service, key, Name="once") for _ in range(2))
    assert one["GrantId"] == two["GrantId"]
    assert len(service.client.list_grants(KeyId=key)["Grants"]) == 1


def test_each_answer_has_a_token_of_its_own(service: Service, key: str):
    one, two = (_grant(service, key, Name="once") for _ in range(2))
    assert one["GrantToken"] != two["GrantToken"]


def test_a_grant_without_a_name_is_made_each_time(service: Service, key: str):
    _grant(service, key)
    _grant(service, key)
    assert len(service.client.list_grants(KeyId=key)["Grants"]) == 2


def test_grants_are_found_by_id_and_grantee(service: Service, key: str):
    made = _grant(service, key)
    _grant(service, key)
    assert len(service.client.list_grants(KeyId=key, GrantId=made["GrantId"])["Grants"]) == 1
    assert len(service.client.list_grants(KeyId=key, GranteePrincipal=_root(key))["Grants"]) == 2
    assert service.client.list_grants(KeyId=key, GranteePrincipal=_root(key).replace("root", "role/x"))["Grants"] == []


def test_a_revoked_grant_is_gone(service: Service, key: str):
    made = _grant(service, key)
    service.client.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    assert service.client.list_grants(KeyId=key)["Grants"] == []
    with refused("NotFoundException", "InvalidGrantIdException"):
        service.client.revoke_grant(KeyId=key, GrantId=made["GrantId"])


def test_a_grant_is_retired_by_its_token(service: Service, key: str):
    service.client.retire_grant(GrantToken=_grant(service, key, RetiringPrincipal=_root(key))["GrantToken"])
    assert service.client.list_grants(KeyId=key)["Grants"] == []


def test_a_grant_is_retired_by_key_and_id(service: Service, key: str):
    made = _grant(service, key, RetiringPrincipal=_root(key))
    service.client.retire_grant(KeyId=key, GrantId=made["GrantId"])
    assert service.client.list_grants(KeyId=key)["Grants"] == []


@pytest.mark.parametrize("given", [{}, {"GrantId": "0" * 64}], ids=["nothing", "id without key"])
def test_retiring_needs_a_grant_named(service: Service, given: dict[str, str]):
    with refused("ValidationException"):
        service.client.retire_grant(**given)


def test_retirable_grants_are_found_by_their_principal(service: Service, key: str):
    principal = _root(key)
    made = _grant(service, key, RetiringPrincipal=principal)
    pages = service.client.get_paginator("list_retirable_grants").paginate(RetiringPrincipal=principal)
    assert made["GrantId"] in {grant["GrantId"] for page in pages for grant in page["Grants"]}


def test_a_made_up_token_is_refused(service: Service, shared: str):
    with refused("InvalidGrantTokenException"):
        service.client.encrypt(KeyId=shared, Plaintext=b"x", GrantTokens=["bm90IGEgdG9rZW4="])


def test_a_token_of_a_grant_is_taken(service: Service, key: str):
    made = _grant(service, key, Operations=["Encrypt"])
    service.client.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])


def test_a_dry_run_makes_and_revokes_nothing(service: Service, key: str):
    with refused("DryRunOperationException"):
        _grant(service, key, DryRun=True)
    made = _grant(service, key)
    with refused("DryRunOperationException"):
        service.client.revoke_grant(KeyId=key, GrantId=made["GrantId"], DryRun=True)
    assert len(service.client.list_grants(KeyId=key)["Grants"]) == 1


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        pytest.param({"Operations": ["Sign"]}, "ValidationException", id="an operation that the key has not"),
        pytest.param({"Operations": ["ScheduleKeyDeletion"]}, "ValidationException", id="no grant operation"),
        pytest.param({"GranteePrincipal": "someone"}, "InvalidArnException", id="no principal"),
        pytest.param({"Name": "with space"}, "ValidationException", id="name against the pattern"),
        pytest.param(
            {"Constraints": {"EncryptionContextEquals": {f"k{number}": "" for number in range(9)}}},
            "ValidationException",
            id="nine pairs",
        ),
        pytest.param(
            {"Constraints": {"EncryptionContextEquals": {"k": "v" * 385}}}, "ValidationException", id="value too long"
        ),
    ],
)
def test_a_grant_against_the_rules_is_refused(service: Service, key: str, parameters: dict[str, Any], code: str):
    with refused(code):
        _grant(service, key, **parameters)


def test_a_grant_on_an_hmac_key_takes_no_context(service: Service, hmac_key: str):
    with refused("ValidationException"):
        _grant(
            service,
            hmac_key,
            Operations=["GenerateMac"],
            Constraints={"EncryptionContextEquals": {"a": "b"}},
        )
