"""Keys that are there by a name of one's own: a wanted id, the keys file, and those that AWS manages.

https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kms.conftest import CALLERS
from tests.kms.running import ACCOUNT, ROOT, RunningKms, start
from twinvault_kms.errors import StoreError
from twinvault_kms.process import Options, open_engine

WANTED = "11111111-2222-4333-8444-555555555555"
SEVERAL = "mrk-" + "ab" * 16
TAG = "_custom_id_"
SECRET = b"\x2a" * 32


def _tags(value: str) -> Any:
    return [{"TagKey": TAG, "TagValue": value}]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningKms]:
    running = start(tmp_path / "fresh", callers=CALLERS)
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("wanted", "multi_region"),
    [pytest.param(WANTED, False, id="one Region"), pytest.param(SEVERAL, True, id="several Regions")],
)
def test_a_tag_asks_for_an_id(fresh: RunningKms, wanted: str, multi_region: Any):
    made = fresh.client().create_key(Tags=_tags(wanted), MultiRegion=multi_region)["KeyMetadata"]
    assert (made["KeyId"], made["MultiRegion"]) == (wanted, multi_region)
    assert fresh.client().list_resource_tags(KeyId=wanted)["Tags"] == _tags(wanted)
    with pytest.raises(ClientError) as caught:
        fresh.client().create_key(Tags=_tags(wanted), MultiRegion=multi_region)
    assert caught.value.response["Error"]["Code"] == "AlreadyExistsException"


@pytest.mark.parametrize("wanted", ["my-key", WANTED.upper().replace("1", "A"), SEVERAL, "", WANTED + "0"])
def test_a_wanted_id_has_the_form_of_one(kms: RunningKms, wanted: str):
    with pytest.raises(ClientError, match=TAG) as caught:
        kms.client().create_key(Tags=_tags(wanted))
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_the_same_seed_and_id_are_the_same_key_in_whatever_order(tmp_path: Path):
    first, second = (start(tmp_path / name, callers=CALLERS) for name in ("one", "two"))
    try:
        second.client().create_key()
        for running in (first, second):
            running.client().create_key(Tags=_tags(WANTED))
        sealed = first.client().encrypt(KeyId=WANTED, Plaintext=b"text")["CiphertextBlob"]
        assert second.client().decrypt(CiphertextBlob=sealed)["Plaintext"] == b"text"
        # Nor does it disturb the order of those that are counted.
        counted = [running.client().create_key()["KeyMetadata"]["KeyId"] for running in (first, second)]
        assert counted[0] in {entry["KeyId"] for entry in second.client().list_keys()["Keys"]}
    finally:
        first.stop()
        second.stop()


def test_a_key_of_aws_is_there_once_it_is_described(fresh: RunningKms):
    client = fresh.client()
    assert client.list_aliases()["Aliases"] == []
    made = client.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (made["KeyManager"], made["KeySpec"]) == ("AWS", "SYMMETRIC_DEFAULT")
    assert [each["AliasName"] for each in client.list_aliases()["Aliases"]] == ["alias/aws/s3"]
    assert client.describe_key(KeyId="alias/aws/s3")["KeyMetadata"] == made
    by_arn = f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/aws/s3"
    assert client.describe_key(KeyId=by_arn)["KeyMetadata"] == made
    assert client.get_key_rotation_status(KeyId=made["KeyId"])["KeyRotationEnabled"] is True
    there = fresh.client(region="us-east-1").describe_key(KeyId=by_arn.replace("eu-central-1", "us-east-1"))
    assert there["KeyMetadata"]["KeyId"] != made["KeyId"]


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        pytest.param("encrypt", {"Plaintext": b"x"}, id="Encrypt"),
        pytest.param("schedule_key_deletion", {}, id="ScheduleKeyDeletion"),
        pytest.param("disable_key", {}, id="DisableKey"),
        pytest.param("put_key_policy", {"Policy": "{}"}, id="PutKeyPolicy"),
        pytest.param("tag_resource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}, id="TagResource"),
    ],
)
def test_nobody_but_its_service_uses_or_changes_a_key_of_aws(kms: RunningKms, operation: str, asked: dict[str, Any]):
    key = kms.client().describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError) as caught:
        getattr(kms.client(), operation)(KeyId=key, **asked)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


@pytest.mark.parametrize("name", ["alias/aws/nothing", "alias/aws/", "alias/aws/s3/more"])
def test_aws_has_keys_for_its_services_alone(kms: RunningKms, name: str):
    with pytest.raises(ClientError) as caught:
        kms.client().describe_key(KeyId=name)
    assert caught.value.response["Error"]["Code"] == "NotFoundException"


def _der() -> bytes:
    key = ec.derive_private_key(7, ec.SECP256R1())
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.DER, form, plain)


OWNER = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
ENTRY = {"id": WANTED, "region": "eu-central-1"}
FILE = {
    "keys": [
        ENTRY
        | {
            "aliases": ["alias/app", "alias/second"],
            "tags": {"team": "red"},
            "description": "of the file",
            "policy": {"Version": "2012-10-17", "Id": "own", "Statement": [OWNER]},
            "material": base64.b64encode(SECRET).decode(),
            "rotation_days": 90,
        },
        {
            "id": "22222222-2222-4333-8444-555555555555",
            "region": "eu-central-1",
            "spec": "ECC_NIST_P256",
            "usage": "SIGN_VERIFY",
            "material": base64.b64encode(_der()).decode(),
        },
        {"id": SEVERAL, "region": "eu-central-1", "spec": "HMAC_256", "replicas": ["us-east-1"]},
        {"id": "33333333-2222-4333-8444-555555555555", "region": "eu-west-1", "account": "111122223333"},
    ]
}


def test_the_keys_of_the_file_are_there_and_what_was_changed_since_stays(tmp_path: Path):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(FILE))
    running = start(tmp_path / "kms", callers=CALLERS, options=("--keys", str(keys)))
    try:
        client = running.client()
        described = client.describe_key(KeyId="alias/app")["KeyMetadata"]
        assert (described["KeyId"], described["Description"]) == (WANTED, "of the file")
        assert client.list_resource_tags(KeyId=WANTED)["Tags"] == [{"TagKey": "team", "TagValue": "red"}]
        assert json.loads(client.get_key_policy(KeyId=WANTED)["Policy"])["Id"] == "own"
        assert client.get_key_rotation_status(KeyId=WANTED)["RotationPeriodInDays"] == 90
        sealed = client.encrypt(KeyId="alias/second", Plaintext=b"text")["CiphertextBlob"]
        public = client.get_public_key(KeyId="22222222-2222-4333-8444-555555555555")["PublicKey"]
        ours = ec.derive_private_key(7, ec.SECP256R1()).public_key()
        der, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        assert public == ours.public_bytes(der, form)
        mac = client.generate_mac(KeyId=SEVERAL, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
        there = running.client(region="us-east-1")
        assert there.verify_mac(KeyId=SEVERAL, Message=b"m", MacAlgorithm="HMAC_SHA_256", Mac=mac)["MacValid"]
        other = running.client("OTHER", region="eu-west-1")
        assert other.describe_key(KeyId="33333333-2222-4333-8444-555555555555")["KeyMetadata"]["Enabled"]
        client.update_key_description(KeyId=WANTED, Description="changed")
        client.rotate_key_on_demand(KeyId=WANTED)
        running.stop()
        running = start(tmp_path / "kms", callers=CALLERS, options=("--keys", str(keys)))
        assert running.client().describe_key(KeyId=WANTED)["KeyMetadata"]["Description"] == "changed"
        assert running.client().decrypt(CiphertextBlob=sealed)["Plaintext"] == b"text"
    finally:
        running.stop()


def test_the_same_material_opens_what_was_sealed_elsewhere(tmp_path: Path):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [FILE["keys"][0]]}))
    one = start(tmp_path / "one", options=("--keys", str(keys)))
    two = start(tmp_path / "two", seed="11" * 32, options=("--keys", str(keys)))
    try:
        sealed = one.client().encrypt(KeyId=WANTED, Plaintext=b"text")["CiphertextBlob"]
        assert two.client().decrypt(CiphertextBlob=sealed)["Plaintext"] == b"text"
    finally:
        one.stop()
        two.stop()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param({"region": "eu-west-1"}, "key 1, id", id="no id"),
        pytest.param({"id": WANTED}, "key 1, region", id="no Region"),
        pytest.param(ENTRY | {"id": "my-key"}, "key 1, id", id="an id of no form"),
        pytest.param(ENTRY | {"spec": "RSA_1024"}, "key 1, spec", id="an unknown spec"),
        pytest.param(ENTRY | {"usage": "SIGN_VERIFY"}, "key 1, usage", id="a usage of other specs"),
        pytest.param(ENTRY | {"aliases": ["app"]}, "key 1, aliases", id="an alias of no form"),
        pytest.param(ENTRY | {"aliases": ["alias/aws/s3"]}, "key 1, aliases", id="an alias of AWS's"),
        pytest.param(ENTRY | {"material": "c2hvcnQ="}, "key 1, material", id="short material"),
        pytest.param(ENTRY | {"material": "%"}, "key 1, material", id="material that is no base64"),
        pytest.param(ENTRY | {"policy": {"Statement": []}}, "key 1, policy", id="no policy"),
        pytest.param(ENTRY | {"rotation_days": 7}, "key 1, rotation_days", id="a short period"),
        pytest.param(ENTRY | {"replicas": ["us-east-1"]}, "key 1, replicas", id="replicas of one Region's key"),
        pytest.param(ENTRY | {"colour": "red"}, "key 1, colour", id="an unknown member"),
        pytest.param("key", "key 1, all of it", id="no object"),
    ],
)
def test_a_file_of_another_form_is_refused_by_key_and_member(tmp_path: Path, entry: Any, said: str):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [entry]}))
    with pytest.raises(StoreError, match=re.escape(said)) as caught:
        open_engine(Options(port=0, data=tmp_path / "data", keys=keys))
    assert "c2hvcnQ" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", '{"keys": {}}', '{"keys": [], "more": 1}'])
def test_another_file_is_refused(tmp_path: Path, text: str):
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    with pytest.raises(StoreError, match="keys file"):
        open_engine(Options(port=0, data=tmp_path / "data", keys=keys))


def test_the_keys_file_of_the_page_is_taken_as_it_stands(tmp_path: Path):
    page = Path(__file__).parents[2] / "local" / "kms" / "README.md"
    blocks = re.findall(r"```json\n(.+?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (shown,) = [block for block in blocks if '"keys"' in block]
    file = tmp_path / "keys.json"
    file.write_text(shown, encoding="utf-8")
    engine, _ = open_engine(Options(port=0, data=tmp_path / "data", keys=file))
    engine.close()
