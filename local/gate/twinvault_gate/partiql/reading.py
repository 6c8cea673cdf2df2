"""The tokens of a statement, read from left to right: what the parsers of values, conditions and statements share."""

from twinvault_gate.errors import StatementError
from twinvault_gate.partiql.tokens import Lexeme, Token, tokens_of

# Words that are part of the grammar, so that none of them is ever taken for the name of an attribute or of a table.
KEYWORDS = frozenset(
    {
        *("AND", "ASC", "BETWEEN", "BY", "DELETE", "DESC", "EXISTS", "FALSE", "FROM", "IN", "INSERT", "INTO", "IS"),
        *("MISSING", "NOT", "NULL", "OR", "ORDER", "REMOVE", "RETURNING", "SELECT", "SET", "TRUE", "UPDATE", "VALUE"),
        "WHERE",
    }
)
_DEEPEST = 32  # levels of nesting; so many DynamoDB takes in a document


class TokenReader:
    """A place in a statement."""

    def __init__(self, statement: str) -> None:
        self._tokens = tokens_of(statement)
        self._at = 0
        self._depth = 0
        self.placeholders = 0

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    def next(self) -> Token:
        """Take the next token."""
        token = self.token
        if token.lexeme is not Lexeme.END:
            self._at += 1
        return token

    def sees(self, *texts: str, ahead: int = 0) -> bool:
        """Whether a sign or a keyword comes next, or `ahead` tokens later."""
        token = self._tokens[min(self._at + ahead, len(self._tokens) - 1)]
        match token.lexeme:
            case Lexeme.SIGN:
                return token.text in texts
            case Lexeme.WORD:
                return token.text.upper() in texts
        return False

    def takes(self, *texts: str) -> str | None:
        """Take the sign or keyword that comes next, if it is one of these."""
        return self.next().text.upper() if self.sees(*texts) else None

    def expect(self, *texts: str) -> str:
        """Take the sign or keyword that must come next.

        Raises:
            StatementError: it does not.
        """
        found = self.takes(*texts)
        if found is None:
            raise self.unlike(" or ".join(texts))
        return found

    def name(self) -> str:
        """Take a name, quoted or not.

        Raises:
            StatementError: none comes next.
        """
        token = self.token
        if token.lexeme is Lexeme.QUOTED or (token.lexeme is Lexeme.WORD and token.text.upper() not in KEYWORDS):
            return self.next().text
        raise self.unlike("a name")

    def unlike(self, expected: str) -> StatementError:
        """The error of a statement that goes on otherwise than it must."""
        return StatementError(f"at character {self.token.position + 1} of the statement {expected} is expected")

    def deeper(self) -> None:
        """Count one more level of nesting.

        Raises:
            StatementError: it nests deeper than DynamoDB takes.
        """
        self._depth += 1
        if self._depth > _DEEPEST:
            raise StatementError(f"the statement nests deeper than {_DEEPEST} levels")

    def shallower(self) -> None:
        """Leave a level of nesting."""
        self._depth -= 1
