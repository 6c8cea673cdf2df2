"""Policies of the kinds that AWS's documentation shows: what is taken, and what is refused because nobody evaluates it.

`aws_policies.json` names for each the page whose example it follows, in words and accounts of our own.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.kms.running import ROOT, RunningKms

CORPUS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("aws_policies.json").read_text(encoding="utf-8"))
MOST_REFUSED = 6


def _outcome(kms: RunningKms, policy: dict[str, Any]) -> str:
    """`taken`, or the code of the refusal. The account may always change the policy again."""
    owner = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    document = {"Version": policy["version"], "Statement": [owner, *policy["statements"]]}
    try:
        kms.client().create_key(Policy=json.dumps(document), BypassPolicyLockoutSafetyCheck=True)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "taken"


def test_nearly_all_of_what_aws_shows_is_taken(kms: RunningKms):
    outcomes = {policy["name"]: _outcome(kms, policy) for policy in CORPUS}
    refused = {name: code for name, code in outcomes.items() if code != "taken"}
    assert len(outcomes) == len(CORPUS) >= 42
    assert len(refused) <= MOST_REFUSED, refused
    assert set(refused) == {
        "a second factor to delete",  # how long ago nobody knows
        "sessions made since",  # nor when a session began
        "resources of an organization",  # nor of which organization a key's account is
    }
    assert set(refused.values()) == {"UnsupportedOperationException"}


@pytest.mark.parametrize("policy", [pytest.param(each, id=each["name"]) for each in CORPUS])
def test_each_follows_a_page(policy: dict[str, Any]):
    assert policy["page"].startswith("https://docs.aws.amazon.com/")
