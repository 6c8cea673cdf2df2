"""Where a key's policy leaves its use to the account, the callers' own policies decide; and for what belongs to no key.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.kms.conftest import CALLERS
from tests.kms.running import RunningKms, start
from twinvault_kms.errors import StoreError
from twinvault_kms.identity_policies import IdentityPolicies

WRITER = CALLERS["WRITER"]


def _policy(*actions: str, effect: str = "Allow", resource: str = "*") -> dict[str, Any]:
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


class _Policies:
    """The file, replaced at once as its writers do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write({})

    def write(self, identity: object) -> None:
        self.text(json.dumps({"identity": identity, "resource": {}, "keys": {}, "table_keys": {}}))

    def text(self, text: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningKms, _Policies]]:
    folder = tmp_path_factory.mktemp("identity")
    policies = _Policies(folder / "policies.json")
    running = start(folder / "kms", callers=CALLERS, options=("--policies", str(policies.path)))
    yield running, policies
    running.stop()


def _refused(ask: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        ask()
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    return error["Message"]


def test_a_key_with_the_default_policy_is_used_by_whom_identity_policies_allow(
    served: tuple[RunningKms, _Policies],
) -> None:
    kms, policies = served
    policies.write({WRITER: [_policy("kms:Encrypt", "logs:PutLogEvents")]})
    arn = kms.client().create_key()["KeyMetadata"]["Arn"]
    blob = kms.client("WRITER").encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert "because no identity-based policy allows the kms:Decrypt action" in _refused(
        lambda: kms.client("WRITER").decrypt(KeyId=arn, CiphertextBlob=blob)
    )
    assert "because no identity-based policy allows" in _refused(
        lambda: kms.client("READER").encrypt(KeyId=arn, Plaintext=b"x")
    )
    assert kms.client().decrypt(KeyId=arn, CiphertextBlob=blob)["Plaintext"] == b"x"


def test_what_the_file_says_counts_from_the_next_call(served: tuple[RunningKms, _Policies]) -> None:
    kms, policies = served
    arn = kms.client().create_key()["KeyMetadata"]["Arn"]
    policies.write({WRITER: [_policy("kms:*", resource=arn)]})
    kms.client("WRITER").encrypt(KeyId=arn, Plaintext=b"x")
    policies.write({WRITER: [_policy("kms:*"), _policy("kms:Encrypt", effect="Deny", resource=arn)]})
    assert "with an explicit deny in an identity-based policy" in _refused(
        lambda: kms.client("WRITER").encrypt(KeyId=arn, Plaintext=b"x")
    )


def test_an_identity_policy_opens_no_key_whose_policy_does_not_leave_it_to_the_account(
    served: tuple[RunningKms, _Policies],
) -> None:
    kms, policies = served
    policies.write({WRITER: [_policy("kms:*")]})
    alone = {
        "Effect": "Allow",
        "Principal": {"AWS": CALLERS["READER"]},
        "Action": "kms:*",
        "Resource": "*",
    }
    made = kms.client("READER")
    policies.write({WRITER: [_policy("kms:*")], CALLERS["READER"]: [_policy("kms:CreateKey")]})
    arn = made.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [alone]}))["KeyMetadata"]["Arn"]
    assert "because no resource-based policy allows the kms:Encrypt action" in _refused(
        lambda: kms.client("WRITER").encrypt(KeyId=arn, Plaintext=b"x")
    )


def test_what_belongs_to_no_key_is_for_identity_policies_to_allow(served: tuple[RunningKms, _Policies]) -> None:
    kms, policies = served
    policies.write({WRITER: [_policy("kms:GenerateRandom")]})
    assert len(kms.client("WRITER").generate_random(NumberOfBytes=8)["Plaintext"]) == 8
    assert "kms:ListKeys on resource: *" in _refused(kms.client("WRITER").list_keys)


def test_a_file_that_became_unusable_allows_nothing_and_a_mended_one_does(
    served: tuple[RunningKms, _Policies],
) -> None:
    kms, policies = served
    policies.write({WRITER: [_policy("kms:GenerateRandom")]})
    kms.client("WRITER").generate_random(NumberOfBytes=8)
    policies.text("{")
    with pytest.raises(ClientError) as caught:
        kms.client("WRITER").generate_random(NumberOfBytes=8)
    assert caught.value.response["Error"]["Code"] == "KMSInternalException"
    assert "cannot be read" in kms.log
    policies.write({WRITER: [_policy("kms:GenerateRandom")]})
    kms.client("WRITER").generate_random(NumberOfBytes=8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "is not of its form"),
        ('{"identity": []}', "is not of its form"),
        ('{"identity": {"arn:aws:iam::000000000000:role/x": [{"Statement": [{"Effect": "Maybe"}]}]}}', "enforced"),
        ("", "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused_at_the_start(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "policies.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=said):
        IdentityPolicies(tmp_path / "policies.json")


def test_without_a_file_nobody_has_any_policy() -> None:
    assert IdentityPolicies().of(WRITER) is None
