"""Ids that become part of a table key, and the keys made of them (docs/format.md, "Names")."""

import re
from functools import lru_cache

from twinvault.errors import InvalidInput

MAX_SORT_KEY_BYTES = 1024
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"""Tenant, kind, partition and slug. Without `#`, so that joining ids with `#` is injective."""


def require_id(value: object, *, field: str) -> str:
    """Returns `value` if it may stand in a table key.

    Raises:
        InvalidInput: it is not text of 1 to 63 characters of `a-z 0-9 . _ -` that begins with a letter or digit.
    """
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise InvalidInput(
            f"{field}: must be 1 to 63 characters of a-z, 0-9, '.', '_' or '-', beginning with a letter or digit",
            field=field,
        )
    return value


def tenant_key(tenant: str) -> str:
    """The partition key of a tenant's rows in the keys table: `tenant#{tenant}`."""
    return f"tenant#{require_id(tenant, field='tenant')}"


# Memoised: the records of a partition are written together, and each is asked where it stands.
@lru_cache(maxsize=256)
def partition_key(tenant: str, *, kind: str, partition: str) -> str:
    """The partition key of a partition in the records table: `tenant#{tenant}#{kind}#{partition}`."""
    return f"{tenant_key(tenant)}#{require_id(kind, field='kind')}#{require_id(partition, field='partition')}"


def require_sort_key(sk: str, *, field: str = "sk") -> str:
    """Returns a sort key, or the beginning of one, if DynamoDB takes it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html

    Raises:
        InvalidInput: it is empty, over 1,024 bytes of UTF-8, or not Unicode text.
    """
    try:
        size = len(sk.encode())
    except UnicodeEncodeError:
        raise InvalidInput(f"{field}: holds a lone surrogate, which is not Unicode text", field=field) from None
    if not 1 <= size <= MAX_SORT_KEY_BYTES:
        raise InvalidInput(f"{field}: must have 1 to {MAX_SORT_KEY_BYTES} bytes", field=field)
    return sk
