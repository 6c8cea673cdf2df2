"""Key policies: what KMS adds to IAM's language, and IAM's errors as KMS says them.

Source: AWS KMS developer guide, "AWS KMS condition keys", "Key policies in AWS KMS" and "Default key policy".
"""

import json
from functools import lru_cache

from twinvault_iam.errors import MalformedPolicyError, NotEvaluatedError
from twinvault_iam.key_policies import parse_key_policy
from twinvault_iam.policy import Policy
from twinvault_iam.services import KMS_REQUESTS
from twinvault_kms.errors import KmsError, unsupported

MAX_POLICY_BYTES = 32_768


@lru_cache(maxsize=1024)
def parse(text: str) -> Policy:
    """Return the policy that a document holds.

    Raises:
        KmsError: MalformedPolicyDocumentException; UnsupportedOperationException for what AWS would evaluate and
            nobody does here (tools take it for final, and come again for minutes after the former);
            LimitExceededException beyond 32 KB.
    """
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise KmsError("LimitExceededException", f"A key policy is at most {MAX_POLICY_BYTES} bytes long.")
    try:
        return parse_key_policy(text, KMS_REQUESTS)
    except NotEvaluatedError as error:
        raise unsupported(f"The local KMS does not evaluate what the key policy says: {error}.") from None
    except MalformedPolicyError as error:
        raise malformed(str(error)) from None


def malformed(reason: str) -> KmsError:
    """The answer to a policy that cannot be put as it stands."""
    return KmsError("MalformedPolicyDocumentException", f"The key policy is not valid: {reason}.")


def default_policy(account: str) -> str:
    """Return the policy of a key that is created without one (developer guide, "Default key policy")."""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}, indent=2)
