"""What KMS adds to policies, and how it refuses them; the language itself is tested in tests/iam."""

import json

import pytest

from twinvault_iam.services import context_facts
from twinvault_kms import key_policy
from twinvault_kms.errors import KmsError


def test_names_of_a_context_that_differ_by_case_must_all_satisfy_a_condition():
    facts = context_facts([("Purpose", "kek"), ("purpose", "other")])
    assert facts["kms:encryptioncontext:purpose"] == ("kek", "other")
    assert facts["kms:encryptioncontextkeys"] == ("Purpose", "purpose")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("{", "MalformedPolicyDocumentException", id="not JSON"),
        pytest.param('{"Statement": []}', "MalformedPolicyDocumentException", id="no statement"),
        pytest.param(" " * 32_769, "LimitExceededException", id="too long"),
    ],
)
def test_a_policy_is_refused_in_the_words_of_kms(text: str, code: str):
    with pytest.raises(KmsError) as caught:
        key_policy.parse(text)
    assert caught.value.code == code


def test_the_default_policy_can_be_parsed():
    (statement,) = key_policy.parse(key_policy.default_policy("111122223333")).statements
    assert statement.allows
    assert json.loads(key_policy.default_policy("111122223333"))["Id"] == "key-default-1"
