"""Where the format's number and its vectors stand in a checkout."""

import ast

from twinvault_verdict.errors import GatheringError

FILE = "functions/twinvault/envelope/primitive.py"
VECTORS = "tests/vectors"
_NAME = "FORMAT"


def number(source: bytes) -> int:
    """The format's number, as the envelope's source has it.

    Raises:
        GatheringError: the source has none.
    """
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int(found))) if name == _NAME:
                return found
    raise GatheringError(f"{FILE} has no line {_NAME} = N.", next_step="Say there which format is written.")
