"""What the KMS adapter counts: the alarm on KmsErrors stands on it (constructs/twinvault_cdk/alarms.py)."""

import boto3
import pytest
from fakes import Recorder

from twinvault.errors import TwinvaultError
from twinvault.keys.kms import AwsKms

CONTEXT = {"twinvault:purpose": "kek"}


@pytest.fixture
def client(kms_endpoint, aws):
    return boto3.client("kms", endpoint_url=kms_endpoint, **aws)


def test_a_call_that_succeeds_is_a_call_and_no_error(client):
    key_id, recorder = client.create_key()["KeyMetadata"]["KeyId"], Recorder()
    made = AwsKms(client).generate_data_key(key_id, context=CONTEXT, observer=recorder)
    assert AwsKms(client).decrypt(made.wrapped, key_id, context=CONTEXT, observer=recorder) == made.plaintext
    assert recorder.metrics == {"KmsCalls": 2}


@pytest.mark.parametrize(
    ("state", "context"),
    [
        pytest.param("disabled", CONTEXT, id="a disabled key"),
        pytest.param("enabled", {**CONTEXT, "one": "more"}, id="another context"),
    ],
)
def test_a_call_that_fails_is_an_error_too(client, state, context):
    key_id, recorder = client.create_key()["KeyMetadata"]["KeyId"], Recorder()
    made = AwsKms(client).generate_data_key(key_id, context=CONTEXT, observer=Recorder())
    if state == "disabled":
        client.disable_key(KeyId=key_id)
    with pytest.raises(TwinvaultError):
        AwsKms(client).decrypt(made.wrapped, key_id, context=context, observer=recorder)
    assert recorder.metrics == {"KmsCalls": 1, "KmsErrors": 1}


def test_a_kms_that_cannot_be_reached_is_an_error(aws):
    unreachable = boto3.client("kms", endpoint_url="http://127.0.0.1:9", **aws)
    recorder = Recorder()
    with pytest.raises(TwinvaultError):
        AwsKms(unreachable).decrypt(b"wrapped", "key", context=CONTEXT, observer=recorder)
    assert recorder.metrics == {"KmsCalls": 1, "KmsErrors": 1}
