"""How a check says what must be refused, and as what."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refused(code: str) -> Iterator["pytest.ExceptionInfo[ClientError]"]:
    """The block must end in this error of the API."""
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["Error"]["Code"] == code, caught.value.response["Error"]
