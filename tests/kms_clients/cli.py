"""The twenty calls of calls.py by the AWS CLI: python cli.py URL [TRUSTED]. The `aws` beside this Python is taken."""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

AWS = str(Path(sys.executable).parent / "aws")
CONTEXT = "tenant=acme"
ROLE = "arn:aws:iam::000000000000:role/reader"


class Cli:
    """The command, for one endpoint."""

    def __init__(self, url: str, trusted: str | None, *, folder: str) -> None:
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_ENDPOINT_URL_KMS": url,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "ROOT",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            **({"AWS_CA_BUNDLE": trusted} if trusted else {}),
        }

    def tried(self, operation: str, **options: object) -> subprocess.CompletedProcess[str]:
        command = [AWS, "kms", operation, "--output", "json"]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", self._file(value) if isinstance(value, bytes) else str(value)]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120, check=False)

    def _file(self, blob: bytes) -> str:
        """Of all forms of a blob this one means the same to every version of the command."""
        with tempfile.NamedTemporaryFile(delete=False, dir=self._folder) as file:
            file.write(blob)
        return f"fileb://{file.name}"

    def __call__(self, operation: str, **options: object) -> dict[str, Any]:
        done = self.tried(operation, **options)
        if done.returncode != 0:
            sys.exit(done.stderr)
        return dict(json.loads(done.stdout or "{}"))

    def refusal(self, operation: str, **options: object) -> str:
        found = re.search(r"\((\w+)\)", self.tried(operation, **options).stderr)
        return found[1] if found else "none"


def main(url: str, trusted: str | None = None) -> None:
    """Makes them, and prints what came of them as one JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(twenty(Cli(url, trusted, folder=folder))))


def twenty(kms: Cli) -> dict[str, Any]:
    """What came of them."""
    came: dict[str, Any] = {}
    key = kms("create-key", description="twenty calls", tags="TagKey=by,TagValue=cli")["KeyMetadata"]
    alias, of = f"alias/{key['KeyId']}", {"key_id": key["KeyId"]}
    came["CreateKey"] = key["KeyState"]
    came["DescribeKey"] = kms("describe-key", key_id=key["Arn"])["KeyMetadata"]["Description"]
    kms("create-alias", alias_name=alias, target_key_id=key["KeyId"])
    came["CreateAlias"] = "done"
    came["ListAliases"] = len(kms("list-aliases", **of)["Aliases"])
    blob = kms("encrypt", key_id=alias, plaintext=b"text", encryption_context=CONTEXT)["CiphertextBlob"]
    blob = base64.b64decode(blob)
    came["Encrypt"] = "done"
    opened = kms("decrypt", ciphertext_blob=blob, encryption_context=CONTEXT)["Plaintext"]
    came["Decrypt"] = base64.b64decode(opened).decode()
    came["Decrypt with another context"] = kms.refusal("decrypt", ciphertext_blob=blob)
    made = kms("generate-data-key", key_id=alias, key_spec="AES_256")["Plaintext"]
    came["GenerateDataKey"] = len(base64.b64decode(made))
    again = kms("re-encrypt", ciphertext_blob=blob, source_encryption_context=CONTEXT, destination_key_id=alias)
    opened = kms("decrypt", ciphertext_blob=base64.b64decode(again["CiphertextBlob"]))["Plaintext"]
    came["ReEncrypt"] = base64.b64decode(opened).decode()
    came["GenerateRandom"] = len(base64.b64decode(kms("generate-random", number_of_bytes=24)["Plaintext"]))
    came["ListResourceTags"] = kms("list-resource-tags", **of)["Tags"][0]["TagKey"]
    kms("enable-key-rotation", **of, rotation_period_in_days=90)
    came["EnableKeyRotation"] = "done"
    came["GetKeyRotationStatus"] = kms("get-key-rotation-status", **of)["RotationPeriodInDays"]
    kms("create-grant", **of, grantee_principal=ROLE, operations="Decrypt", name="one")
    came["CreateGrant"] = "done"
    came["ListGrants"] = kms("list-grants", **of)["Grants"][0]["Name"]
    signer = kms("create-key", key_spec="ECC_NIST_P256", key_usage="SIGN_VERIFY")["KeyMetadata"]
    came["CreateKey that signs"] = signer["SigningAlgorithms"][0]
    signing = {"key_id": signer["KeyId"], "message": b"m", "signing_algorithm": "ECDSA_SHA_256"}
    signature = kms("sign", **signing)["Signature"]
    came["Sign"] = "done"
    came["Verify"] = kms("verify", **signing, signature=base64.b64decode(signature))["SignatureValid"]
    kms("disable-key", **of)
    came["DisableKey"] = "done"
    came["Encrypt with a disabled key"] = kms.refusal("encrypt", key_id=alias, plaintext=b"text")
    return came


if __name__ == "__main__":
    main(*sys.argv[1:])
