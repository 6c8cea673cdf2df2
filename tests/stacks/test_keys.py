"""The keys' promises: who may do what with each of them, and under which conditions."""

import pytest

from stacks.application import APPLICATION

SYMMETRIC = ["RootKey", "TableKey", "AlarmsKey"]
KEYS = [*SYMMETRIC, "AuditKey"]
FUNCTIONS = [spec.name for spec in APPLICATION.functions]
CONTEXT_KEYS = [f"twinvault:{name}" for name in ("purpose", "format", "store", "tenant", "epoch", "key")]
ACCOUNT_ROOT = {"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
USING = {"Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt", "CreateGrant", "Sign", "GenerateMac", "DeriveShared"}


def role(assembly, name):
    return f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/twinvault-{assembly.stage}-{name}-eu-central-1"


def key(assembly, name):
    return assembly.resources("Store", "AWS::KMS::Key")[name]


def statements(assembly, name):
    return {statement["Sid"]: statement for statement in key(assembly, name)["Properties"]["KeyPolicy"]["Statement"]}


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def condition(assembly, purpose, *roles):
    return {
        "StringEquals": {
            "kms:CallerAccount": "${AWS::AccountId}",
            "kms:EncryptionContext:twinvault:purpose": purpose,
            "kms:EncryptionContext:twinvault:format": "1",
            "kms:EncryptionContext:twinvault:store": f"twinvault-{assembly.stage}",
        },
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": CONTEXT_KEYS},
        "Null": {
            "kms:EncryptionContextKeys": "false",
            **{f"kms:EncryptionContext:{name}": "false" for name in CONTEXT_KEYS},
        },
        "ArnEquals": {"aws:PrincipalArn": [role(assembly, name) for name in roles]},
    }


def test_there_is_no_key_that_nobody_uses(either):
    assert set(either.resources("Store", "AWS::KMS::Key")) == set(KEYS)


@pytest.mark.parametrize("name", KEYS)
def test_a_key_outlives_its_stack_and_waits_30_days_before_it_is_deleted(either, name):
    body = key(either, name)
    assert body["DeletionPolicy"] == body["UpdateReplacePolicy"] == "Retain"
    assert body["Properties"]["PendingWindowInDays"] == 30


def test_the_stack_of_the_keys_is_protected_from_termination(either):
    assert either.stacks()["Store"]["properties"]["terminationProtection"] is True


@pytest.mark.parametrize("name", SYMMETRIC)
def test_every_key_that_encrypts_is_symmetric_and_rotates(either, name):
    properties = key(either, name)["Properties"]
    assert properties["EnableKeyRotation"] is True
    assert "KeySpec" not in properties  # SYMMETRIC_DEFAULT


def test_every_key_has_an_alias_of_its_stage(either):
    found = either.resources("Store", "AWS::KMS::Alias").values()
    assert {(a["Properties"]["AliasName"], a["Properties"]["TargetKeyId"]) for a in found} == {
        (f"alias/twinvault-{either.stage}-{name.lower()}", f"${{{name}Key.Arn}}")
        for name in ("Root", "Table", "Alarms", "Audit")
    }


@pytest.mark.parametrize(("sid", "purpose"), [("OpenKeks", "kek"), ("OpenRegisters", "register")])
def test_every_function_opens_keys_of_this_store_with_exactly_their_context(either, sid, purpose):
    statement = statements(either, "RootKey")[sid]
    assert statement["Principal"] == {"AWS": "*"}
    assert actions(statement) == ["kms:Decrypt"]
    assert statement["Condition"] == condition(either, purpose, *FUNCTIONS)


@pytest.mark.parametrize(("sid", "purpose"), [("MakeKeks", "kek"), ("MakeRegisters", "register")])
def test_keys_are_made_by_the_functions_that_declare_it_and_of_every_store_by_the_one_for_keys(either, sid, purpose):
    roles = [spec.name for spec in APPLICATION.functions if purpose in spec.makes_keys]
    statement = statements(either, "RootKey")[sid]
    assert {"keys", "maintain", "erase"} & set(roles) <= {"keys"}
    assert ("keys" in roles) == (purpose == "kek")
    assert actions(statement) == ["kms:GenerateDataKey"]
    assert statement["Condition"] == condition(either, purpose, *roles)


@pytest.mark.parametrize(("sid", "purpose"), [("RewrapKeks", "kek"), ("RewrapRegisters", "register")])
def test_keys_are_rewrapped_by_the_function_for_keys_alone_with_their_context_kept(either, sid, purpose):
    statement = statements(either, "RootKey")[sid]
    assert actions(statement) == ["kms:ReEncryptFrom", "kms:ReEncryptTo"]
    assert statement["Condition"] == condition(either, purpose, "keys")


def test_nothing_else_is_allowed_on_the_root_key(either):
    own = {"OpenKeks", "MakeKeks", "RewrapKeks", "OpenRegisters", "MakeRegisters", "RewrapRegisters"}
    if any(spec.signs_receipts for spec in APPLICATION.functions):
        own.add("SeeWhetherItGoes")
    assert set(statements(either, "RootKey")) == {"Administer", *own}


@pytest.mark.parametrize("name", KEYS)
def test_the_account_root_administers_without_using_the_key(either, name):
    statement = statements(either, name)["Administer"]
    assert statement["Principal"] == ACCOUNT_ROOT
    assert "kms:PutKeyPolicy" in actions(statement)
    assert [action for action in actions(statement) if any(word in action for word in USING)] == []
    assert [action for action in actions(statement) if "*" in action] == []


def test_the_root_key_gives_the_account_root_no_other_statement(either):
    named = [sid for sid, body in statements(either, "RootKey").items() if body["Principal"] == ACCOUNT_ROOT]
    assert named == ["Administer"]


def test_the_audit_key_signs_and_does_nothing_else(either):
    properties = key(either, "AuditKey")["Properties"]
    assert (properties["KeySpec"], properties["KeyUsage"]) == ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    assert "EnableKeyRotation" not in properties  # KMS rotates no such key


def test_administrators_hand_out_the_public_half_and_sign_nothing(either):
    administer = statements(either, "AuditKey")["Administer"]
    assert "kms:GetPublicKey" in actions(administer)
    assert "kms:GetPublicKey" not in actions(statements(either, "RootKey")["Administer"])


def test_the_audit_key_signs_for_the_roles_that_make_receipts_and_for_nobody_else(either):
    found = statements(either, "AuditKey")
    signers = [spec.name for spec in APPLICATION.functions if spec.signs_receipts]
    assert set(found) == {"Administer", *(("SignReceipts", "SeeThePublicHalf") if signers else ())}
    if signers:
        own = {"aws:PrincipalArn": [role(either, name) for name in signers]}
        assert actions(found["SignReceipts"]) == ["kms:Sign"]
        assert found["SignReceipts"]["Condition"] == {
            "StringEquals": {
                "kms:CallerAccount": "${AWS::AccountId}",
                "kms:SigningAlgorithm": "ED25519_SHA_512",
                "kms:MessageType": "RAW",
            },
            "ArnEquals": own,
        }
        assert actions(found["SeeThePublicHalf"]) == ["kms:GetPublicKey"]
        assert found["SeeThePublicHalf"]["Condition"]["ArnEquals"] == own


def test_every_statement_for_anybody_is_narrowed_to_this_account_and_named_roles(either):
    for name in ("RootKey", "TableKey", "AuditKey"):
        for statement in statements(either, name).values():
            if statement["Principal"] == {"AWS": "*"}:
                assert statement["Condition"]["StringEquals"]["kms:CallerAccount"] == "${AWS::AccountId}"
                assert statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
            else:
                assert statement["Principal"] == ACCOUNT_ROOT


def test_functions_use_the_table_key_through_dynamodb_alone(either):
    statement = statements(either, "TableKey")["ReadAndWriteTables"]
    assert actions(statement) == ["kms:Decrypt"]
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:CallerAccount": "${AWS::AccountId}",
            "kms:ViaService": "dynamodb.eu-central-1.amazonaws.com",
        },
        "ArnEquals": {"aws:PrincipalArn": [role(either, name) for name in FUNCTIONS]},
    }


def test_the_table_key_is_used_through_dynamodb_or_not_at_all(either):
    for sid, statement in statements(either, "TableKey").items():
        if sid != "Administer":
            via = statement["Condition"]["StringEquals"]["kms:ViaService"]
            assert via == "dynamodb.eu-central-1.amazonaws.com", sid


def test_a_grant_on_the_table_key_is_for_an_aws_resource(either):
    statement = statements(either, "TableKey")["LetDynamoDBMakeItsGrant"]
    assert statement["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_the_keys_arns_are_outputs(either):
    expected = {f"{name}KeyArn": f"${{{name}Key.Arn}}" for name in ("Root", "Table")}
    assert expected.items() <= either.outputs("Store").items()
