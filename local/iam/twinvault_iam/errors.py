"""The errors of policies.

IamError
└── MalformedPolicyError    a policy cannot be evaluated as it stands
    └── NotEvaluatedError   AWS takes it; here nobody evaluates it
"""

from collections.abc import Iterator
from contextlib import contextmanager


class IamError(Exception):
    """Something about a policy."""


class MalformedPolicyError(IamError):
    """A policy cannot be evaluated as it stands.

    The message says where (`where`, from the outside in: policy, statement, element, operator, key) and what is wrong
    there (`reason`). It holds no value of a condition.
    """

    def __init__(self, reason: str, *, where: tuple[str, ...] = ()) -> None:
        super().__init__(f"{', '.join(where)}: {reason}" if where else reason)
        self.reason = reason
        self.where = where


class NotEvaluatedError(MalformedPolicyError):
    """A policy is in order, and holds something that is not evaluated here: it is refused, never ignored."""


@contextmanager
def at(*places: str) -> Iterator[None]:
    """Say of every MalformedPolicyError that it comes from here."""
    try:
        yield
    except MalformedPolicyError as error:
        where = tuple(place for place in places if place) + error.where
        raise type(error)(error.reason, where=where) from None
