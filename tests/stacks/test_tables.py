"""The tables' promises: nothing is lost by accident, and marks and the audit log only grow."""

import pytest

from twinvault.records.blind import SLOTS, Blind

TABLES = ["Records", "Keys", "Marks", "Audit"]


def table(assembly, name):
    return assembly.resources("Store", "AWS::DynamoDB::GlobalTable")[name]


def replica(assembly, name):
    (only,) = table(assembly, name)["Properties"]["Replicas"]
    return only


def test_the_tables_are_there_and_no_other_under_stable_logical_ids(either):
    assert set(either.resources("Store", "AWS::DynamoDB::GlobalTable")) == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_outlives_its_stack_and_is_protected_from_deletion(either, name):
    body = table(either, name)
    assert body["DeletionPolicy"] == body["UpdateReplacePolicy"] == "Retain"
    assert replica(either, name)["DeletionProtectionEnabled"] is True


def test_the_stack_of_the_tables_is_protected_from_termination(either):
    assert either.stacks()["Store"]["properties"]["terminationProtection"] is True


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_on_demand_with_a_generated_name_and_text_keys(either, name):
    properties = table(either, name)["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert "TableName" not in properties
    assert properties["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {attribute["AttributeType"] for attribute in properties["AttributeDefinitions"]} == {"S"}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_encrypted_under_the_table_key(either, name):
    assert table(either, name)["Properties"]["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert replica(either, name)["SSESpecification"] == {"KMSMasterKeyId": "${TableKey.Arn}"}


@pytest.mark.parametrize(
    ("name", "days"),
    [
        pytest.param("Records", 35, id="records: the longest window"),
        pytest.param("Keys", 7, id="keys: short, for erasure is final only after it"),
        pytest.param("Marks", 35, id="marks: the longest window"),
        pytest.param("Audit", 35, id="audit: the longest window"),
    ],
)
def test_a_table_can_be_put_back_to_any_second_of_its_window(either, name, days):
    assert replica(either, name)["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": days,
    }


@pytest.mark.parametrize("name", TABLES)
def test_only_the_audit_table_streams(either, name):
    stream = table(either, name)["Properties"].get("StreamSpecification")
    assert stream == ({"StreamViewType": "NEW_IMAGE"} if name == "Audit" else None)


@pytest.mark.parametrize("name", TABLES)
def test_nothing_expires_but_the_rows_that_remember_requests(either, name):
    """No declared record may have the attribute, and one that a table writer gives it no longer opens."""
    expiry = table(either, name)["Properties"].get("TimeToLiveSpecification")
    assert expiry == ({"AttributeName": "expires_at", "Enabled": True} if name == "Records" else None)


def indexes(assembly):
    return {index["IndexName"]: index for index in table(assembly, "Records")["Properties"]["GlobalSecondaryIndexes"]}


def test_the_indexes_of_records_are_these_and_hold_keys_alone(either):
    found = indexes(either)
    assert set(found) == {"ByList", *(Blind(slot=slot).index for slot in SLOTS)}
    assert all(index["Projection"] == {"ProjectionType": "KEYS_ONLY"} for index in found.values())


@pytest.mark.parametrize("slot", SLOTS)
def test_a_blind_index_is_of_one_tenants_equal_values(either, slot):
    """Both attributes are hash keys: the values of one tenant do not share a partition of the index."""
    blind = Blind(slot=slot)
    assert indexes(either)[blind.index]["KeySchema"] == [
        {"AttributeName": name, "KeyType": "HASH"} for name in ("tenant_id", blind.attribute)
    ]


def test_the_list_is_by_status_and_time(either):
    assert indexes(either)["ByList"]["KeySchema"] == [
        *({"AttributeName": name, "KeyType": "HASH"} for name in ("tenant_id", "list_kind")),
        *({"AttributeName": name, "KeyType": "RANGE"} for name in ("list_status", "list_at")),
    ]


@pytest.mark.parametrize("name", ["Keys", "Marks", "Audit"])
def test_no_other_table_has_an_index(either, name):
    assert "GlobalSecondaryIndexes" not in table(either, name)["Properties"]


@pytest.mark.parametrize("name", ["Marks", "Audit"])
def test_everyone_is_denied_every_change_but_an_insert(either, name):
    (statement,) = replica(either, name)["ResourcePolicy"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
    assert "Condition" not in statement
    assert set(statement["Action"]) >= {
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    }
    assert "dynamodb:PartiQLInsert" not in statement["Action"]


@pytest.mark.parametrize("name", ["Records", "Keys"])
def test_the_other_tables_have_no_resource_policy(either, name):
    assert "ResourcePolicy" not in replica(either, name)


def test_the_tables_names_are_outputs(either):
    assert {f"{name}Table": f"${{{name}}}" for name in TABLES}.items() <= either.outputs("Store").items()
