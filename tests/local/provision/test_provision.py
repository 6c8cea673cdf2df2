"""Provisioning against the real engines: as the template says, once, and never over what differs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from twinvault_local.errors import DriftError, StateError, TemplateError
from twinvault_local.provision.ledger import Ledger
from twinvault_local.provision.provisioner import Provisioner
from twinvault_local.provision.template import Assembly, Physical

type Templates = dict[str, dict[str, Any]]


@dataclass
class Place:
    """One pair of engines and one ledger; stacks are renamed so that tests may share the engines."""

    dynamodb: Any
    kms: Any
    ledger: Path
    load: Callable[[Templates], Assembly]
    prefix: str

    def provision(self, templates: Templates) -> dict[str, Physical]:
        renamed = json.loads(
            json.dumps(templates).replace("Small-", self.prefix).replace("alias/", f"alias/{self.prefix}")
        )
        made = Provisioner(
            assembly=self.load(renamed),
            ledger=Ledger(self.ledger),
            dynamodb=self.dynamodb,
            kms=self.kms,
            progress=print,
        ).run()
        return {path.removeprefix(self.prefix): physical for path, physical in made.items()}


@pytest.fixture
def place(
    dynamodb_endpoint: str,
    kms_endpoint: str,
    aws: dict[str, Any],
    tmp_path: Path,
    load: Callable[[Templates], Assembly],
) -> Iterator[Place]:
    dynamodb = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **aws)
    kms = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    yield Place(dynamodb, kms, tmp_path / "provisioned.json", load, f"P{abs(hash(tmp_path)):x}-")
    dynamodb.close()
    kms.close()


def test_tables_are_as_the_template_says(place: Place, templates: Templates) -> None:
    made = place.provision(templates)
    table = place.dynamodb.describe_table(TableName=made["Tables/Records"].ref)["Table"]
    assert {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]} == {"pk": "HASH", "sk": "RANGE"}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"]
    [index] = table["GlobalSecondaryIndexes"]
    wanted = templates["Small-Tables"]["Resources"]["Records"]["Properties"]["GlobalSecondaryIndexes"][0]
    assert index["KeySchema"] == wanted["KeySchema"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    expiry = place.dynamodb.describe_time_to_live(TableName=made["Tables/Records"].ref)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    audit = place.dynamodb.describe_table(TableName=made["Tables/Audit"].ref)["Table"]
    assert audit["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert made["Tables/Audit"].attributes["StreamArn"] == audit["LatestStreamArn"]


def test_keys_are_as_the_template_says(place: Place, templates: Templates) -> None:
    made = place.provision(templates)
    root = place.kms.describe_key(KeyId=made["Keys/RootKey"].ref)["KeyMetadata"]
    assert (root["KeySpec"], root["KeyUsage"], root["Description"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "root")
    assert made["Keys/RootKey"].attributes == {"Arn": root["Arn"], "KeyId": root["KeyId"]}
    assert place.kms.get_key_rotation_status(KeyId=root["KeyId"])["KeyRotationEnabled"]
    policy = json.loads(place.kms.get_key_policy(KeyId=root["KeyId"])["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::000000000000:root"}
    assert place.kms.describe_key(KeyId=made["Keys/RootAlias"].ref)["KeyMetadata"]["KeyId"] == root["KeyId"]
    signing = place.kms.describe_key(KeyId=made["Keys/SigningKey"].ref)["KeyMetadata"]
    assert (signing["KeySpec"], signing["KeyUsage"]) == ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")


def test_a_second_time_makes_nothing(place: Place, templates: Templates, capsys: pytest.CaptureFixture[str]) -> None:
    first = place.provision(templates)
    capsys.readouterr()
    assert place.provision(templates) == first
    assert not capsys.readouterr().out


def test_a_crash_before_the_ledger_was_written_adopts_the_table(place: Place, templates: Templates) -> None:
    first = place.provision(templates)
    ledger = json.loads(place.ledger.read_text(encoding="utf-8"))
    del ledger[f"{place.prefix}Tables/Records"]
    place.ledger.write_text(json.dumps(ledger), encoding="utf-8")
    assert place.provision(templates) == first


def test_what_a_deploy_changes_in_place_is_changed_in_place(place: Place, templates: Templates) -> None:
    made = place.provision(templates)
    key = templates["Small-Keys"]["Resources"]["RootKey"]["Properties"]
    key["Description"], key["RotationPeriodInDays"] = "the root", 180
    key["KeyPolicy"]["Statement"][0]["Sid"] = "Administer"
    templates["Small-Tables"]["Resources"]["Keys"]["Properties"]["Replicas"][0]["DeletionProtectionEnabled"] = False
    assert place.provision(templates) == made
    key_id = made["Keys/RootKey"].ref
    assert place.kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"] == "the root"
    assert place.kms.get_key_rotation_status(KeyId=key_id)["RotationPeriodInDays"] == 180
    assert json.loads(place.kms.get_key_policy(KeyId=key_id)["Policy"])["Statement"][0]["Sid"] == "Administer"
    assert not place.dynamodb.describe_table(TableName=made["Tables/Keys"].ref)["Table"]["DeletionProtectionEnabled"]
    key["EnableKeyRotation"] = False
    place.provision(templates)
    assert not place.kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]


def _another_sort_key(templates: Templates) -> None:
    templates["Small-Tables"]["Resources"]["Keys"]["Properties"]["KeySchema"][1]["AttributeName"] = "pk"


def _another_index(templates: Templates) -> None:
    index = templates["Small-Tables"]["Resources"]["Records"]["Properties"]["GlobalSecondaryIndexes"][0]
    index["Projection"] = {"ProjectionType": "ALL"}


def _no_index(templates: Templates) -> None:
    del templates["Small-Tables"]["Resources"]["Records"]["Properties"]["GlobalSecondaryIndexes"]


def _a_stream(templates: Templates) -> None:
    templates["Small-Tables"]["Resources"]["Keys"]["Properties"]["StreamSpecification"] = {
        "StreamViewType": "KEYS_ONLY"
    }


def _another_spec(templates: Templates) -> None:
    templates["Small-Keys"]["Resources"]["SigningKey"]["Properties"]["KeySpec"] = "ECC_NIST_P256"


def _a_table_renamed(templates: Templates) -> None:
    resources = templates["Small-Tables"]["Resources"]
    resources["Ledger"] = resources.pop("Keys")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            _another_sort_key, r"Tables/Keys: key: the table has \(pk HASH, sk RANGE\)", id="another sort key"
        ),
        pytest.param(_another_index, "Tables/Records: index ByList: .*KEYS_ONLY.*ALL", id="another projection"),
        pytest.param(_no_index, "index ByList: .*the template none", id="an index is gone"),
        pytest.param(_a_stream, "Tables/Keys: stream: the table has none, the template KEYS_ONLY", id="a stream"),
        pytest.param(
            _another_spec, "Keys/SigningKey: KeySpec: the key has ECC_NIST_EDWARDS25519", id="another key spec"
        ),
        pytest.param(_a_table_renamed, "not in the template any more: .*Tables/Keys", id="a table renamed"),
    ],
)
def test_a_template_that_changed_is_refused_with_the_difference(
    place: Place, templates: Templates, change: Callable[[Templates], None], says: str
) -> None:
    made = place.provision(templates)
    before = place.dynamodb.list_tables()["TableNames"]
    change(templates)
    with pytest.raises(DriftError, match=says) as caught:
        place.provision(templates)
    assert "twinvault reset" in caught.value.next_step
    assert place.dynamodb.list_tables()["TableNames"] == before
    assert made["Tables/Records"].ref in before


def test_a_table_that_is_gone_is_not_made_anew_in_silence(place: Place, templates: Templates) -> None:
    name = place.provision(templates)["Tables/Keys"].ref
    place.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    place.dynamodb.delete_table(TableName=name)
    with pytest.raises(StateError, match=name):
        place.provision(templates)


def test_a_key_that_is_gone_is_not_made_anew_in_silence(place: Place, templates: Templates) -> None:
    place.provision(templates)
    ledger = json.loads(place.ledger.read_text(encoding="utf-8"))
    ledger[f"{place.prefix}Keys/RootKey"] = "11111111-1111-4111-8111-111111111111"
    place.ledger.write_text(json.dumps(ledger), encoding="utf-8")
    with pytest.raises(StateError, match="11111111-1111-4111-8111-111111111111"):
        place.provision(templates)


@pytest.mark.parametrize(
    ("resource", "properties", "says"),
    [
        pytest.param("Tables/Keys", {"BillingMode": "PROVISIONED"}, "PAY_PER_REQUEST", id="provisioned capacity"),
        pytest.param("Tables/Keys", {"LocalSecondaryIndexes": []}, "LocalSecondaryIndexes", id="a local index"),
        pytest.param("Tables/Keys", {"Replicas": [{}, {}]}, "2 replicas", id="two replicas"),
        pytest.param("Keys/RootKey", {"MultiRegion": True}, "MultiRegion", id="a multi-region key"),
    ],
)
def test_a_property_that_nobody_knows_is_refused_before_anything_is_made(
    place: Place, templates: Templates, resource: str, properties: dict[str, Any], says: str
) -> None:
    stack, _, logical_id = resource.partition("/")
    templates[f"Small-{stack}"]["Resources"][logical_id]["Properties"] |= properties
    with pytest.raises(TemplateError, match=says):
        place.provision(templates)
    assert not place.ledger.exists()


def adopting(templates: Templates, name: str) -> Templates:
    templates["Small-Api"].setdefault("Outputs", {})["AdoptedRecordsTable"] = {"Value": name}
    return templates


def restored(place: Place, of: str, name: str, **others: Any) -> None:
    """A table with the keys and indexes of another, as a restore makes it."""
    table = place.dynamodb.describe_table(TableName=of)["Table"]
    indexes = [
        {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
        for index in table.get("GlobalSecondaryIndexes", [])
    ]
    alike = {"AttributeDefinitions": table["AttributeDefinitions"], "KeySchema": table["KeySchema"]}
    alike |= {"GlobalSecondaryIndexes": indexes} if indexes else {}
    place.dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **{**alike, **others})


def test_an_adopted_table_is_left_as_it_is_beside_the_one_of_the_template(
    place: Place, templates: Templates, fresh_templates: Callable[[], Templates]
) -> None:
    own = place.provision(templates)["Tables/Records"].ref
    name = f"{place.prefix}restored"
    restored(place, own, name)
    before = place.dynamodb.describe_table(TableName=name)["Table"]
    assert place.provision(adopting(fresh_templates(), name))["Tables/Records"].ref == own
    assert place.dynamodb.describe_table(TableName=name)["Table"] == before


def test_an_adopted_table_that_is_not_there_or_has_other_keys_is_refused(
    place: Place, templates: Templates, fresh_templates: Callable[[], Templates]
) -> None:
    own = place.provision(templates)["Tables/Records"].ref
    name = f"{place.prefix}other"
    with pytest.raises(StateError, match=f"adopts the table {name}, and DynamoDB Local does not have it"):
        place.provision(adopting(fresh_templates(), name))
    key = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "GlobalSecondaryIndexes": None}
    other = {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}
    kept = {part: value for part, value in {**key, **other}.items() if value is not None}
    place.dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **kept)
    with pytest.raises(DriftError, match=f"{name}: key"):
        place.provision(adopting(fresh_templates(), name))
    assert own
