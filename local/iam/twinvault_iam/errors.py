"""The errors of policies.

IamError
└── MalformedPolicyError    a policy cannot be evaluated as it stands
"""


class IamError(Exception):
    """Something about a policy."""


class MalformedPolicyError(IamError):
    """A policy cannot be evaluated as it stands; the message names the element, the operator or the key."""
