"""Key policies of KMS: where they differ from the other documents of the language.

Source: AWS KMS developer guide, "Elements in a key policy": a statement without Resource or without Action has no
effect, and CreateKey and PutKeyPolicy take it all the same.
"""

from twinvault_iam.documents import parse_policy
from twinvault_iam.policy import Policy
from twinvault_iam.services import KMS
from twinvault_iam.vocabulary import Vocabulary

_EFFECTIVE_WITH = frozenset({"Action", "Resource"})


def parse_key_policy(text: str, vocabulary: Vocabulary = KMS, *, name: str = "") -> Policy:
    """Return the policy that a key policy's document holds. `name` is what errors call it.

    Raises:
        MalformedPolicyError: it holds something that would not be evaluated; the error says where.
    """
    return parse_policy(text, vocabulary, name=name, effective_with=_EFFECTIVE_WITH)
