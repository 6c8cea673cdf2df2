"""What the KMS writes into its ledger: what other key policies would have to be asked."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.kms.conftest import CALLERS
from tests.kms.running import ACCOUNT, ROOT, RunningKms, start
from twinvault_kms.errors import StoreError
from twinvault_kms.process import Options, open_engine
from twinvault_serving.ledger import RecordedCall, recorded

READER = CALLERS["READER"]


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[RunningKms]:
    running = start(tmp_path, callers=CALLERS, options=["--ledger", str(tmp_path / "ledger" / "kms.jsonl")])
    yield running
    running.stop()


def written(kms: RunningKms, *actions: str) -> list[RecordedCall]:
    calls = recorded(kms.data.parent / "ledger" / "kms.jsonl")
    return [one for one in calls if one.action in actions]


def a_key(kms: RunningKms) -> str:
    administer = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    encrypt = {"Effect": "Allow", "Principal": {"AWS": READER}, "Action": "kms:Encrypt", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [administer, encrypt]}
    return kms.client().create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]


def test_what_is_allowed_stands_there_once_with_its_facts(writing: RunningKms):
    key = a_key(writing)
    for _ in range(3):
        writing.client("READER").encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"Purpose": "kek"})
    assert written(writing, "kms:Encrypt") == [
        RecordedCall(
            caller="twinvault-dev-read",
            principal=READER,
            action="kms:Encrypt",
            resource=key,
            facts={
                "aws:resourceaccount": (ACCOUNT,),
                "kms:calleraccount": (ACCOUNT,),
                "kms:customermasterkeyspec": ("SYMMETRIC_DEFAULT",),
                "kms:customermasterkeyusage": ("ENCRYPT_DECRYPT",),
                "kms:encryptionalgorithm": ("SYMMETRIC_DEFAULT",),
                "kms:encryptioncontext:purpose": ("kek",),
                "kms:encryptioncontextkeys": ("Purpose",),
                "kms:keyorigin": ("AWS_KMS",),
                "kms:keyspec": ("SYMMETRIC_DEFAULT",),
                "kms:keyusage": ("ENCRYPT_DECRYPT",),
                "kms:multiregion": ("false",),
            },
            verdict="allow",
            by="key",
        )
    ]


def test_what_decided_stands_there(writing: RunningKms):
    key = a_key(writing)
    with contextlib.suppress(ClientError):
        writing.client("WRITER").encrypt(KeyId=key, Plaintext=b"x")
    writing.client().create_grant(KeyId=key, GranteePrincipal=CALLERS["WRITER"], Operations=["Encrypt"])
    writing.client("WRITER").encrypt(KeyId=key, Plaintext=b"x")
    with contextlib.suppress(ClientError):
        writing.client("READER").create_key()
    said = [(one.verdict, one.by) for one in written(writing, "kms:Encrypt", "kms:CreateKey")]
    assert said == [("allow", "root"), ("deny", "identity"), ("allow", "grant"), ("deny", "identity")]


def test_a_fact_that_is_the_principals_own_is_left_out(writing: RunningKms):
    a_key(writing)
    assert all(not name.startswith("aws:") for one in written(writing, "kms:CreateKey") for name in one.facts)


def test_a_ledger_that_is_none_keeps_the_kms_from_starting(tmp_path: Path):
    (tmp_path / "kms.jsonl").write_text("nothing of ours\n")
    options = Options(port=0, data=tmp_path / "data", ledger=tmp_path / "kms.jsonl")
    with pytest.raises(StoreError, match="line 1"):
        open_engine(options)
