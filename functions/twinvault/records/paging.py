"""How many records a page may hold. Pure."""

from twinvault.errors import InvalidInput

MAX_PAGE = 1000


def require_limit(limit: object) -> None:
    """Lets the size of a page pass.

    Raises:
        InvalidInput: it is no whole number from 1 to `MAX_PAGE`.
    """
    if type(limit) is not int or limit not in range(1, MAX_PAGE + 1):
        raise InvalidInput(f"limit: must be a whole number from 1 to {MAX_PAGE}", field="limit")
