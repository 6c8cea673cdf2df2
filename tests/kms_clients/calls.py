"""The twenty calls that each client makes, by boto3; the others make the same: each prints what came of its calls.

python calls.py URL [TRUSTED]
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

CONTEXT = {"tenant": "acme"}
ROLE = "arn:aws:iam::000000000000:role/reader"


def main(url: str, trusted: str | None = None) -> None:
    """Makes them, and prints what came of them as one JSON object."""
    kms: Any = boto3.client(
        "kms",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="ROOT",
        aws_secret_access_key="made-up",
        verify=trusted,
    )
    came: dict[str, Any] = {}
    key = kms.create_key(Description="twenty calls", Tags=[{"TagKey": "by", "TagValue": "boto3"}])["KeyMetadata"]
    alias = f"alias/{key['KeyId']}"
    came["CreateKey"] = key["KeyState"]
    came["DescribeKey"] = kms.describe_key(KeyId=key["Arn"])["KeyMetadata"]["Description"]
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    came["CreateAlias"] = "done"
    came["ListAliases"] = len(kms.list_aliases(KeyId=key["KeyId"])["Aliases"])
    blob = kms.encrypt(KeyId=alias, Plaintext=b"text", EncryptionContext=CONTEXT)["CiphertextBlob"]
    came["Encrypt"] = "done"
    came["Decrypt"] = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"].decode()
    came["Decrypt with another context"] = refusal(lambda: kms.decrypt(CiphertextBlob=blob))
    came["GenerateDataKey"] = len(kms.generate_data_key(KeyId=alias, KeySpec="AES_256")["Plaintext"])
    again = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=alias)
    came["ReEncrypt"] = kms.decrypt(CiphertextBlob=again["CiphertextBlob"])["Plaintext"].decode()
    came["GenerateRandom"] = len(kms.generate_random(NumberOfBytes=24)["Plaintext"])
    came["ListResourceTags"] = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"][0]["TagKey"]
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    came["EnableKeyRotation"] = "done"
    came["GetKeyRotationStatus"] = kms.get_key_rotation_status(KeyId=key["KeyId"])["RotationPeriodInDays"]
    kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=ROLE, Operations=["Decrypt"], Name="one")
    came["CreateGrant"] = "done"
    came["ListGrants"] = kms.list_grants(KeyId=key["KeyId"])["Grants"][0]["Name"]
    signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    came["CreateKey that signs"] = signer["SigningAlgorithms"][0]
    signing = {"KeyId": signer["KeyId"], "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(**signing)["Signature"]
    came["Sign"] = "done"
    came["Verify"] = kms.verify(**signing, Signature=signature)["SignatureValid"]
    kms.disable_key(KeyId=key["KeyId"])
    came["DisableKey"] = "done"
    came["Encrypt with a disabled key"] = refusal(lambda: kms.encrypt(KeyId=alias, Plaintext=b"text"))
    sys.stdout.write(json.dumps(came))


def refusal(call: Callable[[], object]) -> str:
    """The name of the error that a call ends in."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "none"


if __name__ == "__main__":
    main(*sys.argv[1:])
