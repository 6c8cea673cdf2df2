"""A PartiQL statement as tokens.

Names may stand in double quotes, strings stand in single ones, keywords are not case-sensitive. Comments are not
documented for DynamoDB, and are refused with everything else that is no token.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from twinvault_gate.errors import StatementError

MAX_STATEMENT = 8192  # characters (API reference, ExecuteStatement, Statement)

_TOKEN = re.compile(
    r"""(?P<SPACE>\s+)
    | (?P<STRING>'(?:[^']|'')*')
    | (?P<QUOTED>"(?:[^"]|"")+")
    | (?P<NUMBER>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<WORD>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<SIGN><<|>>|<>|!=|<=|>=|--|[=<>?,.(){}\[\]:*+-])""",
    re.VERBOSE,
)
_AFTER_NUMBER = re.compile(r"[A-Za-z0-9_.]")


class Lexeme(Enum):
    """What a token is."""

    STRING = auto()
    QUOTED = auto()
    NUMBER = auto()
    WORD = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token: `text` without its quotes; of a word, as it was written."""

    lexeme: Lexeme
    text: str = field(repr=False)
    position: int


def tokens_of(statement: str) -> list[Token]:
    """Return the tokens of a statement, and one that ends them.

    Raises:
        StatementError: it is longer than a statement may be, or has a character that begins no token.
    """
    if len(statement) > MAX_STATEMENT:
        raise StatementError(f"the statement is longer than {MAX_STATEMENT} characters")
    found, position = [], 0
    while position < len(statement):
        match = _TOKEN.match(statement, position)
        if match is None or match.group() == "--":
            raise StatementError(f"at character {position + 1} there is no token of PartiQL")
        lexeme, text = str(match.lastgroup), match.group()
        if lexeme == "NUMBER" and _AFTER_NUMBER.match(statement, match.end()):
            raise StatementError(f"at character {position + 1} there is no number")
        if lexeme != "SPACE":
            found.append(Token(Lexeme[lexeme], _bare(lexeme, text), position))
        position = match.end()
    return [*found, Token(Lexeme.END, "", position)]


def _bare(lexeme: str, text: str) -> str:
    match lexeme:
        case "STRING":
            return text[1:-1].replace("''", "'")
        case "QUOTED":
            return text[1:-1].replace('""', '"')
    return text
