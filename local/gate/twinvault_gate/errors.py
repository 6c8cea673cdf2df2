"""The errors of the gate.

GateError
└── StatementError      a PartiQL statement that is not understood, and therefore not let through
"""


class GateError(Exception):
    """Something that the gate cannot do."""


class StatementError(GateError):
    """A PartiQL statement that the gate does not understand. The message names the rule, never a value."""
